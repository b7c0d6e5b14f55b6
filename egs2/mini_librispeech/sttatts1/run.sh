#!/usr/bin/env bash
# shellcheck disable=SC2034 # options are also read by name
# People read, a few voices to speak with: the paper's set-up in small.
#
#   ./run.sh                      downloads mini LibriSpeech, LJSpeech and an ARCTIC voice
#   ./run.sh --corpus-dir DIR     copies of them
#
# Recognition is tested on people whom training has never heard, synthesis on sentences
# that it has never seen. The voice joe is synthetic: in stage 1 Piper (EXTRAS=teacher
# make env) reads sentences of WordNet.
#
# Begin configuration section
corpus_dir=                 # LibriSpeech/train-clean-5, LJSpeech-1.1, cmu_us_*_arctic
teacher_dir=                # recordings of the synthetic voice; empty: downloads/teacher
sentences_dir=              # WordNet's data files; empty: Debian's wordnet-base, installed or fetched
readings=13000              # of the synthetic voice, four seconds each
# End configuration section
set -euo pipefail

recipe_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) && export recipe_dir
# shellcheck source=../../TEMPLATE/sttatts1/parse_options.sh
. "$recipe_dir/../../TEMPLATE/sttatts1/parse_options.sh"

exec "$recipe_dir/../../TEMPLATE/sttatts1/sttatts.sh" \
    --tasks "asr tts" \
    --asr_test_sets test_speakers \
    --tts_test_sets "test_joe test_arctic test_lj" \
    --train_config "$recipe_dir/conf/train_mini_librispeech.yaml" \
    --phases "$recipe_dir/conf/phases_mini_librispeech.yaml" \
    --max_wav_duration 20 \
    --audio_format wav \
    --train_processes 2 \
    --spk_embed_tool resemblyzer \
    --spk_embed_per speaker \
    --inference_asr_args "--beam_size 10 --ctc_weight 0.5" \
    --inference_tts_args "--write_plots 5 --maxlenratio 10" \
    --judge whisper:base \
    --default_speaker joe \
    --license cc-by-4.0 \
    "$@"
