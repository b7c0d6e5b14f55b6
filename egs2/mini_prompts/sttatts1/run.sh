#!/usr/bin/env bash
# shellcheck disable=SC2034 # options are also read by name
# Telephone prompts read by one speaker: the model of the package learns her voice and
# her way of speaking in minutes.
#
#   ./run.sh                        everything
#   ./run.sh --from_scratch true    a model that knows nothing yet learns it
#
# test: prompts that training never sees. test_joined: new numbers, dates, times and
# spelled words, joined from recordings that are in training. train_check: what the
# model makes of prompts that it has learned. In stage 1 the model of the package also
# speaks and listens, as it comes.
#
# Begin configuration section
from_scratch=false          # true: random weights and conf/train_mini.yaml, no fine-tuning
pretrained=                 # what is fine-tuned, a packed model; empty: the one of the package
# End configuration section
set -euo pipefail

recipe_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) && export recipe_dir
# shellcheck source=../../TEMPLATE/sttatts1/parse_options.sh
. "$recipe_dir/../../TEMPLATE/sttatts1/parse_options.sh"
choice from_scratch true false

if [ "$from_scratch" = true ]; then
    way=(--train_config "$recipe_dir/conf/train_mini.yaml"
        --inference_asr_args "--beam_size 5"
        --inference_tts_args "--maxlenratio 30 --prenet_dropout 0.1"
        ${pretrained:+--pretrained "$pretrained"})
else
    way=(--train_config "$recipe_dir/conf/train_mini_prompts_tuned.yaml"
        --pretrained "${pretrained:-$(realpath "$recipe_dir/../../../espnet2_ext/models")/english.zip}"
        --train_processes 2
        --inference_asr_args "--beam_size 5 --ctc_weight 0.5"
        --inference_tts_args "--maxlenratio 30")
fi
exec "$recipe_dir/../../TEMPLATE/sttatts1/sttatts.sh" \
    --tasks "asr tts" \
    --asr_test_sets "test test_joined train_check" \
    --tts_test_sets "test test_joined" \
    --spk_embed_tool resemblyzer \
    --spk_embed_per speaker \
    --inference_nj 1 \
    --judge whisper:tiny.en \
    --similarity_tool none \
    --compare_untrained true \
    "${way[@]}" \
    "$@"
