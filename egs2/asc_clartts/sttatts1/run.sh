#!/usr/bin/env bash
# shellcheck disable=SC2034 # options are also read by name
# The paper's Arabic model: the Arabic Speech Corpus (ASC) and ClArTTS, 16 hours of two
# speakers, teach to recognise and to speak.
#
#   ./run.sh --pretrained artst.pt                        from ArTST, as the paper
#   ./run.sh --restored restored.txt --warm true --mgb2_dir /data/MGB2
#
# Begin configuration section
diacritics=false            # true: the model reads and writes them
restored=                   # restored transcripts of ASC, lines 'utt-id text'; see README.md
warm=false                  # true: TTS alone on MGB-2 comes first
asc_dir=                    # existing copies; those that are not given are downloaded
clartts_dir=
mgb2_dir=                   # for --warm true; nobody may download it unasked
# End configuration section
set -euo pipefail

recipe_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) && export recipe_dir
# shellcheck source=../../TEMPLATE/sttatts1/parse_options.sh
. "$recipe_dir/../../TEMPLATE/sttatts1/parse_options.sh"
choice diacritics true false
choice warm true false

cleaner=arabic_undiacritized phases='' suffix=''
[ "$diacritics" = false ] || { cleaner=arabic && suffix+=_diacritics; }
[ -z "$restored" ] || suffix+=_restored
[ "$warm" = false ] || { phases=$recipe_dir/conf/phases_ar_warm.yaml && suffix+=_warm; }

exec "$recipe_dir/../../TEMPLATE/sttatts1/sttatts.sh" \
    --tasks "asr tts" \
    --train_set train \
    --valid_set valid \
    --test_sets test \
    --train_config "$recipe_dir/conf/train_ar.yaml" \
    --tag_suffix "$suffix" \
    --phases "$phases" \
    --ngpu 3 \
    --cleaner "$cleaner" \
    --normalizer arabic \
    --language ar \
    --spk_embed_tool speechbrain \
    --spk_embed_per speaker \
    --inference_asr_args "--beam_size 10 --ctc_weight 0.5" \
    --judge whisper:large-v2 \
    "$@"
