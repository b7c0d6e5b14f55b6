# What can be known before the first stage of sttatts.sh is said there.
# shellcheck shell=bash disable=SC2154,SC2034

unknown_option() { # unknown_option WORD
    local name=${1%%=*}
    [[ $1 == --?* ]] || die "'$1': options are --name VALUE; see --help"
    name=${name#--} && name=${name//-/_}
    die "--$name: $(awk -v name="$name" '/^[^#]/ && name ~ "^(" $1 ")$" {
        sub(/^[^ ]+ +/, ""); sub(/NAME /, name " "); print; exit }' "$template/espnet_options.txt")"
}
check_option() { # check_option NAME VALUE: called for every option that is given
    local default pattern='' what=''
    default=$(sed -n "s/^$1=\([^ ]*\).*/\1/p" <<<"$configuration")
    case $1 in
        tasks) pattern='^ *((asr|tts|vc) *)+$' what="some of asr, tts, vc" ;;
        token_type) pattern='^(char|bpe)$' what="char or bpe" ;;
        bpemode) pattern='^(unigram|bpe)$' what="unigram or bpe" ;;
        feats_type) pattern='^raw$' what="raw" ;;
        audio_format) pattern='^(flac|wav)$' what="flac or wav" ;;
        speed_perturb_factors) pattern='^[0-9. ]*$' what="numbers, such as \"0.9 1.0 1.1\"" ;;
        fs) pattern='^[0-9]+(\.[0-9]+)?k?$' what="a number of Hz, such as 16k" ;;
        skip_stages) pattern='^[0-9 ]*$' what="numbers" ;;
        stage) pattern='^[0-9]+$' what="a number" && stage_given=true ;;
        m??_wav_duration) pattern='^[0-9.]+$' what="seconds" ;;
        *_config | bpemodel | spk_embed_file | phases | lm_train_text)
            [ -z "$2" ] || [ -f "$2" ] || die "--$1 '$2': no such file (from $PWD)" ;;
        train_args | inference_*args) check_passed_on "$1" "$2" ;;
        *) case $default in # others are of the default's kind
            true | false) pattern='^(true|false)$' what="true or false" ;;
            0) pattern='^[0-9]+$' what="a number" ;;
            [1-9]*) pattern='^[1-9][0-9]*$' what="a number from 1" ;;
        esac ;;
    esac
    [[ $2 =~ $pattern ]] || die "--$1 '$2': give $what"
}
check_passed_on() { # check_passed_on NAME WORDS: options of the recipe itself are given alone
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
has_gpu() { compgen -G '/dev/nvidia[0-9]*' || compgen -G '/dev/kfd' || compgen -G '/dev/dxg'; } >/dev/null
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
        has_gpu || die "--ngpu $ngpu: this machine has no GPU; say --ngpu 0 to train on the CPU, or --stop_stage 7"
    fi
    [ "$gpu_inference" = false ] || [ "$cmd_backend" != local ] || [ "$stop_stage" -lt 9 ] || has_gpu ||
        die "--gpu_inference true: this machine has no GPU; leave it out to decode on the CPU"
    ! wanted 2 || wanted 1 || check_data
}
check_data() { # what stage 1, or the user in its place, is to have written
    local learnt=("${learnt_dirs[@]/#"$unperturbed"_sp\//$unperturbed/}") # other speeds are made later
    "$python" -m "$steps.check_data" --learnt "${learnt[@]/#/$datadir/}" --tested "${tested_dirs[@]/#/$datadir/}" || exit 2
}
