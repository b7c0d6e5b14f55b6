# How sttatts.sh runs its stages, logs what they say, and remembers those that are done:
#
#   if begin 2 "dump" "$dumpdir" "$fs" "$datadir"/*/*/wav.scp; then
#       run "$python" -m espnet2_ext.bin.dump_audio ...
#       finish
#   fi
# shellcheck shell=bash disable=SC2154,SC2034

lead=() # A stage's processes end with the script, even when it is killed.
! setpriv --pdeathsig KILL true 2>/dev/null || lead=(setpriv --pdeathsig KILL)
show="cat"
run() { # run COMMAND WORD...: its output goes into the stage's log and, through $show, to the user
    local code=0 out reader
    exec {out}> >(tee -a "$log_file" | "$show" >&2)
    reader=$!
    "${lead[@]}" "$@" >&"$out" 2>&1 {out}>&- || code=$?
    exec {out}>&-
    wait "$reader" || true
    return "$code"
}
epochs() { # what a user wants to see of a training log
    grep --line-buffered -E 'epoch results|updates|: phase |job [0-9]+: |WARNING|ERROR|[Ee]rror: ' |
        grep --line-buffered -oE '^.{1,300}' || true # cut would keep lines until the end
}
run_training() { # run_training FOLDER WORD...: here, or as a job of the queue
    show=epochs # only
    run "$python" -m "$steps.train" --folder "$1" --ngpu "$ngpu" ${num_threads:+--num_threads "$num_threads"} \
        --cmd_backend "$cuda_backend" --cluster_config "$recipe_dir/conf/$cuda_backend.yaml" "${@:2}"
    show="cat"
}
wanted() { # wanted NUMBER
    [ "$1" -eq 0 ] || [ "$1" -ge "$stage" ] && [ "$1" -le "$stop_stage" ] || return 1
    [[ " $skip_stages " != *" $1 "* ]] || return 1
    case $1 in
        0) [ "$stop_stage" -ge 6 ] ;;
        3) [ "$skip_data_prep" = false ] && [ "$named_speakers" = false ] ;;
        [124]) [ "$skip_data_prep" = false ] ;;
        [56]) [ "$skip_data_prep" = false ] && [ -z "$download_model" ] ;;
        [78]) [ "$skip_train" = false ] ;;
        9 | 1[0-3]) [ "$skip_eval" = false ] ;;
        14) [ "$skip_packing" = false ] ;;
        15) [ "$skip_upload_hf" = false ] ;;
    esac
}
done_before() { [ -f "$mark" ] && [ "$(cat "$mark")" = "$checksum" ]; }
# begin NUMBER TITLE FOLDER OPTIONS FILE...: whether a stage is to run. It is done if the
# mark in FOLDER, which also gets the log, has the checksum of what the stage depends on:
# OPTIONS and the contents of those FILEs that exist; of folders, all <set>/<task>/<table>.
begin() {
    local file number=$1 folder=$3
    wanted "$number" || return 1
    title="stage $number ($2)" mark=$folder/.done_$number begun=$folder/.begun_$number
    log_file=$folder/log/stage_$number.log
    [ "$number" -ne 8 ] || log_file=$folder/train.log # where ESPnet has it
    mkdir -p "$folder/log" || exit 1
    checksum=$({
        echo "$4" && for file in "${@:5}"; do
            [ ! -f "$file" ] || cat "$file"
            [ ! -d "$file" ] || cat "$file"/*/*/{wav.scp,segments,text,utt2spk,target.scp}
        done
    } 2>/dev/null | cksum)
    if done_before && [ "$stage_given$stage" != "true$number" ]; then
        [ "$number" -eq 0 ] || log "$title: done before; to do it again, add --stage $number"
        return 1
    fi
    before=$(cat "$mark" 2>/dev/null || true)$(stat -c %Y "$mark" 2>/dev/null || true)
    exec {lock}>"$folder/.lock_$number"
    [ "$num_nodes" -gt 1 ] || ! command -v flock >/dev/null || flock -w 60 "$lock" ||
        die "$title: another run is at it in $folder"
    if done_before && [ "$before" != "$(cat "$mark")$(stat -c %Y "$mark")" ]; then
        exec {lock}>&-
        [ "$number" -eq 0 ] || log "$title: another run has just done it"
        return 1
    fi
    rm -f "$begun"
    ! mv "$mark" "$begun" 2>/dev/null || touch "$begun" # on several machines one moves it
    [ "$number" -eq 0 ] || log "$title: log in $log_file"
    echo "# $(date) in $PWD: $user_command" >>"$log_file"
    trap failed EXIT
}
finish() { # the stage is done
    trap - EXIT
    echo "$checksum" >"$mark.tmp" && mv "$mark.tmp" "$mark" && rm -f "$begun"
    exec {lock}>&- # who waits for it looks at the mark
}
failed() {
    local number=${mark##*_} folder=${mark%/*} changed
    changed=(-type f -newer "$begun" ! -name '*.log' ! -name '.*' ! -path "$folder/log/*")
    # A trial that has written nothing leaves the mark of what was done before.
    [ ! -f "$begun" ] || [ -n "$(find "$folder" "${changed[@]}" -print -quit)" ] || mv "$begun" "$mark"
    if [ "$number" -eq 0 ]; then # no folder of a misspelt option is left
        rm -f "$log_file" "$folder/.lock_0"
        rmdir "$folder/log" "$folder" 2>/dev/null || true
        return
    fi
    [ "$show" = cat ] || tail -n 10 "$log_file" | cut -c1-500 >&2
    log "$title failed: see $log_file"
    log "to go on, give the same command again; to begin with this stage, add --stage $number"
}
