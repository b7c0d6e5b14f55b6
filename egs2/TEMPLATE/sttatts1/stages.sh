# Reads the options of sttatts.sh and runs its stages.
#
# The script that sources this file declares its options, each with a default and a
# comment, between the lines "# <options>" and "# </options>"; --help prints them.
# shellcheck shell=bash disable=SC2154

log() { echo "$(date '+%H:%M:%S') $*" >&2; }
die() { echo "sttatts.sh: error: $*" >&2 && exit 2; }
options() { sed -n '/^# <options>/,/^# <\/options>/p' "$0" | sed '1d;$d'; }
usage() {
    local line name value
    sed -n '3,/^# <options>/p' "$0" | sed '$d;s/^# \{0,1\}//'
    while IFS= read -r line; do
        if [[ $line == "# ---- "* ]]; then
            printf '\n%s\n' "${line#\# ---- }"
        else
            name=${line%%=*} && value=${!name} && value=${value//"$recipe_dir/"/}
            [[ $value != *' '* ]] || value="\"$value\""
            printf '  %-28s # %s\n' "--$name $value" "${line#*# }"
        fi
    done < <(options)
}

# Sets the variables that are named by --two_words VALUE, --two-words VALUE or
# --two_words=VALUE. What follows a lone -- is from the user: user_words remembers it.
read_options() {
    local name value known
    known=$(options)$'\n'${own_options:-} # the recipe's, too
    user_words=("$@") recipe_dir='' stage_given=false
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) usage || true && exit 0 ;; # || true: "| head" does not read all
            --) shift && user_words=("$@") && continue ;;
            --?*) name=${1%%=*} && name=${name#--} && name=${name//-/_} ;;
            *) die "'$1': options are --name VALUE; see --help" ;;
        esac
        [ "$name" != lang ] || name=language
        [ "$name" = recipe_dir ] || grep -q "^$name=" <<<"$known" ||
            die "--$name: $(instead_of "$name")"
        if [[ $1 == *=* ]]; then
            value=${1#*=}
        else
            [ $# -ge 2 ] || die "--$name: needs a value"
            value=$2 && shift
        fi
        shift
        check_option "$name" "$value"
        [ "$name" != stage ] || stage_given=true
        printf -v "$name" %s "$value"
    done
    user_command=./run.sh
    [ ${#user_words[@]} -eq 0 ] || user_command+=$(printf ' %q' "${user_words[@]}")
    [ -n "$recipe_dir" ] ||
        die "start the run.sh of a recipe, such as egs2/mini_prompts/sttatts1/run.sh"
}
check_option() { # check_option NAME VALUE
    local pattern='' what=''
    case $1 in
        tasks) pattern='^ *((asr|tts|vc) *)+$' what="some of asr, tts, vc" ;;
        token_type) pattern='^(char|bpe)$' what="char or bpe" ;;
        bpemode) pattern='^(unigram|bpe)$' what="unigram or bpe" ;;
        feats_type) pattern='^raw$' what="raw" ;;
        audio_format) pattern='^(flac|wav)$' what="flac or wav" ;;
        speed_perturb_factors) pattern='^[0-9. ]*$' what="numbers, such as \"0.9 1.0 1.1\"" ;;
        fs) pattern='^[0-9]+(\.[0-9]+)?k?$' what="a number of Hz, such as 16k" ;;
        skip_stages) pattern='^[0-9 ]*$' what="numbers" ;;
        skip_* | use_lm | use_ngram | gpu_inference | compare_untrained | overwrite) pattern='^(true|false)$' what="true or false" ;;
        stage | stop_stage | ngpu | allow_failures) pattern='^[0-9]+$' what="a number" ;;
        nj | inference_nj | num_nodes | train_processes | untrained_utts | nbpe | ngram_num)
            pattern='^[1-9][0-9]*$' what="a number from 1" ;;
        *_config | bpemodel | spk_embed_file | phases | lm_train_text)
            [ -z "$2" ] || [ -f "$2" ] || die "--$1 '$2': no such file (from $PWD)" ;;
        train_args | inference_*args) check_passed_on "$1" "$2" ;;
    esac
    [[ $2 =~ $pattern ]] || die "--$1 '$2': give $what"
}
hertz() { awk '{ print int($1 * (/k$/ ? 1000 : 1)) }' <<<"$1"; } # hertz 22.05k gives 22050

