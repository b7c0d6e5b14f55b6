#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2209 # options are also read by name
# One model that listens and speaks: from data to results and a packed model.
#
#   ./run.sh                               everything
#   ./run.sh --stage 8 --stop_stage 8      one stage, even if it is done
#   ./run.sh --skip_train true --download_model model.zip
#
#  1 data        data/<set>/<task>/{wav.scp,text,utt2spk,spk2utt}, task: asr, tts or vc
#  2 dump        dump/raw/org/<set>/<task>, mono FLAC of one rate
#  3 speakers    spembs.scp, speakers.npz
#  4 filter      dump/raw/<set>/<task>; training sets without too long and too short ones
#  5 tokens      dump/tokens.txt
#  6 statistics  lengths of speech and text
#  7 import      of a starting checkpoint, where --pretrained names one
#  8 train       exp/<tag>
#  9 ASR, 10 TTS, 11 VC: decode the test sets
# 12 score, 13 results (exp/<tag>/RESULTS.md, results.json), 14 pack, 15 upload
#
# A finished stage is passed over, unless --stage names it or its options or inputs have
# changed. One that was interrupted is done again; most go on where they were. Relative
# paths mean the caller's folder; data, dump and exp are in the recipe's by default.
#
# Options and their defaults; --two_words, --two-words VALUE, --two_words=VALUE:
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
num_nodes=1                 # for training: give the command on each, with MASTER_ADDR set
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
asr_valid_set=
asr_test_sets=
tts_train_set=
tts_valid_set=
tts_test_sets=
vc_train_set=
vc_valid_set=
vc_test_sets=
local_data_opts=            # options of local/data.sh
fs=16000                    # sampling rate (Hz)
min_wav_duration=0.1        # seconds, of training and validation
max_wav_duration=30         # seconds, of training and validation
allow_failures=0            # unusable utterances of a set that may be dropped
# ---- text and speakers
token_type=char             # char or bpe
bpemodel=                   # SentencePiece model for bpe
cleaner=english             # of texts; none: no cleaning
language=en                 # what the judge listens to
normalizer=english          # of texts in scoring
spk_embed_tool=resemblyzer  # or precomputed
spk_embed_file=             # .npz or .scp for precomputed
spk_embed_per=utterance     # or speaker: the mean of each
# ---- training
train_config=               # YAML of sttatts_train
train_args=                 # its further options, such as "--max_epoch 3"
tag=                        # name of the experiment; empty: that of train_config
pretrained=                 # start: fairseq or Hugging Face checkpoint, or model directory
pretrained_args=            # further options of sttatts_import
# ---- decoding, scoring, publishing
inference_config=           # YAML of sttatts_inference
inference_args=             # its further options ...
inference_asr_args=         # ... for recognition
inference_tts_args="--write_plots 5" # ... for synthesis and conversion
inference_tag=              # name of the decoding; empty: of configuration and model
inference_model=valid.joint_loss.ave.pth # checkpoint to decode with
download_model=             # decode with this one instead: packed zip, directory or tag
vocoder=                    # directory or checkpoint; empty: the model's, else Griffin-Lim
judge=whisper:tiny.en       # recogniser that judges synthesis; none: only lengths and stops
hf_repo=                    # user/name on Hugging Face; the token is read from HF_TOKEN
license=                    # of the packed model, such as cc-by-4.0
# </options>
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/stages.sh"
read_options "$@"

# ---- environment, folders, names
for file in path.sh cmd.sh; do
    [ -f "$recipe_dir/$file" ] || die "$recipe_dir/$file: missing; link it to the one of TEMPLATE"
    # shellcheck source=/dev/null
    . "$recipe_dir/$file"
