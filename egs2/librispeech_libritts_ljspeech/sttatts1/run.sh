#!/usr/bin/env bash
# shellcheck disable=SC2034 # options are also read by name
# The paper's English models: LibriSpeech teaches to recognise, LibriTTS and LJSpeech to
# speak.
#
#   ./run.sh --size s                                     from scratch
#   ./run.sh --size s --pretrained speecht5_base.pt       from SpeechT5, as the paper
#
# train_<size> is what the paper's Table 1 lists: s 100 h of ASR and 191 h of TTS, m 464
# and 555, l 961 (464 after 200,000 updates) and 579. README.md says more.
#
# Begin configuration section
size=s                      # s, m or l: data and updates of en_s, en_m, en_l
vc=false                    # true: voice conversion as a third task, on CMU ARCTIC
librispeech_dir=            # existing copies; those that are not given are downloaded
libritts_dir=
ljspeech_dir=               # for --size l
arctic_dir=                 # for --vc true
# End configuration section
set -euo pipefail

recipe_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) && export recipe_dir
# shellcheck source=../../TEMPLATE/sttatts1/parse_options.sh
. "$recipe_dir/../../TEMPLATE/sttatts1/parse_options.sh"
choice size s m l
choice vc true false

tasks="asr tts" ngpu=4 phases='' suffix=''
[ "$size" != s ] || ngpu=3
[ "$size" != l ] || phases=$recipe_dir/conf/phases_en_l.yaml
[ "$vc" = false ] || { tasks+=" vc" suffix=_vc phases=${phases/.yaml/_vc.yaml}; }

exec "$recipe_dir/../../TEMPLATE/sttatts1/sttatts.sh" \
    --tasks "$tasks" \
    --train_set "train_$size" \
    --valid_set dev-clean \
    --asr_test_sets test-clean \
    --tts_test_sets test-clean-100utt \
    --vc_train_set arctic-train \
    --vc_valid_set arctic-dev \
    --vc_test_sets arctic-test \
    --train_config "$recipe_dir/conf/train_en_$size.yaml" \
    --tag_suffix "$suffix" \
    --phases "$phases" \
    --ngpu "$ngpu" \
    --cleaner english \
    --spk_embed_tool speechbrain \
    --inference_asr_args "--beam_size 10 --ctc_weight 0.5" \
    --judge whisper:large-v2 \
    "$@"
