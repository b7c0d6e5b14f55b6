# What can be known before the first stage of sttatts.sh is said there.
# shellcheck shell=bash disable=SC2154

# Options of the recipe itself do not belong into --train_args and its like.
check_passed_on() { # check_passed_on NAME WORDS
    local word
    for word in $2; do
        case ${word%%=*} in
            --config) die "--$1: ${word%%=*}: say --train_config or --inference_config" ;;
            --cleaner | --token_type | --bpemodel | --ngpu | --vocoder)
                die "--$1: ${word%%=*}: is an option of the recipe itself; give it alone" ;;
            --output_dir) die "--$1: ${word%%=*}: say --tag or --inference_tag" ;;
        esac
    done
}
check_start() {
    local program backend
    [ "$token_type" = bpe ] || [ -z "$bpemodel" ] || die "--bpemodel '$bpemodel': goes with --token_type bpe"
    [ "$token_type" = char ] || [ -n "$bpemodel" ] || [ -z "$pretrained" ] ||
        die "--token_type bpe with --pretrained: give the model's own pieces, --bpemodel FILE"
    [ "$spk_embed_tool" != precomputed ] || [ -n "$spk_embed_file" ] ||
        die "--spk_embed_tool precomputed: give --spk_embed_file, an .npz or .scp"
    for backend in "$cmd_backend" "$cuda_backend"; do
        case $backend in
            local) continue ;;
            slurm) program='sbatch' ;;
            sge | pbs) program='qsub' ;;
            *) die "cmd_backend '$backend' (cmd.sh): use local, slurm, sge or pbs" ;;
        esac
        command -v "$program" >/dev/null ||
            die "cmd_backend '$backend' (cmd.sh): there is no $program here; start the recipe where it is, or use local"
    done
    if [ "$ngpu" -gt 0 ] && [ "$cuda_backend" = local ] && wanted 8 && [ "$num_nodes" -eq 1 ]; then
        ls /dev/nvidia[0-9]* /dev/kfd /dev/dxg >/dev/null 2>&1 ||
            die "--ngpu $ngpu: this machine has no GPU; say --ngpu 0 to train on the CPU, or --stop_stage 7"
    fi
    ! wanted 2 || wanted 1 || check_data
}
check_data() { # what stage 1, or the user in its place, is to have written
    local task name folder file needed
    for task in $tasks; do
        for name in $(sets "$task"); do
            folder=$datadir/$([ "$name" = "$asr_train_set" ] && echo "$unperturbed" || echo "$name")/$task
            needed="wav.scp utt2spk"
            ! is_learned "$task" "$name" || needed+=" text"
            [ "$task" != vc ] || needed=${needed/text/target.scp}
            for file in $needed; do
                [ -f "$folder/$file" ] || die "$folder/$file: missing; $(what_is_needed "$task")"
            done
        done
    done
}
what_is_needed() { # what_is_needed TASK
    case $1 in
        asr) echo "ASR needs wav.scp, text, utt2spk" ;;
        tts) echo "TTS needs wav.scp, text, utt2spk" ;;
        vc) echo "VC needs parallel recordings: wav.scp (what is converted), target.scp (the same words in" \
            "the wanted voice), utt2spk (whose voice that is); or leave vc out of --tasks" ;;
    esac
}
check_options() { # of the commands that stages 8 to 11 run
    local task own words=(--tasks "$tasks" --fs "$fs" --spk_embed_tool "$spk_embed_tool")
    [ -z "$pretrained" ] || words+=(--pretrained "$pretrained")
    [ -z "$spk_embed_file" ] || words+=(--spk_embed_file "$spk_embed_file")
    words+=(:::) # training only where it is to come: its options take seconds to load
    ! wanted 8 || words+=("${learning[@]}" --ngpu "$ngpu" "${train_words[@]}")
    for task in asr tts; do
        read -ra own <<<"$(decoding_args "$task")"
        words+=(::: ${inference_config:+--inference_config "$inference_config"} "${own[@]}")
    done
    py check_options "${words[@]}"
}
