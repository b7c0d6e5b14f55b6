#!/usr/bin/env bash
# Fetches and prepares the prompts. Options are those of local/mini_prompts/prepare.py:
#   --joined N           phrases to join for training
#   --corpus-dir DIR     unpacked Debian packages or tarball, instead of a download
# sttatts.sh sets recipe_dir, datadir, python.
set -euo pipefail

exec "${python:?}" -m local.mini_prompts.prepare \
    --download-dir "${recipe_dir:?}/downloads" --output-dir "${datadir:?}" "$@"
