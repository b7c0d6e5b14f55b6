"""A queueing system of one machine: ``sbatch``, ``srun``, ``scancel``, ``squeue``.

They know just what :mod:`tools.recipe.batch_job` asks for, and refuse the rest.
"""

import os
from pathlib import Path

PROGRAMS = {
    "sbatch": r"""
        [ "$1 $2" = "--wait --parsable" ] && [ $# -eq 3 ] || exit 64
        option() { eval "echo $(sed -n "s/^#SBATCH --$1=//p" "$script")"; }
        script=$3
        [ -n "$(option output)" ] || exit 65
        echo "4711;cluster"
        export SLURM_JOB_ID=4711 SLURM_NTASKS=$(option nodes)
        export STAND_IN_GPUS=$(option gres) STAND_IN_CPUS=$(option cpus-per-task)
        setsid bash "$script" >>"$(option output)" 2>&1 </dev/null &
        echo $! >"$FOLDER/process"
        wait $!
    """,
    "srun": r"""
        [ "$1" = --export=ALL ] && shift || exit 64
        export SLURM_STEP_NUM_NODES=$SLURM_NTASKS SLURM_STEP_NODELIST=localhost
        pids=() code=0
        for ((i = 0; i < SLURM_NTASKS; i++)); do
            SLURM_PROCID=$i SLURM_NODEID=$i SLURM_LOCALID=0 "$@" & pids+=($!)
        done
        for pid in "${pids[@]}"; do wait "$pid" || code=$?; done
        exit $code
    """,
    "scancel": r"""
        echo "$1" >"$FOLDER/cancelled"
        kill -- "-$(cat "$FOLDER/process")"
    """,
    "squeue": r"""
        [ "$1 $2" = "--noheader --jobs" ] || exit 64
        [ -f "$FOLDER/alive" ] && echo "$3 RUNNING"
    """,
}


def install(folder: Path) -> str:
    """Write the programs into a folder; gives a PATH that begins with it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in PROGRAMS.items():
        path = folder / name
        path.write_text(f"#!/usr/bin/env bash\nFOLDER={folder}\n{body}")
        path.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"
