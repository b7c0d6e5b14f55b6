#!/usr/bin/env bash
# Prepares the corpora, and joins their parts to train_<size>/{asr,tts}, as the paper's
# Table 1 has them. Takes options that all of local/<corpus>.py have, such as
# --allow-failures N. run.sh sets its own options and recipe_dir, sttatts.sh datadir and
# python.
set -euo pipefail

prepare() { # prepare CORPUS FOLDER WORD...
    "${python:?}" -m "local.$1" ${2:+--corpus-dir "$2"} \
        --download-dir "${recipe_dir:?}/downloads" --output-dir "${datadir:?}" "${@:3}"
}
join() { # join TASK SET PART...: data/SET/TASK out of data/PART/TASK
    local part folders=()
    for part in "${@:3}"; do folders+=("$datadir/$part/$1"); done
    "$python" -m tools.recipe.datadir combine "$datadir/$2/$1" "${folders[@]}"
}

# LibriTTS of en_s is train-clean-360 alone: 191 hours in the paper's Table 2, and
# 116,460 utterances in the authors' log.
case ${size:?} in
    s) asr=(train-clean-100) tts=(train-clean-360) ;;
    m) asr=(train-clean-{100,360}) tts=(train-{clean-100,clean-360,other-500}) ;;
    l) asr=(train-{clean-100,clean-360,other-500}) tts=("${asr[@]}") ;;
esac
prepare librispeech "${librispeech_dir?}" --parts "${asr[@]}" dev-clean test-clean "$@"
prepare libritts "${libritts_dir?}" --parts "${tts[@]}" dev-clean test-clean "$@"
if [ "$size" = l ]; then
    prepare ljspeech "${ljspeech_dir?}" "$@"
    tts+=(ljspeech-train)
    join asr train_m train-clean-{100,360} # what recognition goes on with, see conf/phases_en_l.yaml
fi
join asr "train_$size" "${asr[@]}"
join tts "train_$size" "${tts[@]}"
[ "${vc:?}" = false ] || prepare cmu_arctic "${arctic_dir?}" "$@"
