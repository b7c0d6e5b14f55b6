#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2209,SC2317 # options are also read, stages called, by name
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
# 12 score, 13 results (exp/<tag>/RESULTS.md, results.json, report), 14 pack, 15 upload
#
# A finished stage is passed over, unless --stage names it or its options or inputs have
# changed. One that was interrupted is done again; most go on where they were. Relative
# paths mean the caller's folder; data, dump and exp are in the recipe's by default.
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
asr_valid_set=              # as above
asr_test_sets=              # as above
tts_train_set=              # as above
tts_valid_set=              # as above
tts_test_sets=              # as above
vc_train_set=               # as above
vc_valid_set=               # as above
vc_test_sets=               # as above
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
spk_embed_tool=resemblyzer  # or speechbrain:DIR_OR_ID, espnet:TAG, precomputed
spk_embed_file=             # .npz or .scp for precomputed
spk_embed_per=utterance     # or speaker: the mean of each
# ---- training
train_config=               # YAML of sttatts_train
train_args=                 # its further options, such as "--max_epoch 3"
phases=                     # YAML of trainings that follow each other: tasks, sets, epochs
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
similarity_tool=            # speaker embeddings that compare voices; empty: spk_embed_tool; or none
predict_mos=                # predicted opinions, such as "dnsmos" or "wvmos:FILE"
compare_untrained=false     # decode and score with the weights before training, too ...
untrained_utts=10           # ... the first utterances of each test set
hf_repo=                    # user/name on Hugging Face; the token is read from HF_TOKEN
license=                    # of the packed model, such as cc-by-4.0
# </options>
set -euo pipefail
{ # bash reads all of this before it runs any: the file may change during a run
. "$(dirname "${BASH_SOURCE[0]}")/stages.sh"
. "$(dirname "${BASH_SOURCE[0]}")/task_data.sh"
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
threads=${num_threads:-$(env -u OMP_NUM_THREADS nproc)} # nproc would say 1
phase_sets=$([ -z "$phases" ] || "$python" -m espnet2_ext.bin.phase_sets "$phases" --tasks "$tasks") || exit 2

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
    local task name how words=()
    for task in $tasks; do
        for name in $(sets "$task"); do
            how=(copy) # What is only tested is kept as it is.
            [ -n "$download_model" ] || [[ " $(training_sets "$task") $(of valid_set "$task") " != *" $name "* ]] ||
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
    local task name data words=() show=epochs
    for task in $tasks; do
        for name in $(training_sets "$task"); do
            mapfile -t data < <(data_words train_ "$name" "$task" && data_words valid_ "$(of valid_set "$task")" "$task")
            words+=(::: "${data[@]}" --output_dir "$exp/stats/$name/$task")
        done
    done
    py for_each sttatts_train ${train_config:+--config "$train_config"} --token_list "$tokens" "${text[@]}" \
        "${train_words[@]}" --collect_stats true --ngpu 0 "${words[@]}"
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
    local task name words show=epochs
    mapfile -t words < <(for task in $tasks; do
        for name in $(training_sets "$task"); do
            data_words train_ "$name" "$task" && shape_words train "$name" "$task"
        done
        data_words valid_ "$(of valid_set "$task")" "$task" && shape_words valid "$(of train_set "$task")" "$task"
    done)
    [ -z "$phases" ] || words+=(--phases "$phases")
    [ -z "$pretrained" ] || words+=(--init_param "$start/model.pth")
    if [ "$num_nodes" -gt 1 ]; then words+=(--ngpu "$((ngpu > 0))"); else words+=(--ngpu "$ngpu"); fi
    [ "$num_nodes" -gt 1 ] || [ "$ngpu" -lt 2 ] || words+=(--multiprocessing_distributed true)
    OMP_NUM_THREADS=$threads training "${words[@]}" --output_dir "$exp"
}
decodings() { # decodings TASK: its test sets, one a line; again with a mark for other weights
    local name
    for name in $(of test_sets "$1"); do
        echo "$name"
        # With phases, init.pth is from before the last one only.
        [ "$compare_untrained" = false ] || [ -n "$phases" ] || [ ! -f "$exp/init.pth" ] ||
            [ ! -f "$raw/$name/$1/text" ] || echo "$name $([ -n "$pretrained" ] && echo imported || echo untrained)"
    done
}
decode() { # decode TASK OPTIONS: every test set
    local name mark made keys weights data extra words=()
    read -ra extra <<<"$inference_args $2"
    [ -z "$inference_config" ] || extra=(--inference_config "$inference_config" "${extra[@]}")
    [ -z "$bpemodel" ] || [ -n "$download_model" ] || extra+=(--bpemodel "$bpemodel")
    [ "$1" = asr ] || [ -z "$vocoder" ] || extra+=(--vocoder "$vocoder")
    while read -r name mark; do
        made=$exp/$1_$decoding${mark:+_$mark}/$name keys=$raw/$name/$1/wav.scp weights=("${model_words[@]}")
        if [ -n "$mark" ]; then
            keys=$made/first_utterances weights=(--train_config "$exp/config.yaml" --model_file "$exp/init.pth")
            mkdir -p "$made" && head -n "$untrained_utts" "$raw/$name/$1/text" >"$keys"
        fi
        mapfile -t data < <(data_words '' "$name" "$1")
        words+=(::: "${weights[@]}" --key_file "$keys" --output_dir "$made" "${data[@]}")
    done < <(decodings "$1")
    OMP_NUM_THREADS=$((inference_nj > 1 ? 1 : threads)) py for_each decode_jobs --task "$1" "${device[@]}" \
        "${extra[@]}" --nj "$inference_nj" "${jobs[@]}" "${words[@]}"
}
stage_asr() { decode asr "$inference_asr_args"; }
stage_tts() { decode tts "$inference_tts_args"; }
stage_vc() { decode vc "$inference_tts_args"; }
stage_score() {
    local task name mark from made ref similarity mos words=()
    similarity=${similarity_tool:-$spk_embed_tool} && [ "$similarity" != precomputed ] || similarity=none
    read -ra mos <<<"$predict_mos"
    for task in $tasks; do
        while read -r name mark; do
            from=$raw/$name/$task made=$exp/${task}_$decoding${mark:+_$mark}/$name ref=$from/text
            [ -f "$ref" ] || { log "$from: no text, nothing to score" && continue; }
            [ -z "$mark" ] || ref=$made/first_utterances
            words+=(:::)
            if [ "$task" = asr ]; then
                words+=(asr --hyp "$made/1best_recog/text")
            else
                words+=("$task" --wav_scp "$made/wav.scp" --inference_dir "$made" "${hearing[@]}")
                if [ "$task" = tts ]; then
                    words+=(--natural_wav_scp "$from/wav.scp" --round_trip)
                else
                    words+=(--source_wav_scp "$from/wav.scp")
                    [ ! -f "$from/target.scp" ] || words+=(--target_wav_scp "$from/target.scp" --round_trip)
                fi
                if [ "$task" = tts ] || [ -f "$from/target.scp" ]; then
                    words+=(--speaker_similarity "$similarity" --utt2spk "$from/utt2spk")
                else
                    words+=(--speaker_similarity none)
                fi
                [ ${#mos[@]} -eq 0 ] || words+=(--predict_mos "${mos[@]}")
                [ -z "$vocoder" ] || words+=(--vocoder "$vocoder")
            fi
            [ -z "$mark" ] || words+=(--note "$mark, first $(wc -l <"$ref") utterances")
            words+=(--ref "$ref" --dataset "$name" --normalizer "$normalizer" --output_dir "$made/score"
                --command "$user_command")
        done < <(decodings "$task")
    done
    py for_each sttatts_score "${words[@]}"
}
stage_results() {
    py sttatts_score results --expdir "$exp" --output_dir "$exp" --command "$user_command"
    py sttatts_score report --expdir "$exp" --output_dir "$exp/report"
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
run 1 "data" "$datadir" stage_data "$local_data_opts${own_options:+ $own_options}"
run 2 "dump" "$dumpdir" stage_dump "$all_sets $fs $allow_failures" "$(tables "$datadir")"
run 3 "speaker embeddings" "$dumpdir" stage_speakers "$all_sets $spk_embed_tool $spk_embed_file $spk_embed_per" \
    "$(tables "$raw/org")"
run 4 "length filter" "$dumpdir" stage_filter "$all_sets $min_wav_duration $max_wav_duration" \
    "$(tables "$raw/org")" "$(after "$dumpdir/.done_3")"
run 5 "tokens" "$dumpdir" stage_tokens "$all_sets ${text[*]} $pretrained $pretrained_args" "$(tables "$raw")"
learning="$all_sets $train_config $train_args ${text[*]} $(content "$train_config" "$tokens")"
run 6 "statistics" "$exp" stage_statistics "$learning" "$(tables "$raw")" "$(after "$dumpdir/.done_4")"
[ -z "$pretrained" ] || run 7 "import" "$exp" stage_import "$pretrained $pretrained_args $bpemodel"
run 8 "training" "$exp" stage_train "$learning $pretrained $ngpu $num_nodes" "$(content "$phases")" "$(after "$exp/.done_6")"
number=8
for task in asr tts vc; do
    number=$((number + 1))
    [[ $tasks == *$task* ]] || continue
    run $number "$task decoding" "$exp" "stage_$task" "$all_sets ${model_words[*]} $decoding $vocoder $inference_args" \
        "$inference_asr_args $inference_tts_args $compare_untrained $untrained_utts" \
        "$(content "$model" "$model/model.pth" "$inference_config")" "$(tables "$raw")"
done
run 12 "scores" "$exp" stage_score "$all_sets $decoding $normalizer ${hearing[*]} $vocoder $similarity_tool $predict_mos" \
    "$(after "$exp/.done_9")" "$(after "$exp/.done_10")" "$(after "$exp/.done_11")" "$(tables "$raw")"
run 13 "results" "$exp" stage_results "$decoding" "$(after "$exp/.done_12")"
run 14 "packing" "$exp" stage_pack "$(content "$model") $vocoder $license" "$(after "$exp/.done_13")"
run 15 "upload" "$exp" stage_upload "$hf_repo" "$(after "$exp/.done_14")"
exit 0; }
