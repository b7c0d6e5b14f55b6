#!/usr/bin/env bash
# Fetches and prepares the prompts; then the model that is to be fine-tuned shows what it
# can do already. Options are those of python -m local.mini_prompts:
#   --joined N           phrases to join for training
#   --corpus-dir DIR     unpacked Debian packages or tarball, instead of a download
# sttatts.sh sets recipe_dir, datadir, python, and pretrained, an option of run.sh, too.
set -euo pipefail

"${python:?}" -m local.mini_prompts \
    --download-dir "${recipe_dir:?}/downloads" --output-dir "${datadir:?}" "$@"

if [[ ${pretrained:-} == *.zip ]]; then
    "$recipe_dir/local/first_words.sh" "$pretrained" "$datadir/test/asr" \
        allison-prompt-queue-thankyou "$datadir/first_words"
fi
