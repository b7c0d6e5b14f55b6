# Decoding and scoring, stages 9 to 13 of sttatts.sh.
# shellcheck shell=bash disable=SC2154

model_file() { # model_file TASK: the weights that decode it
    local own=inference_$1_model && echo "${download_model:-$exp/${!own:-$inference_model}}"
}
decoding_args() { # decoding_args TASK: the common ones and its own
    local own=inference_${1/vc/tts}_args && echo "$inference_args ${!own}"
}
decoded() { # decoded TASK: the folder of its results
    local name && name=$(basename "${inference_config:-decode}" .yaml)$(in_name "$(decoding_args "$1")")
    [ "$1" = asr ] || [ -z "$vocoder" ] || name+=_$(basename "$vocoder")
    [ "$1" != asr ] || name+=$(lm_name | tr -d '\n')
    name=$(short "$name") && [ -n "$download_model" ] || name+=_$(basename "$(model_file "$1")" .pth)
    echo "$exp/$1_${inference_tag:-$name}"
}
decodings() { # decodings TASK: its test sets, one a line; again with a mark for other weights
    local name
    for name in $(of test_sets "$1"); do
        echo "$name"
        # With phases, init.pth is from before the last one only.
        [ "$compare_untrained" = false ] || [ -n "$phases" ] || [ ! -f "$exp/init.pth" ] ||
            [ ! -f "$raw/$name/$1/text" ] || echo "$name $([ -n "$pretrained" ] && echo imported || echo untrained)"
    done
}
decode() { # decode TASK: every test set
    local name mark made keys weights data extra words=()
    read -ra extra <<<"$(decoding_args "$1")"
    [ "$1" = asr ] || extra=(--write_plots 5 "${extra[@]}")
    [ -z "$inference_config" ] || extra=(--inference_config "$inference_config" "${extra[@]}")
    [ -z "$bpemodel" ] || [ -n "$download_model" ] || extra+=(--bpemodel "$bpemodel")
    [ "$1" = asr ] || [ -z "$vocoder" ] || extra+=(--vocoder "$vocoder")
    [ "$1" != asr ] || { mapfile -t words < <(lm_words) && extra+=("${words[@]}") && words=(); }
    while read -r name mark; do
        made=$(decoded "$1")${mark:+_$mark}/$name keys=$raw/$name/$1/wav.scp
        weights=(--train_config "$exp/config.yaml" --model_file "$(model_file "$1")")
        [ -z "$download_model" ] || weights=(--model "$download_model")
        if [ -n "$mark" ]; then
            keys=$made/first_utterances weights=(--train_config "$exp/config.yaml" --model_file "$exp/init.pth")
            mkdir -p "$made" && head -n "$untrained_utts" "$raw/$name/$1/text" >"$keys"
        fi
        mapfile -t data < <(data_words '' "$name" "$1")
        words+=(::: "${weights[@]}" --key_file "$keys" --output_dir "$made" "${data[@]}")
    done < <(decodings "$1")
    OMP_NUM_THREADS=$((inference_nj > 1 ? 1 : threads)) py for_each decode_jobs --task "$1" "${device[@]}" \
        "${extra[@]}" --overwrite "$overwrite" --nj "$inference_nj" "${jobs[@]}" "${words[@]}"
}
stage_asr() { decode asr; }
stage_tts() { decode tts; }
stage_vc() { decode vc; }
stage_score() {
    local task name mark from made ref similarity mos words=()
    similarity=${similarity_tool:-$spk_embed_tool} && [ "$similarity" != precomputed ] || similarity=none
    read -ra mos <<<"$predict_mos"
    for task in $tasks; do
        while read -r name mark; do
            from=$raw/$name/$task made=$(decoded "$task")${mark:+_$mark}/$name ref=$from/text
            [ -f "$ref" ] || { log "$from: no text, nothing to score" && continue; }
            [ -z "$mark" ] || ref=$made/first_utterances
            words+=(:::)
            if [ "$task" = asr ]; then
                words+=(asr --hyp "$made/1best_recog/text" "--score_opts=$score_opts")
            else
                words+=("$task" --wav_scp "$made/wav.scp" --inference_dir "$made" "${hearing[@]}")
                if [ "$task" = tts ]; then
                    words+=(--natural_wav_scp "$from/wav.scp" --round_trip)
                else
                    words+=(--source_wav_scp "$from/wav.scp")
                    [ ! -f "$from/target.scp" ] || words+=(--target_wav_scp "$from/target.scp" --round_trip)
                fi
                if [ "$task" = tts ] || [ -f "$from/target.scp" ]; then
                    words+=(--speaker_similarity "$similarity" --utt2spk "$from/utt2spk")
                else
                    words+=(--speaker_similarity none)
                fi
                [ ${#mos[@]} -eq 0 ] || words+=(--predict_mos "${mos[@]}")
                [ -z "$vocoder" ] || words+=(--vocoder "$vocoder")
            fi
            [ -z "$mark" ] || words+=(--note "$mark, first $(wc -l <"$ref") utterances")
            words+=(--ref "$ref" --dataset "$name" --normalizer "$normalizer" --output_dir "$made/score"
                --command "$user_command")
        done < <(decodings "$task")
    done
    py for_each sttatts_score "${words[@]}"
}
stage_results() {
    py sttatts_score results --expdir "$exp" --output_dir "$exp" --command "$user_command"
    py sttatts_score report --expdir "$exp" --output_dir "$exp/report"
}
