#!/usr/bin/env bash
# Fetches and prepares the words. Takes the options of
# python -m local.arabic_speech_commands, such as --concatenate 5. run.sh sets its own
# options and recipe_dir, sttatts.sh datadir and python.
set -euo pipefail

exec "${python:?}" -m local.arabic_speech_commands \
    ${corpus_dir:+--corpus-dir "$corpus_dir"} \
    --download-dir "${recipe_dir:?}/downloads" --output-dir "${datadir:?}" "$@"
