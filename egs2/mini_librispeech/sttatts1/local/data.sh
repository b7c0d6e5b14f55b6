#!/usr/bin/env bash
# Fetches and prepares the corpora. Takes the options of
# python -m local.mini_librispeech. run.sh sets its own options and recipe_dir,
# sttatts.sh datadir and python.
set -euo pipefail

exec "${python:?}" -m local.mini_librispeech \
    ${corpus_dir:+--corpus-dir "$corpus_dir"} ${teacher_dir:+--teacher-dir "$teacher_dir"} \
    ${sentences_dir:+--sentences-dir "$sentences_dir"} --readings "${readings:?}" \
    --download-dir "${recipe_dir:?}/downloads" --output-dir "${datadir:?}" "$@"