# ---- how stages run
lead=() # A stage's processes end with the script, even when it is killed.
! setpriv --pdeathsig KILL true 2>/dev/null || lead=(setpriv --pdeathsig KILL)
show='cat'
start_command() { # start_command WORD...: into the log, and through $show to the user
    local code=0 out reader
    exec {out}> >(tee -a "$log_file" | "$show" >&2)
    reader=$!
    "${lead[@]}" "$@" >&"$out" 2>&1 {out}>&- || code=$?
    exec {out}>&-
    wait "$reader" || true
    return "$code"
}
py() { start_command "$python" -m "espnet2_ext.bin.$1" "${@:2}"; }
epochs() { # what a user wants to see of a training log
    grep --line-buffered -E 'epoch results|updates|: phase |job [0-9]+: |WARNING|ERROR|[Ee]rror: ' |
        grep --line-buffered -oE '^.{1,300}' || true # cut would keep lines until the end
}
wanted() { # wanted NUMBER
    [ "$1" -eq 0 ] || [ "$1" -ge "$stage" ] && [ "$1" -le "$stop_stage" ] || return 1
    [[ " $skip_stages " != *" $1 "* ]] || return 1
    case $1 in
        0) [ "$stop_stage" -ge 6 ] ;;
        3) [ "$skip_data_prep" = false ] && [ "$named_speakers" = false ] ;;
        [124]) [ "$skip_data_prep" = false ] ;;
        [56]) [ "$skip_data_prep" = false ] && [ -z "$download_model" ] ;;
        [78]) [ "$skip_train" = false ] ;;
        9 | 1[0-3]) [ "$skip_eval" = false ] ;;
        14) [ "$skip_packing" = false ] ;;
        15) [ "$skip_upload_hf" = false ] ;;
    esac
}
# run NUMBER TITLE FOLDER FUNCTION WORD...: run a stage, unless it is done. FOLDER gets
# its log and the mark that says so, a digest of the words: what the stage depends on.
run() {
    local number=$1 title="stage $1 ($2)" folder=$3 body=$4 digest lock && shift 4
    wanted "$number" || return 0
    mark=$folder/.done_$number begun=$folder/.begun_$number log_file=$folder/log/stage_$number.log
    [ "$number" -ne 8 ] || log_file=$folder/train.log # where ESPnet has it
    mkdir -p "$folder/log"
    digest=$(printf '%s\n' "$@" | cksum)
    if [ -f "$mark" ] && [ "$(cat "$mark")" = "$digest" ] &&
        [ "$stage_given$stage" != "true$number" ]; then
        [ "$number" -eq 0 ] || log "$title: done before; to do it again, add --stage $number"
        return
    fi
    exec {lock}>"$folder/.lock_$number"
    [ "$num_nodes" -gt 1 ] || ! command -v flock >/dev/null || flock -w 60 "$lock" ||
        die "$title: another run is at it in $folder"
    rm -f "$begun"
    [ ! -f "$mark" ] || { mv "$mark" "$begun" && touch "$begun"; }
    [ "$number" -eq 0 ] || log "$title: log in $log_file"
    echo "# $(date) in $PWD: $user_command" >>"$log_file"
    current_stage=$number current_title=$title current_folder=$folder
    show='cat'
    trap failed EXIT
    "$body"
    trap - EXIT
    exec {lock}>&-
    echo "$digest" >"$mark.tmp" && mv "$mark.tmp" "$mark" && rm -f "$begun"
}
failed() {
    local changed=(-type f -newer "$begun" ! -name '*.log' ! -name '.*' ! -path "$current_folder/log/*")
    # A trial that has written nothing leaves the mark of what was done before.
    [ ! -f "$begun" ] || [ -n "$(find "$current_folder" "${changed[@]}" -print -quit)" ] || mv "$begun" "$mark"
    [ "$show" = cat ] || tail -n 10 "$log_file" | cut -c1-500 >&2
    log "$current_title failed: see $log_file"
    [ "$current_stage" -eq 0 ] ||
        log "to go on, give the same command again; to begin with this stage, add --stage $current_stage"
}
