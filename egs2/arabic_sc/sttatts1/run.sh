#!/usr/bin/env bash
# shellcheck disable=SC2034 # options are also read by name
# Arabic Speech Commands: forty words of thirty people. One small model learns on two CPU
# cores to recognise them, to say them in anyone's voice and to change their voice.
#
#   ./run.sh                                              downloads the corpus
#   ./run.sh --corpus-dir arabic_speech_commands
#
# All results are of the six test speakers, whom training has never heard. test: single
# words. test_joined: five words of a speaker after each other, which a judge that is
# made for sentences understands far better.
#
# Begin configuration section
corpus_dir=                 # the corpus; without it, it is downloaded
# End configuration section
set -euo pipefail

recipe_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) && export recipe_dir
# shellcheck source=../../TEMPLATE/sttatts1/parse_options.sh
. "$recipe_dir/../../TEMPLATE/sttatts1/parse_options.sh"

exec "$recipe_dir/../../TEMPLATE/sttatts1/sttatts.sh" \
    --tasks "asr tts vc" \
    --train_set train_all \
    --valid_set valid_joined \
    --asr_valid_set valid \
    --asr_test_sets "test test_joined" \
    --tts_test_sets test_joined \
    --vc_test_sets test_joined \
    --local_data_opts "--concatenate 5 --passes 2" \
    --train_config "$recipe_dir/conf/train_arabic_sc.yaml" \
    --cleaner arabic_undiacritized \
    --normalizer arabic \
    --language ar \
    --spk_embed_tool resemblyzer \
    --inference_asr_args "--beam_size 5 --ctc_weight 0.5" \
    --judge whisper:base \
    "$@"
