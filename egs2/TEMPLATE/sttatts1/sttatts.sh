#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2154,SC2209 # options are also read by name, names.sh has others
# Stages and options of all recipes. One model learns to listen and to speak, from
# data to results and a packed model.
#
#   ./run.sh                               everything
#   ./run.sh --stage 8 --stop_stage 8      one stage, even if it is done
#   ./run.sh --skip_train true --download_model model.zip
#
#  1 data        data/<set>/<task>/{wav.scp,text,utt2spk,spk2utt}, task: asr, tts or vc
#  2 dump        dump/raw/org/<set>/<task>, mono and of one rate
#  3 speakers    spembs.scp, speakers.npz
#  4 filter      dump/raw/<set>/<task>; training sets without too long and too short ones
#  5 tokens      dump/tokens.txt
#  6 statistics  lengths of speech and text: exp/stats_<tokens>
#  7 import      of a starting checkpoint, where --pretrained names one;
#    and the language model of --use_lm or --use_ngram: exp/lm_<configuration>
#  8 train       exp/<configuration and options>, its log: train.log
#    and the vocoder of --train_vocoder: exp/<...>/vocoder
#  9 ASR, 10 TTS, 11 VC: decode the test sets
# 12 score, 13 results (exp/<tag>/RESULTS.md, results.json, report), 14 pack, 15 upload
#
# A finished stage is passed over, unless --stage names it or its options or inputs have
# changed. One that was interrupted is done again; most go on where they were. Options of
# training and decoding are part of the folders' names, as in ESPnet: nothing is replaced.
# Relative paths mean the caller's folder; data, dump and exp are in the recipe's.
#
# Options and their values here; --two_words, --two-words VALUE, --two_words=VALUE:
# Begin configuration section
# ---- stages
stage=1                     # first one
stop_stage=15               # last one
skip_stages=                # to pass over, such as "3 5"
skip_data_prep=false        # pass over 1 to 6
skip_train=false            # pass over 7 and 8
skip_eval=false             # pass over 9 to 13
skip_packing=true           # pass over 14
skip_upload_hf=true         # pass over 15
# ---- machine
ngpu=0                      # GPUs of a node for training; 0: CPU
num_nodes=1                 # for training: in a queue (cmd.sh), or give the command on each, with MASTER_ADDR set
train_processes=1           # CPU processes that train together and share --num_threads
num_threads=                # CPU threads of training and single decoding jobs; empty: all
nj=2                        # jobs of dump and speaker embeddings
inference_nj=2              # jobs of decoding
gpu_inference=false         # decode and judge on GPUs
python=                     # empty: the one of .venv
# ---- data
datadir=                    # empty: data in the recipe's folder
dumpdir=                    # empty: dump in the recipe's folder
expdir=                     # empty: exp in the recipe's folder
tasks="asr tts"             # to train and test: asr, tts, vc
train_set=train             # training set
valid_set=valid             # validation set
test_sets=test              # sets to decode
asr_train_set=              # of one task, if it is another; so for all nine below
asr_valid_set=              # as above
asr_test_sets=              # as above
tts_train_set=              # as above
tts_valid_set=              # as above
tts_test_sets=              # as above
vc_train_set=               # as above
vc_valid_set=               # as above
vc_test_sets=               # as above
local_data_opts=            # options of local/data.sh
fs=16k                      # sampling rate
audio_format=flac           # of the dump: flac or wav
feats_type=raw              # waves: there is nothing else
speed_perturb_factors=      # of the training set of ASR, such as "0.9 1.0 1.1"; empty: as it is
min_wav_duration=0.1        # seconds, of training and validation
max_wav_duration=30         # seconds, of training and validation
allow_failures=0            # unusable utterances of a set that may be dropped
# ---- text and speakers
token_type=char             # char or bpe
bpemodel=                   # SentencePiece model for bpe; empty: one is trained ...
nbpe=5000                   # ... with so many pieces
bpemode=unigram             # ... unigram or bpe
cleaner=english             # of texts; none: no cleaning
language=en                 # what the judge listens to; also --lang
normalizer=english          # of texts in scoring
spk_embed_tool=resemblyzer  # or speechbrain:DIR_OR_ID, espnet:TAG, precomputed
spk_embed_file=             # .npz or .scp for precomputed
spk_embed_per=utterance     # or speaker: the mean of each
# ---- training
train_config=               # YAML of sttatts_train
train_args=                 # its further options, such as "--max_epoch 3"
phases=                     # YAML of trainings that follow each other: tasks, sets, epochs
tag=                        # name of the experiment; empty: train_config and train_args make it
tag_suffix=                 # of a recipe: what its own options add to the name of train_config
sttatts_exp=                # folder of the experiment; empty: expdir/tag
stats_dir=                  # folder of the statistics; empty: stats_<tokens> in expdir
pretrained=                 # start: fairseq or Hugging Face checkpoint, model directory, packed zip
pretrained_args=            # further options of sttatts_import
train_vocoder=false         # train a HiFi-GAN on what speech was learned from, and speak with it ...
vocoder_args=               # ... options of 'python -m tools.vocoder train', such as "--steps 50000"
# ---- language models of recognition
use_lm=false                # train ESPnet's language model and recognise with it
lm_config=                  # YAML of espnet2.bin.lm_train, such as conf/train_lm_mini.yaml
lm_args=                    # its further options
lm_exp=                     # folder of the models; empty: of configuration and options
lm_train_text=              # further texts, a Kaldi table "id words"
inference_lm=valid.loss.ave.pth # checkpoint to decode with; --inference_asr_args "--lm_weight 0.3"
use_ngram=false             # estimate n-grams of tokens and recognise with them ...
ngram_num=6                 # ... so long; --inference_asr_args "--ngram_weight 0.3"
# ---- decoding, scoring, publishing
inference_config=           # YAML of sttatts_inference
inference_args=             # its further options ...
inference_asr_args=         # ... for recognition
inference_tts_args=         # ... for synthesis and conversion
inference_tag=              # name of the decoding; empty: of configuration, options and model
inference_model=valid.joint_loss.ave.pth # checkpoint to decode with ...
inference_asr_model=        # ... another one for recognition, such as valid.asr_loss.ave.pth
inference_tts_model=        # ... for synthesis
inference_vc_model=         # ... for conversion
overwrite=false             # results made with other options or another model may be removed
download_model=             # decode with this one instead: packed zip, directory or tag
vocoder=                    # directory or checkpoint; empty: the model's, else Griffin-Lim
score_opts=                 # of NIST's sclite, which writes result.txt where it is installed
judge=whisper:tiny.en       # recogniser that judges synthesis; none: only lengths and stops
similarity_tool=            # speaker embeddings that compare voices; empty: spk_embed_tool; or none
predict_mos=                # predicted opinions, such as "dnsmos" or "wvmos:FILE"
compare_untrained=false     # decode and score with the weights before training, too ...
untrained_utts=10           # ... the first utterances of each test set
hf_repo=                    # user/name on Hugging Face; the token is read from HF_TOKEN
license=                    # of the packed model, such as cc-by-4.0
default_speaker=            # of the packed model, where its user chooses none
# End configuration section
set -euo pipefail
{ # bash reads all of this before it runs any: the file may change during a run
template=$(dirname "${BASH_SOURCE[0]}") stage_given=false
for file in stages checks parse_options; do
    # shellcheck source=/dev/null
    . "$template/$file.sh"
done
[ "${1:-}" != --help ] || exit 0
[ $# -eq 0 ] || unknown_option "$1"
[ -n "${recipe_dir:-}" ] || die "start the run.sh of a recipe, such as egs2/mini_prompts/sttatts1/run.sh"

# ---- environment, folders, names
for file in path cmd; do
    [ -f "$recipe_dir/$file.sh" ] || die "$recipe_dir/$file.sh: missing; link it to the one of TEMPLATE"
    # shellcheck source=/dev/null
    . "$recipe_dir/$file.sh"
done
: "${cmd_backend:=local}" "${cuda_backend:=$cmd_backend}"
absolute() { case $1 in /* | '') echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
datadir=$(absolute "${datadir:-$recipe_dir/data}") dumpdir=$(absolute "${dumpdir:-$recipe_dir/dump}")
expdir=$(absolute "${expdir:-$recipe_dir/exp}") bpemodel=$(absolute "$bpemodel")
[[ $dumpdir$expdir != *,* ]] || die "--dumpdir, --expdir: ESPnet cannot read paths with a comma"
python=${python:-${default_python:-python3}}
command -v "$python" >/dev/null || die "--python '$python': no such interpreter; 'make env' makes one"
bin=espnet2_ext.bin steps=tools.recipe
raw=$dumpdir/raw tokens=$dumpdir/tokens.txt
fs=$(awk '{ print int($1 * (/k$/ ? 1000 : 1)) }' <<<"$fs") # 22.05k is 22050
threads=${num_threads:-$(env -u OMP_NUM_THREADS nproc)} # nproc would say 1
jobs=(--cmd_backend "$cmd_backend")
[ "$cmd_backend" = local ] || jobs+=(--cluster_config "$recipe_dir/conf/$cmd_backend.yaml")
[ -z "$download_model" ] || skip_train=true skip_packing=true skip_upload_hf=true
named_speakers=false # of the model's table, where a packed model decodes
[ -z "$download_model" ] || [ "$spk_embed_per" = utterance ] || named_speakers=true

# shellcheck source=/dev/null
. "$template/names.sh"

# ---- options that several commands share
text=(--token_type "$token_type") device=(--ngpu 0) hearing=(--judge "$judge" --language "$language")
[ "$token_type" = char ] || text+=(--bpemodel "${bpemodel:=$dumpdir/bpe_$bpemode$nbpe.model}")
[ "$cleaner" = none ] || text+=(--cleaner "$cleaner")
[ "$gpu_inference" = false ] || { device=(--ngpu 1) && hearing+=(--judge_device cuda); }
read -ra train_words <<<"$train_args"
learning=(${train_config:+--config "$train_config"} --token_list "$tokens" "${text[@]}" --speaker_tool "$spk_embed_tool")
[ "$cleaner" != none ] || learning+=(--cleaner none) # whatever the configuration says
similarity=${similarity_tool:-$spk_embed_tool} && [ "$similarity" != precomputed ] || similarity=none
untrained=() # With phases, init.pth is from before the last one only.
[ "$compare_untrained" = false ] || [ -n "$phases$download_model" ] || untrained=(--untrained "$exp/init.pth"
    --untrained_name "$([ -n "$pretrained" ] && echo imported || echo untrained)" --untrained_utts "$untrained_utts")
start=$exp/import
origin="$pretrained $pretrained_args" # another file of the same name is another start
[ ! -e "$pretrained" ] || origin+=$(find -L "$pretrained" -type f -printf '%s %T@\n' | sort)
import_start() { # its tokens are needed in stage 5, its weights in stage 8
    local words state letters=()
    [ "$token_type" = bpe ] || letters=(--letters_of "${training_texts[@]}") # new ones become symbols
    [ "$cleaner" = none ] || [ ${#letters[@]} -eq 0 ] || letters+=(--cleaner "$cleaner")
    state=$(printf '%s\n' "$origin" "$bpemodel" "${letters[@]}" | cat - ${letters:+"${training_texts[@]}"} | cksum)
    [ -n "$pretrained" ] && [ "$state" != "$(cat "$exp/.imported" 2>/dev/null)" ] || return 0
    read -ra words <<<"$pretrained_args"
    run "$python" -m $bin.sttatts_import --checkpoint "$pretrained" --output_dir "$start" --overwrite \
        ${bpemodel:+--bpemodel "$bpemodel"} "${letters[@]}" "${words[@]}"
    mkdir -p "$exp" && echo "$state" >"$exp/.imported"
}
check_start

# ---- the stages
if begin 0 "options" "$exp" "$(wanted 8 && echo training) ${learning[*]} $train_args $ngpu $fs ${decoding[*]} $pretrained $spk_embed_file" \
    "$train_config" "$inference_config"; then # of the commands that stages 8 to 11 run
    words=() # training only where it is to come: its options take seconds to load
    ! wanted 8 || words=(-- "${learning[@]}" --ngpu "$ngpu" "${train_words[@]}")
    run "$python" -m $steps.check_options --tasks "$tasks" --fs "$fs" --spk_embed_tool "$spk_embed_tool" \
        ${spk_embed_file:+--spk_embed_file "$spk_embed_file"} ${pretrained:+--pretrained "$pretrained"} \
        ${inference_config:+--inference_config "$inference_config"} \
        --asr_args="${decoding[asr]}" --tts_args="${decoding[tts]}" "${words[@]}"
    finish
fi
if begin 1 "data" "$datadir" "$local_data_opts ${own_options:-}"; then
    [ -x "$recipe_dir/local/data.sh" ] || die "$recipe_dir/local/data.sh: missing; it is to write $datadir/<set>/<task>"
    export datadir python recipe_dir
    read -ra words <<<"$local_data_opts"
    run "$recipe_dir/local/data.sh" "${words[@]}"
    finish
fi
if begin 2 "dump" "$dumpdir" "${dirs[*]} $speed_perturb_factors $fs $audio_format $allow_failures" "$datadir"; then
    check_data
    words=()
    for dir in "${dirs[@]}"; do words+=("$(source_of "$dir")" "$raw/org/$dir"); done
    read -ra speeds <<<"$speed_perturb_factors"
    [ "${train[asr]}" = "$unperturbed" ] || run "$python" -m $steps.datadir speed \
        "$datadir/$unperturbed/asr" "$(source_of "${train[asr]}/asr")" --factors "${speeds[@]}"
    run "$python" -m $bin.dump_audio "${words[@]}" --share_audio --fs "$fs" --audio_format "$audio_format" \
        --allow_failures "$allow_failures" --nj "$nj" "${jobs[@]}"
    finish
fi
if begin 3 "speaker embeddings" "$dumpdir" "${dirs[*]} $spk_embed_tool $spk_embed_file $spk_embed_per" "$raw/org"; then
    words=()
    for dir in "${dirs[@]}"; do [[ $dir == */asr ]] || words+=("$raw/org/$dir"); done
    [ ${#words[@]} -eq 0 ] || run "$python" -m $bin.speaker_embeddings "${words[@]}" --tool "$spk_embed_tool" \
        --per "$spk_embed_per" ${spk_embed_file:+--precomputed "$spk_embed_file"} \
        --allow_failures "$allow_failures" --nj "$nj" "${jobs[@]}"
    finish
fi
if begin 4 "length filter" "$dumpdir" "${dirs[*]} $min_wav_duration $max_wav_duration" "$raw/org" "$dumpdir/.done_3"; then
    run "$python" -m $steps.filter_sets --source "$raw/org" --target "$raw" --filter "${learnt_dirs[@]}" \
        --copy "${tested_dirs[@]}" --fs "$fs" --min_seconds "$min_wav_duration" --max_seconds "$max_wav_duration"
    finish
fi
if begin 5 "tokens" "$dumpdir" "${dirs[*]} ${text[*]} $origin" "$raw"; then
    words=(${pretrained:+--like "$start/config.yaml"})
    [ "$bpemodel" != "$dumpdir/bpe_$bpemode$nbpe.model" ] || words+=(--train_bpe "$nbpe" --bpemode "$bpemode")
    import_start
    run "$python" -m $bin.token_list "${training_texts[@]}" "${text[@]}" "${words[@]}" --output "$tokens"
    finish
fi
if begin 6 "statistics" "$stats_dir" "${dirs[*]} ${text[*]}" "$tokens" "$bpemodel" "$raw" "$dumpdir/.done_4"; then
    words=()
    for dir in "${learnt_dirs[@]}"; do words+=("$raw/$dir" "$stats_dir/$dir"); done
    run "$python" -m $bin.lengths "${words[@]}" --token_list "$tokens" "${text[@]}"
    finish
fi
if [ -n "$pretrained" ] && begin 7 "import" "$exp" "$origin $bpemodel"; then
    import_start
    finish
fi
if [ -n "$lm_name" ] && begin 7 "language models" "$lm_exp" "${training_texts[*]} ${text[*]} $lm_args $use_lm $use_ngram $ngram_num" \
    "$lm_config" "$tokens" "$lm_train_text" "$raw"; then
    words=(--train "${training_texts[@]}" ${lm_train_text:+"$lm_train_text"} --token_list "$tokens" "${text[@]}")
    [ "$use_ngram" = false ] || words+=(--arpa "$lm_exp/${ngram_num}gram.arpa" --order "$ngram_num")
    [ "$use_lm" = false ] || words+=(--valid "$raw/${valid[asr]}/asr/text")
    run "$python" -m $steps.lm_data --folder "$lm_exp" "${words[@]}"
    read -ra own <<<"$lm_args"
    mapfile -t words <"$lm_exp/options.txt"
    [ "$use_lm" = false ] || run_training "$lm_exp" -- espnet2.bin.lm_train \
        ${lm_config:+--config "$lm_config"} --token_type word --token_list "$lm_exp/tokens.txt" "${words[@]}" \
        --fold_length 150 --resume true --output_dir "$lm_exp" "${own[@]}"
    finish
fi
if begin 8 "training" "$exp" "${dirs[*]} ${learning[*]} $train_args $origin $ngpu $num_nodes" \
    "$train_config" "$tokens" "$phases" "$stats_dir/.done_6"; then
    run_training "$exp" --num_nodes "$num_nodes" --processes "$train_processes" --raw "$raw" --stats "$stats_dir" \
        --train "${training_dirs[@]}" --valid "${valid_dirs[@]}" -- $bin.sttatts_train "${learning[@]}" \
        ${phases:+--phases "$phases"} ${pretrained:+--init_param "$start/model.pth"} ${untrained[0]:+--keep_untrained true} --output_dir "$exp" "${train_words[@]}"
    finish
fi
if [ "$train_vocoder" = true ] && begin 8 "vocoder" "$vocoder" "$vocoder_args $ngpu" "$exp/$inference_model" "$raw"; then
    read -ra words <<<"$vocoder_args"
    processor=$([ "$ngpu" = 0 ] && echo cpu || echo cuda)
    run "$python" -m tools.vocoder mels "$raw/${train[tts]}/tts" --train_config "$exp/config.yaml" --model_file "$exp/$inference_model" \
        ${bpemodel:+--bpemodel "$bpemodel"} --device "$processor" --output_dir "$vocoder/mels"
    run "$python" -m tools.vocoder train "$raw/${train[tts]}/tts" --valid "$raw/${valid[tts]}/tts" --own_mels "$vocoder/mels" \
        --device "$processor" --output_dir "$vocoder" "${words[@]}"
    finish
fi
for task in asr tts vc; do
    [[ $tasks == *$task* ]] || continue
    number=10 more=(--write_plots 5 ${vocoder:+--vocoder "$vocoder"}) marks=()
    [ "$task" != asr ] || number=9 more=("${lm_options[@]}") marks=(${lm_name:+"$lm_exp/.done_7"})
    [ "$task" != vc ] || number=11
    if begin $number "$task decoding" "${decoded[$task]}" "${dirs[*]} ${decoding[$task]} ${more[*]} ${untrained[*]}" \
        "${model[$task]}" "$inference_config" "$raw" "${marks[@]}"; then
        read -ra own <<<"${decoding[$task]}"
        words=(--train_config "$exp/config.yaml" --model_file "${model[$task]}" ${bpemodel:+--bpemodel "$bpemodel"})
        [ -z "$download_model" ] || words=(--model "$download_model")
        [ "$named_speakers" = false ] || words=(--named_speakers "${words[@]}")
        OMP_NUM_THREADS=$((inference_nj > 1 ? 1 : threads)) run "$python" -m $steps.decode_sets --raw "$raw" \
            --sets "${tests[$task]}" --decoded "${decoded[$task]}" "${untrained[@]}" --task "$task" "${words[@]}" \
            ${inference_config:+--inference_config "$inference_config"} "${more[@]}" "${own[@]}" "${device[@]}" \
            --overwrite "$overwrite" --nj "$inference_nj" "${jobs[@]}"
        finish
    fi
done
marks=()
for task in $tasks; do marks+=("${decoded[$task]}"/.done_*); done
if begin 12 "scores" "$exp" "${dirs[*]} ${marks[*]} $score_opts $normalizer ${hearing[*]} $vocoder $similarity $predict_mos" \
    "${marks[@]}" "$raw"; then
    read -ra mos <<<"$predict_mos"
    for task in $tasks; do
        words=("${hearing[@]}" --speaker_similarity "$similarity" ${vocoder:+--vocoder "$vocoder"})
        [ ${#mos[@]} -eq 0 ] || words+=(--predict_mos "${mos[@]}")
        [ "$task" != asr ] || words=("--score_opts=$score_opts")
        run "$python" -m $steps.score_sets --raw "$raw" --sets "${tests[$task]}" --decoded "${decoded[$task]}" \
            "${untrained[@]}" --task "$task" --normalizer "$normalizer" "${words[@]}" --command "$user_command"
    done
    finish
fi
if begin 13 "results" "$exp" "" "$exp/.done_12"; then
    run "$python" -m $bin.sttatts_score results --expdir "$exp" --output_dir "$exp" --command "$user_command"
    run "$python" -m tools.report page --expdir "$exp" --output_dir "$exp/report"
    finish
fi
packed=$exp/$(basename "$exp")_${inference_model%.pth}.zip
if begin 14 "packing" "$exp" "$vocoder $license" "$exp/$inference_model" "$exp/.done_13"; then
    words=()
    for task in ${tasks/asr/}; do words+=("$raw/org/${train[$task]}/$task/speakers.npz"); done
    run "$python" -m $steps.pack --exp "$exp" --model_file "$exp/$inference_model" --card "$recipe_dir/local/card.md" \
        --tables "${words[@]}" ${bpemodel:+--bpemodel "$bpemodel"} ${vocoder:+--vocoder "$vocoder"} \
        ${license:+--license "$license"} ${default_speaker:+--default_speaker "$default_speaker"} --outpath "$packed"
    finish
fi
if begin 15 "upload" "$exp" "$hf_repo" "$exp/.done_14"; then
    [ -n "$hf_repo" ] || die "--hf_repo user/name is needed"
    [ -n "${HF_TOKEN:-}" ] || die "the environment variable HF_TOKEN is needed"
    rm -rf "$exp/upload"
    run "$python" -m zipfile -e "$packed" "$exp/upload"
    run "$python" -m huggingface_hub.cli.hf upload "$hf_repo" "$exp/upload" .
    finish
fi
exit 0; }
