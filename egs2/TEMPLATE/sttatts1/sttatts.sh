#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2209,SC2317 # options are also read, stages called, by name
# One model that listens and speaks: from data to results and a packed model.
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
#  9 ASR, 10 TTS, 11 VC: decode the test sets
# 12 score, 13 results (exp/<tag>/RESULTS.md, results.json, report), 14 pack, 15 upload
#
# A finished stage is passed over, unless --stage names it or its options or inputs have
# changed. One that was interrupted is done again; most go on where they were. Options of
# training and decoding are part of the folders' names, as in ESPnet: nothing is replaced.
# Relative paths mean the caller's folder; data, dump and exp are in the recipe's.
#
# Options and what they are here; --two_words, --two-words VALUE, --two_words=VALUE:
# <options>
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
# </options>
set -euo pipefail
{ # bash reads all of this before it runs any: the file may change during a run
for file in stages espnet_options task_data checks evaluation lm; do
    # shellcheck source=/dev/null
    . "$(dirname "${BASH_SOURCE[0]}")/$file.sh"
done
read_options "$@"

# ---- environment, folders, names
for file in path.sh cmd.sh; do
    [ -f "$recipe_dir/$file" ] || die "$recipe_dir/$file: missing; link it to the one of TEMPLATE"
    # shellcheck source=/dev/null
    . "$recipe_dir/$file"
done
: "${cmd_backend:=local}" "${cuda_backend:=$cmd_backend}"
absolute() { case $1 in /* | '') echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
datadir=$(absolute "${datadir:-$recipe_dir/data}") dumpdir=$(absolute "${dumpdir:-$recipe_dir/dump}")
expdir=$(absolute "${expdir:-$recipe_dir/exp}") bpemodel=$(absolute "$bpemodel")
[[ $dumpdir$expdir != *,* ]] || die "--dumpdir, --expdir: ESPnet cannot read paths with a comma"
python=${python:-${default_python:-python3}}
command -v "$python" >/dev/null || die "--python '$python': no such interpreter; 'make env' makes one"
raw=$dumpdir/raw tokens=$dumpdir/tokens.txt fs=$(hertz "$fs")
unperturbed=$(of train_set asr) asr_train_set=$(of train_set asr)
[[ -z "$speed_perturb_factors" || $tasks != *asr* ]] || { asr_train_set+=_sp && tag_suffix+=_sp; }
experiment=$(basename "${train_config:-default}" .yaml)$tag_suffix$(in_name "$train_args")
[ -z "$download_model" ] || experiment=$(basename "$download_model" .zip)
exp=$(absolute "${sttatts_exp:-$expdir/${tag:-$(short "$experiment")}}")
stats_dir=$(absolute "${stats_dir:-$expdir/stats_$token_type$([ "$cleaner" = none ] || echo "_$cleaner")}")
named_speakers=false # of the model's table, where a packed model decodes
if [ -n "$download_model" ]; then
    skip_train=true skip_packing=true skip_upload_hf=true
    [ "$spk_embed_per" = utterance ] || named_speakers=true
fi
lm_exp=$(lm_folder)
start=$pretrained # a model directory, or where the import of a checkpoint goes
[ -z "$pretrained" ] || [ -f "$pretrained/model.pth" ] || start=$exp/import
read -ra train_words <<<"$train_args"
read -ra local_words <<<"$local_data_opts"
read -ra import_words <<<"$pretrained_args"
text=(--token_type "$token_type") device=(--ngpu 0) hearing=(--judge "$judge" --language "$language")
[ "$token_type" = char ] || text+=(--bpemodel "${bpemodel:=$dumpdir/bpe_$bpemode$nbpe.model}")
[ "$cleaner" = none ] || text+=(--cleaner "$cleaner")
[ "$gpu_inference" = false ] || { device=(--ngpu 1) && hearing+=(--judge_device cuda); }
jobs=(--cmd_backend "$cmd_backend")
[ "$cmd_backend" = local ] || jobs+=(--cluster_config "$recipe_dir/conf/$cmd_backend.yaml")
threads=${num_threads:-$(env -u OMP_NUM_THREADS nproc)} # nproc would say 1
phase_sets=$([ -z "$phases" ] || "$python" -m espnet2_ext.bin.phase_sets "$phases" --tasks "$tasks") || exit 2
check_start

# ---- the stages
stage_data() {
    local script=$recipe_dir/local/data.sh
    [ -x "$script" ] || die "$script: missing; it is to write $datadir/<set>/<task>"
    export datadir python recipe_dir
    start_command "$script" "${local_words[@]}"
}
stage_dump() {
    local task name folders=() speeds
    check_data
    for task in $tasks; do
        for name in $(sets "$task"); do folders+=("$(source_of "$task" "$name")" "$raw/org/$name/$task"); done
    done
    read -ra speeds <<<"$speed_perturb_factors"
    [ "$asr_train_set" = "$unperturbed" ] ||
        py datadir speed "$datadir/$unperturbed/asr" "$(source_of asr "$asr_train_set")" --factors "${speeds[@]}"
    py dump_audio "${folders[@]}" --share_audio --fs "$fs" --audio_format "$audio_format" \
        --allow_failures "$allow_failures" --nj "$nj" "${jobs[@]}"
}
stage_speakers() {
    local task name folders=() words=(--tool "$spk_embed_tool" --per "$spk_embed_per")
    for task in ${tasks/asr/}; do
        for name in $(sets "$task"); do folders+=("$raw/org/$name/$task"); done
    done
    [ ${#folders[@]} -gt 0 ] || return 0
    [ -z "$spk_embed_file" ] || words+=(--precomputed "$spk_embed_file")
    py speaker_embeddings "${folders[@]}" "${words[@]}" --allow_failures "$allow_failures" --nj "$nj" "${jobs[@]}"
}
stage_filter() {
    local task name how words=()
    for task in $tasks; do
        for name in $(sets "$task"); do
            how=(copy) # What is only tested is kept as it is.
            ! is_learned "$task" "$name" ||
                how=(filter --fs "$fs" --min_seconds "$min_wav_duration" --max_seconds "$max_wav_duration")
            words+=(::: "${how[@]}" "$raw/org/$name/$task" "$raw/$name/$task")
        done
    done
    py for_each datadir "${words[@]}"
}
stage_tokens() {
    local task name texts=() words=()
    [ -z "$pretrained" ] || words=(--like "$start/config.yaml")
    stage_import # Its tokens are needed here already.
    for task in ${tasks/vc/}; do
        for name in $(training_sets "$task"); do texts+=("$raw/$name/$task/text"); done
    done
    [ "$bpemodel" != "$dumpdir/bpe_$bpemode$nbpe.model" ] || words+=(--train_bpe "$nbpe" --bpemode "$bpemode")
    py token_list "${texts[@]}" "${text[@]}" "${words[@]}" --output "$tokens"
}
stage_statistics() {
    local task name folders=()
    for task in $tasks; do
        for name in $(learned_sets "$task"); do folders+=("$raw/$name/$task" "$stats_dir/$name/$task"); done
    done
    py lengths "${folders[@]}" --token_list "$tokens" "${text[@]}"
}
stage_import() {
    [ -n "$pretrained" ] && [ "$start" != "$pretrained" ] || return 0
    local state marker=$exp/.imported
    state=$(printf '%s\n' "$pretrained" "$pretrained_args" "$bpemodel" | cksum)
    if [ -f "$marker" ] && [ "$(cat "$marker")" = "$state" ]; then return; fi
    py sttatts_import --checkpoint "$pretrained" --output_dir "$start" --overwrite \
        ${bpemodel:+--bpemodel "$bpemodel"} "${import_words[@]}"
    mkdir -p "$exp" && echo "$state" >"$marker"
}
training() { # training WORD...: here, or as a job of the queue
    local launch=("$python") words=(--ngpu "$ngpu")
    [ "$ngpu" -le 1 ] || words+=(--multiprocessing_distributed true)
    if [ "$cuda_backend" != local ]; then
        launch+=(-m espnet2_ext.bin.submit --cmd_backend "$cuda_backend" --folder "$exp"
            --cluster_config "$recipe_dir/conf/$cuda_backend.yaml" --ngpu "$ngpu" --num_nodes "$num_nodes"
            ${num_threads:+--num_threads "$num_threads"} -- "$python")
        [ "$num_nodes" -eq 1 ] || words=(--ngpu "$ngpu" --multiprocessing_distributed true --dist_launcher slurm
            --dist_init_method "file://$exp/.dist_init_$(date +%s%N)")
    elif [ "$num_nodes" -gt 1 ]; then
        launch+=(-m torch.distributed.run --nnodes "$num_nodes" --nproc_per_node "$((ngpu > 1 ? ngpu : 1))"
            --rdzv_backend c10d --rdzv_endpoint "${MASTER_ADDR:?is needed with --num_nodes}:${MASTER_PORT:-29400}")
        words=(--ngpu "$((ngpu > 0))")
    elif [ "$train_processes" -gt 1 ] && [ "$ngpu" -eq 0 ]; then
        launch+=(-m torch.distributed.run --standalone --nproc_per_node "$train_processes")
        words+=(--dist_backend gloo)
    fi
    [ "$num_nodes" -eq 1 ] || [ "$ngpu" -gt 0 ] || words+=(--dist_backend gloo)
    start_command "${launch[@]}" -m espnet2_ext.bin.sttatts_train "${learning[@]}" "${words[@]}" "$@" "${train_words[@]}"
}
stage_train() {
    local task name words
    show=epochs # only
    mapfile -t words < <(for task in $tasks; do
        for name in $(training_sets "$task"); do
            data_words train_ "$name" "$task" && shape_words train "$name" "$task"
        done
        data_words valid_ "$(of valid_set "$task")" "$task" && shape_words valid "$(of valid_set "$task")" "$task"
    done)
    [ -z "$phases" ] || words+=(--phases "$phases")
    [ -z "$pretrained" ] || words+=(--init_param "$start/model.pth")
    OMP_NUM_THREADS=$((threads > train_processes ? threads / train_processes : 1)) \
        training "${words[@]}" --output_dir "$exp"
}
packed() { echo "$exp/$(basename "$exp")_${inference_model%.pth}.zip"; }
stage_pack() {
    local task words=() speakers
    for task in ${tasks/asr/}; do
        speakers=$raw/org/$(of train_set "$task")/$task/speakers.npz
        [ ! -f "$speakers" ] || words=(--speakers "$speakers")
    done
    [ -z "$bpemodel" ] || words+=(--bpemodel "$bpemodel")
    [ -z "$vocoder" ] || words+=(--vocoder "$vocoder")
    [ -z "$license" ] || words+=(--license "$license")
    [ -z "$default_speaker" ] || words+=(--default_speaker "$default_speaker")
    { # what the recipe says of it, and the tables of results, without paths of this machine
        cat "$recipe_dir/local/card.md" 2>/dev/null || true
        [ ! -f "$exp/RESULTS.md" ] ||
            awk '/^##? / || /^### How/ { on = /^## / && !/Environments/ } on' "$exp/RESULTS.md"
    } >"$exp/card_note.md"
    [ ! -s "$exp/card_note.md" ] || words+=(--card_note "$exp/card_note.md")
    py sttatts_pack --train_config "$exp/config.yaml" --model_file "$exp/$inference_model" "${words[@]}" --outpath "$(packed)"
}
stage_upload() {
    [ -n "$hf_repo" ] || die "--hf_repo user/name is needed"
    [ -n "${HF_TOKEN:-}" ] || die "the environment variable HF_TOKEN is needed"
    rm -rf "$exp/upload"
    start_command "$python" -m zipfile -e "$(packed)" "$exp/upload"
    start_command "$python" -m huggingface_hub.cli.hf upload "$hf_repo" "$exp/upload" .
}

all_sets=$(for task in $tasks; do echo "$task" "$(sets "$task")"; done)
learning=(${train_config:+--config "$train_config"} --token_list "$tokens" "${text[@]}" --speaker_tool "$spk_embed_tool")
[ "$cleaner" != none ] || learning+=(--cleaner none) # whatever the configuration says
run 0 "options" "$exp" check_options "$(wanted 8 && echo training) ${learning[*]} $train_args $ngpu $fs" \
    "$(decoding_args asr) $(decoding_args tts) $pretrained $pretrained_args $spk_embed_file" "$(content "$train_config" "$inference_config")"
run 1 "data" "$datadir" stage_data "$local_data_opts${own_options:+ $own_options}"
run 2 "dump" "$dumpdir" stage_dump "$all_sets $speed_perturb_factors $fs $audio_format $allow_failures" "$(tables "$datadir")"
run 3 "speaker embeddings" "$dumpdir" stage_speakers "$all_sets $spk_embed_tool $spk_embed_file $spk_embed_per" \
    "$(tables "$raw/org")"
run 4 "length filter" "$dumpdir" stage_filter "$all_sets $min_wav_duration $max_wav_duration" \
    "$(tables "$raw/org")" "$(after "$dumpdir/.done_3")"
run 5 "tokens" "$dumpdir" stage_tokens "$all_sets ${text[*]} $pretrained $pretrained_args" "$(tables "$raw")"
run 6 "statistics" "$stats_dir" stage_statistics "$all_sets ${text[*]} $(content "$tokens" "$bpemodel")" \
    "$(tables "$raw")" "$(after "$dumpdir/.done_4")"
[ -z "$pretrained" ] || run 7 "import" "$exp" stage_import "$pretrained $pretrained_args $bpemodel"
! uses_lm || run 7 "language models" "$lm_exp" stage_lm "$(lm_texts) ${text[*]} $lm_args $use_lm $use_ngram $ngram_num" \
    "$(content "$lm_config" "$tokens" "$lm_train_text")" "$(tables "$raw")"
run 8 "training" "$exp" stage_train "$all_sets ${learning[*]} $train_args $(content "$train_config" "$tokens")" \
    "$pretrained $ngpu $num_nodes" "$(content "$phases")" "$(after "$stats_dir/.done_6")"
number=8
for task in asr tts vc; do
    number=$((number + 1))
    [[ $tasks == *$task* ]] || continue
    run $number "$task decoding" "$(decoded "$task")" "stage_$task" "$all_sets $(decoding_args "$task")" \
        "$([ "$task" != asr ] || { lm_name && after "$lm_exp/.done_7"; })" "$vocoder $compare_untrained $untrained_utts" "$(content "$(model_file "$task")" "$inference_config")" \
        "$(tables "$raw")"
done
run 12 "scores" "$exp" stage_score "$all_sets $score_opts $normalizer ${hearing[*]} $vocoder $similarity_tool $predict_mos" \
    "$(for task in $tasks; do decoded "$task" && after "$(decoded "$task")"/.done_*; done)" "$(tables "$raw")"
run 13 "results" "$exp" stage_results "$(after "$exp/.done_12")"
run 14 "packing" "$exp" stage_pack "$(content "$exp/$inference_model") $vocoder $license" "$(after "$exp/.done_13")"
run 15 "upload" "$exp" stage_upload "$hf_repo" "$(after "$exp/.done_14")"
exit 0; }