done
absolute() { case $1 in /* | '') echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
datadir=$(absolute "${datadir:-$recipe_dir/data}") dumpdir=$(absolute "${dumpdir:-$recipe_dir/dump}")
expdir=$(absolute "${expdir:-$recipe_dir/exp}") bpemodel=$(absolute "$bpemodel")
[[ $dumpdir$expdir != *,* ]] || die "--dumpdir, --expdir: ESPnet cannot read paths with a comma"
python=${python:-${default_python:-python3}}
command -v "$python" >/dev/null || die "--python '$python': no such interpreter; 'make env' makes one"
raw=$dumpdir/raw tokens=$dumpdir/tokens.txt
exp=${train_config:-default} && exp=$expdir/${tag:-$(basename "$exp" .yaml)}
decoding=$(basename "${inference_config:-decode}" .yaml) named_speakers=false # of the model's table
model=$exp/$inference_model model_words=(--train_config "$exp/config.yaml" --model_file "$exp/$inference_model")
if [ -n "$download_model" ]; then
    exp=$expdir/${tag:-$(basename "$download_model" .zip)} model=$download_model
    model_words=(--model "$download_model")
    skip_train=true skip_packing=true skip_upload_hf=true
    [ "$spk_embed_per" = utterance ] || named_speakers=true
else
    decoding+=_${inference_model%.pth}
fi
decoding=${inference_tag:-$decoding}
start=$pretrained # a model directory, or where the import of a checkpoint goes
[ -z "$pretrained" ] || [ -f "$pretrained/model.pth" ] || start=$exp/import
read -ra train_words <<<"$train_args"
read -ra local_words <<<"$local_data_opts"
read -ra import_words <<<"$pretrained_args"
text=(--token_type "$token_type") device=(--ngpu 0) hearing=(--judge "$judge" --language "$language")
[ -z "$bpemodel" ] || text+=(--bpemodel "$bpemodel")
[ "$cleaner" = none ] || text+=(--cleaner "$cleaner")
[ "$gpu_inference" = false ] || { device=(--ngpu 1) && hearing+=(--judge_device cuda); }
jobs=(--cmd_backend "${cmd_backend:=local}")
[ "$cmd_backend" = local ] || jobs+=(--cluster_config "$recipe_dir/conf/$cmd_backend.yaml")
threads=${num_threads:-$(nproc)}

# ---- data of the tasks
of() { local own=$2_$1 && echo "${!own:-${!1}}"; } # of train_set asr: its own, or the common one
sets() { # sets TASK: each once, the training set first
    local all && all=$(of test_sets "$1")
    [ -n "$download_model" ] || all="$(of train_set "$1") $(of valid_set "$1") $all"
    tr -s ' ' '\n' <<<"$all" | awk 'NF && !seen[$0]++'
}
data_words() { # data_words PREFIX SET TASK: options that name a task's data, one a line
    local names item file speakers=spembs.scp speaker_type=kaldi_ark
    [ "$named_speakers" = false ] || speakers=utt2spk speaker_type=text
    case $3 in
        asr) names="wav.scp,asr_speech,sound text,asr_text,text" ;;
        tts) names="text,tts_text,text wav.scp,tts_speech,sound $speakers,tts_spembs,$speaker_type" ;;
        vc) names="wav.scp,vc_speech,sound target.scp,vc_target,sound $speakers,vc_spembs,$speaker_type" ;;
    esac
    for item in $names; do
        file=$raw/$2/$3/$item
        [ ! -f "${file%%,*}" ] || echo "--${1}data_path_and_name_and_type=$file"
    done
}
training_data() {
    data_words train_ "$(of train_set "$1")" "$1"
    data_words valid_ "$(of valid_set "$1")" "$1"
}
# States of what stages depend on: files, data directories under a folder, another stage.
content() { local file && for file in "$@"; do [ ! -f "$file" ] || cksum <"$file"; done; }
tables() { { cat "$1"/*/*/{wav.scp,text,utt2spk,target.scp} 2>/dev/null || true; } | cksum; }
after() { [ ! -f "$1" ] || cat "$1"; }

