#!/usr/bin/env bash
# Prepares ASC and ClArTTS, joined, and MGB-2 for warm fine-tuning. Takes the options of
# local/asc_clartts.py, such as --valid 40 200. run.sh sets its own options and
# recipe_dir, sttatts.sh datadir and python.
set -euo pipefail

prepare() { # prepare CORPUS WORD...
    "${python:?}" -m "local.$1" \
        --download-dir "${recipe_dir:?}/downloads" --output-dir "${datadir:?}" "${@:2}"
}

prepare asc_clartts ${asc_dir:+--asc-dir "$asc_dir"} \
    ${clartts_dir:+--clartts-dir "$clartts_dir"} ${restored:+--restored "$restored"} "$@"
[ "${warm:?}" = false ] ||
    prepare mgb2 ${mgb2_dir:+--corpus-dir "$mgb2_dir"} --parts train
