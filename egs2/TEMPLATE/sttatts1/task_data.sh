# Which sets and files the stages of sttatts.sh work on.
# shellcheck shell=bash disable=SC2154

of() { local own=$2_$1 && echo "${!own:-${!1}}"; } # of train_set asr: its own, or the common one
training_sets() { # training_sets TASK: the recipe's first, then those of --phases
    awk -v task="$1" '$1 == task && !seen[$2]++ { printf "%s ", $2 }' \
        <<<"$1 $(of train_set "$1")"$'\n'"$phase_sets"
}
sets() { # sets TASK: each once, training sets first
    local all && all=$(of test_sets "$1")
    [ -n "$download_model" ] || all="$(training_sets "$1") $(of valid_set "$1") $all"
    tr -s ' ' '\n' <<<"$all" | awk 'NF && !seen[$0]++'
}
data_words() { # data_words PREFIX SET TASK: options that name a task's data, one a line
    local names item file speakers=spembs.scp speaker_type=kaldi_ark
    [ "$named_speakers" = false ] || speakers=utt2spk speaker_type=text
    case $3 in
        asr) names="wav.scp,asr_speech,sound text,asr_text,text" ;;
        tts) names="text,tts_text,text wav.scp,tts_speech,sound $speakers,tts_spembs,$speaker_type" ;;
        vc) names="wav.scp,vc_speech,sound target.scp,vc_target,sound $speakers,vc_spembs,$speaker_type" ;;
    esac
    for item in $names; do
        file=$raw/$2/$3/$item
        [ ! -f "${file%%,*}" ] || echo "--${1}data_path_and_name_and_type=$file"
    done
}
shape_words() { # shape_words train|valid SET TASK: options that name the lengths of its data
    local file && for file in "$exp/stats/$2/$3/$1"/*_{speech,text,target}_shape; do
        [ ! -f "$file" ] || echo "--${1}_shape_file=$file"
    done
}
# States of what stages depend on: files, data directories under a folder, another stage.
content() { local file && for file in "$@"; do [ ! -f "$file" ] || cksum <"$file"; done; }
tables() { { cat "$1"/*/*/{wav.scp,segments,text,utt2spk,target.scp} 2>/dev/null || true; } | cksum; }
after() { [ ! -f "$1" ] || cat "$1"; }
