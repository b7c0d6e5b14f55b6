#!/usr/bin/env bash
# Lets a packed model speak with each of its voices, and write down what it hears: its
# own words, then a person's.
#
#   first_words.sh MODEL.zip DATA_DIRECTORY UTTERANCE FOLDER
#
# UTTERANCE of DATA_DIRECTORY is the person's; FOLDER gets the recordings. The variable
# python names the interpreter.
set -euo pipefail
model=$1 data=$2 utterance=$3 folder=$4

sentence="good morning this is a small model that listens and speaks"
sttatts() { "${python:?}" -m espnet2_ext.bin.sttatts "$1" -m "$model" "${@:2}"; }
value() { awk -v id="$utterance" '$1 == id { sub(/^[^ ]+ /, ""); print }' "$data/$1"; }

mkdir -p "$folder"
speakers=$(sttatts info | sed -n 's/^speakers  *//p' | tr -d ,)
echo "$(basename "$model"), as it comes, says \"$sentence\""
spoken=()
for speaker in $speakers; do
    sttatts speak "$sentence" --speaker "$speaker" -o "$folder/$speaker.wav"
    echo "  voice $speaker: $folder/$speaker.wav"
    spoken+=("$folder/$speaker.wav")
done
person=$(value wav.scp)
echo "and hears, the last of it from a person who says \"$(value text)\""
sttatts transcribe "${spoken[@]}" "$person" | while IFS=$'\t' read -r file text; do
    echo "  $(basename "$file"): $text"
done
