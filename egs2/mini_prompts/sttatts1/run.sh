#!/usr/bin/env bash
# Telephone prompts read by one speaker: learns to transcribe and to speak in minutes.
#
#   ./run.sh                      everything
#   ./run.sh --help               the stages and options
#
# test: prompts that training never sees. test_joined: new numbers, dates, times and
# spelled words, joined from recordings that are in training. train_check: what the
# model makes of prompts that it has learned.
set -euo pipefail

recipe_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

exec "$recipe_dir/../../TEMPLATE/sttatts1/sttatts.sh" \
    --recipe_dir "$recipe_dir" \
    --tasks "asr tts" \
    --train_set train \
    --valid_set valid \
    --asr_test_sets "test test_joined train_check" \
    --tts_test_sets "test test_joined" \
    --train_config "$recipe_dir/conf/train_mini.yaml" \
    --cleaner english \
    --spk_embed_tool resemblyzer \
    --spk_embed_per speaker \
    --inference_nj 1 \
    --inference_asr_args "--beam_size 5" \
    --inference_tts_args "--write_plots 5 --maxlenratio 30 --prenet_dropout 0.1" \
    --judge whisper:tiny.en \
    --similarity_tool none \
    --compare_untrained true \
    -- "$@"
