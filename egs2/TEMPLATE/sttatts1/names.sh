# Which sets there are for each task, and how experiments are named.
# shellcheck shell=bash disable=SC2154,SC2034

# ---- sets of each task; dirs have the form <set>/<task>
declare -A train valid tests decoding decoded model
train=([asr]=${asr_train_set:-$train_set} [tts]=${tts_train_set:-$train_set} [vc]=${vc_train_set:-$train_set})
valid=([asr]=${asr_valid_set:-$valid_set} [tts]=${tts_valid_set:-$valid_set} [vc]=${vc_valid_set:-$valid_set})
tests=([asr]=${asr_test_sets:-$test_sets} [tts]=${tts_test_sets:-$test_sets} [vc]=${vc_test_sets:-$test_sets})
unperturbed=${train[asr]}
[[ -z "$speed_perturb_factors" || $tasks != *asr* ]] || { train[asr]+=_sp && tag_suffix+=_sp; }
source_of() { # source_of DIR: where the dump finds it
    case $1 in "$unperturbed"_sp/asr) echo "$dumpdir/speeds/$1" ;; *) echo "$datadir/$1" ;; esac
}
phase_sets=$([ -z "$phases" ] || "$python" -m "$steps.phase_sets" "$phases" --tasks "$tasks") || exit 2
training_dirs=() valid_dirs=() test_dirs=() training_texts=()
for task in $tasks; do
    training_dirs+=("${train[$task]}/$task") valid_dirs+=("${valid[$task]}/$task")
    for name in ${tests[$task]}; do test_dirs+=("$name/$task"); done
done
each_once() { printf '%s\n' "$@" | awk 'NF && !seen[$0]++'; }
mapfile -t training_dirs < <(each_once "${training_dirs[@]}" "$(awk 'NF { print $2 "/" $1 }' <<<"$phase_sets")")
mapfile -t learnt_dirs < <([ -n "$download_model" ] || each_once "${training_dirs[@]}" "${valid_dirs[@]}")
mapfile -t dirs < <(each_once "${learnt_dirs[@]}" "${test_dirs[@]}")
tested_dirs=("${dirs[@]:${#learnt_dirs[@]}}") # what is only tested
for dir in "${training_dirs[@]}"; do [[ $dir == */vc ]] || training_texts+=("$raw/$dir/text"); done

# ---- names of experiments: options as ESPnet writes them, without those that change no result
in_name() { # in_name OPTIONS: "--beam_size 5 --ctc_weight=0.3" gives _beam_size5_ctc_weight0.3
    sed -E 's/--(num_workers|log_interval|log_level|dry_run|resume)[ =]+[^ ]*//g; s/--write_plots[ =]+5\b//
        s/--/_/g' <<<"$1" | tr -d ' |=/,:[]{}()"'\'
}
short() { # short NAME: of what file systems take, what is left over as a number
    if [ ${#1} -gt 150 ]; then echo "${1:0:140}_$(cksum <<<"$1" | cut -d' ' -f1)"; else echo "$1"; fi
}
experiment=$(basename "${train_config:-default}" .yaml)$tag_suffix$(in_name "$train_args")
[ -z "$download_model" ] || experiment=$(basename "$download_model" .zip)
exp=$(absolute "${sttatts_exp:-$expdir/${tag:-$(short "$experiment")}}")
[ "$train_vocoder" = false ] || vocoder=$exp/vocoder
[[ $train_vocoder = false || $tasks == *tts* ]] || die "--train_vocoder true: goes with --tasks that have tts"
stats_dir=$(absolute "${stats_dir:-$expdir/stats_$token_type$([ "$cleaner" = none ] || echo "_$cleaner")}")
lm_name=lm_$(basename "${lm_config:-$([ "$use_lm" = true ] && echo default || echo ngram)}" .yaml)
lm_exp=$(absolute "${lm_exp:-$expdir/$(short "$lm_name$(in_name "$lm_args")_$token_type")}")
lm_name='' lm_options=()
[[ $use_lm$use_ngram = falsefalse ]] || lm_name=_$(basename "$lm_exp")
if [ "$use_ngram" = true ]; then
    lm_name+=_${ngram_num}gram lm_options+=(--ngram_file "$lm_exp/${ngram_num}gram.arpa")
fi
if [ "$use_lm" = true ]; then
    lm_name+=_${inference_lm%.pth}
    lm_options+=(--lm_train_config "$lm_exp/config.yaml" --lm_file "$lm_exp/$inference_lm")
fi
decoding=([asr]="$inference_args $inference_asr_args" [tts]="$inference_args $inference_tts_args")
decoding[vc]=${decoding[tts]}
model=([asr]=${inference_asr_model:-$inference_model} [tts]=${inference_tts_model:-$inference_model}
    [vc]=${inference_vc_model:-$inference_model})
for task in asr tts vc; do
    name=$(basename "${inference_config:-decode}" .yaml)$(in_name "${decoding[$task]}")
    [ "$task" = asr ] && name+=$lm_name || name+=${vocoder:+_$(basename "$vocoder")}
    name=$(short "$name") && [ -n "$download_model" ] || name+=_$(basename "${model[$task]}" .pth)
    decoded[$task]=$exp/${task}_${inference_tag:-$name}
    model[$task]=${download_model:-$exp/${model[$task]}}
done
