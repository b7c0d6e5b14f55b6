# Which sets and files the stages of sttatts.sh work on.
# shellcheck shell=bash disable=SC2154

of() { local own=$2_$1 && echo "${!own:-${!1}}"; } # of train_set asr: its own, or the common one
training_sets() { # training_sets TASK: the recipe's first, then those of --phases
    awk -v task="$1" '$1 == task && !seen[$2]++ { printf "%s ", $2 }' \
        <<<"$1 $(of train_set "$1")"$'\n'"$phase_sets"
}
each_once() { tr -s ' ' '\n' <<<"$1" | awk 'NF && !seen[$0]++'; }
learned_sets() { each_once "$(training_sets "$1") $(of valid_set "$1")"; } # learned_sets TASK
is_learned() { # is_learned TASK SET
    [ -z "$download_model" ] && [[ $'\n'$(learned_sets "$1")$'\n' == *$'\n'"$2"$'\n'* ]]
}
sets() { # sets TASK: each once, training sets first
    each_once "$([ -n "$download_model" ] || learned_sets "$1") $(of test_sets "$1")"
}
source_of() { # source_of TASK SET: where the dump finds a set
    if [ "$1 $2" = "asr ${unperturbed}_sp" ]; then echo "$dumpdir/speeds/$2/asr"; else echo "$datadir/$2/$1"; fi
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
    local file && for file in "$stats_dir/$2/$3"/*_shape; do
        [ ! -f "$file" ] || echo "--${1}_shape_file=$file"
    done
}
# States of what stages depend on: files, data directories under a folder, another stage.
content() { local file && for file in "$@"; do [ ! -f "$file" ] || cksum <"$file"; done; }
tables() { { cat "$1"/*/*/{wav.scp,segments,text,utt2spk,target.scp} 2>/dev/null || true; } | cksum; }
after() { [ ! -f "$1" ] || cat "$1"; }
# Names of folders: options as ESPnet writes them, without those that change no result.
in_name() { # in_name OPTIONS: "--beam_size 5 --ctc_weight=0.3" gives _beam_size5_ctc_weight0.3
    sed -E 's/--(num_workers|log_interval|log_level|dry_run|resume)[ =]+[^ ]*//g; s/--write_plots[ =]+5\b//
        s/--/_/g' <<<"$1" | tr -d ' |=/,:[]{}()"'\'
}
short() { # short NAME: of what file systems take, what is left over as a number
    if [ ${#1} -gt 150 ]; then echo "${1:0:140}_$(cksum <<<"$1" | cut -d' ' -f1)"; else echo "$1"; fi
}