# ---- the stages
stage_data() {
    local script=$recipe_dir/local/data.sh
    [ -x "$script" ] || die "$script: missing; it is to write $datadir/<set>/<task>"
    export datadir python recipe_dir
    start_command "$script" "${local_words[@]}"
}
stage_dump() {
    local task name folders=()
    for task in $tasks; do
        for name in $(sets "$task"); do folders+=("$datadir/$name/$task" "$raw/org/$name/$task"); done
    done
    py dump_audio "${folders[@]}" --share_audio --fs "$fs" --allow_failures "$allow_failures" --nj "$nj" "${jobs[@]}"
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
    local task name words
    for task in $tasks; do
        for name in $(sets "$task"); do
            words=(copy) # What is only tested is kept as it is.
            if [ -z "$download_model" ] && [[ " $(of train_set "$task") $(of valid_set "$task") " == *" $name "* ]]; then
                words=(filter --fs "$fs" --min_seconds "$min_wav_duration" --max_seconds "$max_wav_duration")
            fi
            py datadir "${words[@]}" "$raw/org/$name/$task" "$raw/$name/$task"
        done
    done
}
stage_tokens() {
    local task texts=() words=()
    [ -z "$pretrained" ] || words=(--like "$start/config.yaml")
    stage_import # Its tokens are needed here already.
    for task in ${tasks/vc/}; do texts+=("$raw/$(of train_set "$task")/$task/text"); done
    py token_list "${texts[@]}" "${text[@]}" "${words[@]}" --output "$tokens"
}
training() { # training WORD...
    local launch=("$python")
    [ "$num_nodes" -eq 1 ] || launch+=(-m torch.distributed.run --nnodes "$num_nodes"
        --nproc_per_node "$((ngpu > 1 ? ngpu : 1))" --rdzv_backend c10d
        --rdzv_endpoint "${MASTER_ADDR:?is needed with --num_nodes}:${MASTER_PORT:-29400}")
    [ -z "$train_config" ] || set -- --config "$train_config" "$@"
    start_command "${launch[@]}" -m espnet2_ext.bin.sttatts_train "$@" --token_list "$tokens" \
        "${text[@]}" --speaker_tool "$spk_embed_tool" "${train_words[@]}"
}
stage_statistics() {
    local task words show=epochs num_nodes=1
    for task in $tasks; do
        mapfile -t words < <(training_data "$task")
        training "${words[@]}" --collect_stats true --ngpu 0 --output_dir "$exp/stats/$task"
    done
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
stage_train() {
    local task file data words=() show=epochs
    for task in $tasks; do
        mapfile -t data < <(training_data "$task")
        words+=("${data[@]}")
        for file in "$exp/stats/$task"/{train,valid}/*_{speech,text,target}_shape; do
            [ ! -f "$file" ] || words+=("--$(basename "$(dirname "$file")")_shape_file=$file")
        done
    done
    [ -z "$pretrained" ] || words+=(--init_param "$start/model.pth")
    if [ "$num_nodes" -gt 1 ]; then words+=(--ngpu "$((ngpu > 0))"); else words+=(--ngpu "$ngpu"); fi
    [ "$num_nodes" -gt 1 ] || [ "$ngpu" -lt 2 ] || words+=(--multiprocessing_distributed true)
    OMP_NUM_THREADS=$threads training "${words[@]}" --output_dir "$exp"
}
decode() { # decode TASK OPTIONS: every test set
    local name words extra
    read -ra extra <<<"$inference_args $2"
    for name in $(of test_sets "$1"); do
        mapfile -t words < <(data_words '' "$name" "$1")
        [ -z "$inference_config" ] || words+=(--inference_config "$inference_config")
        [ -z "$bpemodel" ] || [ -n "$download_model" ] || words+=(--bpemodel "$bpemodel")
        [ "$1" = asr ] || [ -z "$vocoder" ] || words+=(--vocoder "$vocoder")
        OMP_NUM_THREADS=$((inference_nj > 1 ? 1 : threads)) py decode_jobs --task "$1" "${model_words[@]}" \
            --key_file "$raw/$name/$1/wav.scp" --output_dir "$exp/$1_$decoding/$name" \
            "${words[@]}" "${device[@]}" "${extra[@]}" --nj "$inference_nj" "${jobs[@]}"
    done
}
stage_asr() { decode asr "$inference_asr_args"; }
stage_tts() { decode tts "$inference_tts_args"; }
stage_vc() { decode vc "$inference_tts_args"; }
stage_score() {
    local task name from made words
    for task in $tasks; do
        for name in $(of test_sets "$task"); do
            from=$raw/$name/$task made=$exp/${task}_$decoding/$name
            [ -f "$from/text" ] || { log "$from: no text, nothing to score" && continue; }
            words=(--ref "$from/text" --dataset "$name" --normalizer "$normalizer" --output_dir "$made/score")
            words+=(--command "$user_command")
            if [ "$task" = asr ]; then
                py sttatts_score asr --hyp "$made/1best_recog/text" "${words[@]}"
            else
                [ -z "$vocoder" ] || words+=(--vocoder "$vocoder")
                py sttatts_score tts --wav_scp "$made/wav.scp" --natural_wav_scp "$from/wav.scp" --round_trip \
                    --inference_dir "$made" "${hearing[@]}" "${words[@]}"
            fi
        done
    done
}
stage_results() { py sttatts_score results --expdir "$exp" --output_dir "$exp" --command "$user_command"; }
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
    if [ -f "$exp/RESULTS.md" ]; then # its tables, without paths of this machine
        awk '/^##? / || /^### How/ { on = /^## / && !/Environments/ } on' "$exp/RESULTS.md" >"$exp/card_note.md"
        words+=(--card_note "$exp/card_note.md")
    fi
    py sttatts_pack --train_config "$exp/config.yaml" --model_file "$model" "${words[@]}" --outpath "$(packed)"
}
stage_upload() {
    [ -n "$hf_repo" ] || die "--hf_repo user/name is needed"
    [ -n "${HF_TOKEN:-}" ] || die "the environment variable HF_TOKEN is needed"
    rm -rf "$exp/upload"
    start_command "$python" -m zipfile -e "$(packed)" "$exp/upload"
    start_command "$python" -m huggingface_hub.cli.hf upload "$hf_repo" "$exp/upload" .
}

all_sets=$(for task in $tasks; do echo "$task" "$(sets "$task")"; done)
run 1 "data" "$datadir" stage_data "$local_data_opts"
run 2 "dump" "$dumpdir" stage_dump "$all_sets $fs $allow_failures" "$(tables "$datadir")"
run 3 "speaker embeddings" "$dumpdir" stage_speakers "$all_sets $spk_embed_tool $spk_embed_file $spk_embed_per" \
    "$(tables "$raw/org")"
run 4 "length filter" "$dumpdir" stage_filter "$all_sets $min_wav_duration $max_wav_duration" \
    "$(tables "$raw/org")" "$(after "$dumpdir/.done_3")"
run 5 "tokens" "$dumpdir" stage_tokens "${text[*]} $pretrained $pretrained_args" "$(tables "$raw")"
learning="$all_sets $train_config $train_args ${text[*]} $(content "$train_config" "$tokens")"
run 6 "statistics" "$exp" stage_statistics "$learning" "$(tables "$raw")" "$(after "$dumpdir/.done_4")"
[ -z "$pretrained" ] || run 7 "import" "$exp" stage_import "$pretrained $pretrained_args $bpemodel"
run 8 "training" "$exp" stage_train "$learning $pretrained $ngpu $num_nodes" "$(after "$exp/.done_6")"
number=8
for task in asr tts vc; do
    number=$((number + 1))
    [[ $tasks == *$task* ]] || continue
    run $number "$task decoding" "$exp" "stage_$task" "$all_sets ${model_words[*]} $decoding $vocoder $inference_args" \
        "$inference_asr_args $inference_tts_args" "$(content "$model" "$model/model.pth" "$inference_config")" \
        "$(tables "$raw")"
done
run 12 "scores" "$exp" stage_score "$all_sets $decoding $normalizer ${hearing[*]} $vocoder" \
    "$(after "$exp/.done_9")" "$(after "$exp/.done_10")" "$(after "$exp/.done_11")" "$(tables "$raw")"
run 13 "results" "$exp" stage_results "$decoding" "$(after "$exp/.done_12")"
run 14 "packing" "$exp" stage_pack "$(content "$model") $vocoder $license" "$(after "$exp/.done_13")"
run 15 "upload" "$exp" stage_upload "$hf_repo" "$(after "$exp/.done_14")"
