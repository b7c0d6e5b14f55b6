# Language models that help recognition: stage 7 of sttatts.sh trains them, stage 9 uses
# them.  Neural ones are ESPnet's own task; n-grams are estimated here.
# shellcheck shell=bash disable=SC2154

lm_folder() { # where they are trained, or were
    local name
    name=lm_$(basename "${lm_config:-ngram}" .yaml)$(in_name "$lm_args")_$token_type
    [ "$use_lm" = false ] || [ -n "$lm_config" ] || name=${name/lm_ngram/lm_default}
    absolute "${lm_exp:-$expdir/$(short "$name")}"
}
lm_texts() { # the training texts of recognition and synthesis, and more if there are
    local task name
    for task in ${tasks/vc/}; do
        for name in $(training_sets "$task"); do echo "$raw/$name/$task/text"; done
    done
    [ -z "$lm_train_text" ] || echo "$lm_train_text"
}
lm_shapes() { # lm_shapes TEXT: tokens of each, as ESPnet has shapes of texts
    awk -v size="$(wc -l <"$lm_exp/tokens.txt")" '{ print $1, NF - 1 "," size }' "$1.txt" >"$1_shape"
}
stage_lm() {
    local texts cut=(lm_text --token_list "$tokens" "${text[@]}" --lm_token_list "$lm_exp/tokens.txt")
    local launch=("$python") words=() own train=$lm_exp/train valid=$lm_exp/valid
    mapfile -t texts < <(lm_texts)
    [ "$use_ngram" = false ] || words=(--arpa "$lm_exp/${ngram_num}gram.arpa" --order "$ngram_num")
    py "${cut[@]}" "${texts[@]}" --output "$train.txt" "${words[@]}"
    [ "$use_lm" = true ] || return 0
    py "${cut[@]}" "$raw/$(of valid_set asr)/asr/text" --output "$valid.txt"
    lm_shapes "$train" && lm_shapes "$valid"
    [ "$cuda_backend" = local ] || launch+=(-m espnet2_ext.bin.submit --cmd_backend "$cuda_backend"
        --folder "$lm_exp" --cluster_config "$recipe_dir/conf/$cuda_backend.yaml" --ngpu "$ngpu" --num_nodes 1
        -- "$python")
    read -ra own <<<"$lm_args"
    show=epochs # only
    OMP_NUM_THREADS=$threads start_command "${launch[@]}" -m espnet2.bin.lm_train \
        ${lm_config:+--config "$lm_config"} --token_type word --token_list "$lm_exp/tokens.txt" \
        --train_data_path_and_name_and_type "$train.txt,text,text" --train_shape_file "$train"_shape \
        --valid_data_path_and_name_and_type "$valid.txt,text,text" --valid_shape_file "$valid"_shape \
        --fold_length 150 --ngpu "$ngpu" --resume true --output_dir "$lm_exp" "${own[@]}"
}
uses_lm() { [ "$use_lm" = true ] || [ "$use_ngram" = true ]; }
lm_name() { # what the folder of results says of them
    ! uses_lm || echo "_$(basename "$lm_exp")"
    [ "$use_ngram" = false ] || echo "_${ngram_num}gram"
    [ "$use_lm" = false ] || echo "_${inference_lm%.pth}"
}
lm_words() { # options of decoding, one a line
    [ "$use_lm" = false ] || printf '%s\n' --lm_train_config "$lm_exp/config.yaml" --lm_file "$lm_exp/$inference_lm"
    [ "$use_ngram" = false ] || printf '%s\n' --ngram_file "$lm_exp/${ngram_num}gram.arpa"
}
