"""One long job, such as a training, in a queueing system: write, submit, wait.

A worker of :mod:`espnet2_ext.jobs.clusters` is one thread among many; a training wants
GPUs, many threads and perhaps several machines for days.  What it asks for is in the
part ``training`` of the same settings file.
"""

import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text
from espnet2_ext.io.options import option
from espnet2_ext.jobs.clusters import JobOptions, read_training_settings

SCRIPT, OUTPUT, NUMBER = "train_job.sh", "train_job.out", "train_job.id"
"""In the job's folder: what is submitted, what it prints, how the queue calls it."""

PASSED_ON = ("PYTHONPATH", "PYTHONUTF8", "PYTHONUNBUFFERED", "LC_ALL", "PATH")
"""Variables of this process that the job gets, whatever the queue passes on."""

LOOK_AGAIN = 0.5
"""Seconds between two looks at the job's output."""


@dataclass(frozen=True)
class JobSize:
    """What a job needs."""

    ngpu: int = option(0, "GPUs of each machine", int)
    num_nodes: int = option(1, "machines", int)
    num_threads: int | None = option(
        None, "of each machine (default: the settings' cores)", int
    )


class JobError(OSError):
    """The job could not be submitted, or another one is at work."""


def job_script(
    words: Sequence[str], options: JobOptions, size: JobSize, folder: Path
) -> str:
    """Write the script of a job.

    Args:
        words: the command.
        options: name of the queueing system, and its settings.
        size: of the job.
        folder: gets its output; its name becomes the job's.

    Raises:
        ValueError: several machines, which only Slurm's ``srun`` starts here.
    """
    settings = read_training_settings(options)
    if size.num_nodes > 1 and options.cmd_backend != "slurm":
        raise ValueError(
            f"--num_nodes {size.num_nodes} with cmd_backend '{options.cmd_backend}': "
            "only slurm starts a training on several machines; say --num_nodes 1"
        )
    threads = size.num_threads or int(settings.get("cores", 1))
    directives = _DIRECTIVES[options.cmd_backend](settings, size, threads, folder)
    lines = ["#!/usr/bin/env bash", *directives]
    lines += [str(line) for line in settings.get("job_extra_directives", [])]
    prefix = {"slurm": "#SBATCH ", "sge": "#$ ", "pbs": "#PBS "}[options.cmd_backend]
    lines[1:] = [f"{prefix}{line}" for line in lines[1:]]
    lines += [f"cd {shlex.quote(os.getcwd())}"]
    exports = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    exports["OMP_NUM_THREADS"] = str(threads)
    lines += [f"export {name}={shlex.quote(v)}" for name, v in exports.items()]
    lines += [str(line) for line in settings.get("job_script_prologue", [])]
    launch = ["srun", "--export=ALL"] if size.num_nodes > 1 else []
    lines += [f"exec {shlex.join([*launch, *words])}"]
    return "".join(f"{line}\n" for line in lines)


def _slurm(
    settings: Mapping[str, Any], size: JobSize, threads: int, folder: Path
) -> list[str]:
    wanted = {
        "job-name": folder.name,
        "output": folder / OUTPUT,
        "open-mode": "append",
        "nodes": size.num_nodes,
        "ntasks-per-node": 1,
        "cpus-per-task": threads,
        "mem": str(settings["memory"]).removesuffix("B")
        if "memory" in settings
        else "",
        "time": settings.get("walltime"),
        "partition": settings.get("queue"),
        "account": settings.get("account"),
        "gres": f"gpu:{size.ngpu}" if size.ngpu else "",
    }
    return [f"--{n}={shlex.quote(str(v))}" for n, v in wanted.items() if v]


def _sge(
    settings: Mapping[str, Any], size: JobSize, threads: int, folder: Path
) -> list[str]:
    lines = [f"-N {folder.name}", f"-o {folder / OUTPUT}", "-j y", "-S /bin/bash"]
    lines += [f"-pe smp {threads}"] if threads > 1 else []
    lines += [f"-q {settings['queue']}"] if settings.get("queue") else []
    lines += [f"-P {settings['project']}"] if settings.get("project") else []
    lines += [f"-l h_rt={settings['walltime']}"] if settings.get("walltime") else []
    lines += [f"-l gpu={size.ngpu}"] if size.ngpu else []
    return lines


def _pbs(
    settings: Mapping[str, Any], size: JobSize, threads: int, folder: Path
) -> list[str]:
    chunk = f"select=1:ncpus={threads}"
    chunk += f":ngpus={size.ngpu}" if size.ngpu else ""
    chunk += f":mem={settings['memory']}" if settings.get("memory") else ""
    chunk = settings.get("resource_spec") or chunk
    lines = [f"-N {folder.name[:200]}", f"-o {folder / OUTPUT}", "-j oe", f"-l {chunk}"]
    lines += [f"-q {settings['queue']}"] if settings.get("queue") else []
    lines += [f"-A {settings['account']}"] if settings.get("account") else []
    lines += [f"-l walltime={settings['walltime']}"] if settings.get("walltime") else []
    return lines


_DIRECTIVES = {"slurm": _slurm, "sge": _sge, "pbs": _pbs}

_SUBMIT = {
    "slurm": ("sbatch", "--wait", "--parsable"),
    "sge": ("qsub", "-sync", "y", "-terse"),
    "pbs": ("qsub", "-W", "block=true"),
}
_CANCEL = {"slurm": "scancel", "sge": "qdel", "pbs": "qdel"}
_STATE = {
    "slurm": ("squeue", "--noheader", "--jobs"),
    "sge": ("qstat", "-j"),
    "pbs": ("qstat",),
}


def run_in_queue(
    words: Sequence[str], options: JobOptions, size: JobSize, folder: Path
) -> int:
    """Submit a command, show what it prints, and wait for its end.

    The job is cancelled when this process is interrupted; where it was killed, the
    next call finds the job still there and says so.

    Returns:
        The command's exit code.

    Raises:
        ValueError: settings that cannot be.
        JobError: the queue refused it, or has the job of an earlier call.
    """
    script = job_script(words, options, size, folder)
    _refuse_another(options.cmd_backend, folder)
    write_text(folder / SCRIPT, script)
    output = folder / OUTPUT
    begin = output.stat().st_size if output.exists() else 0
    command = [*_SUBMIT[options.cmd_backend], str(folder / SCRIPT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as submitted:
        assert submitted.stdout is not None
        number = submitted.stdout.readline().split(";")[0].strip()
        if not number:
            raise JobError(f"{shlex.join(command)} failed with {submitted.wait()}")
        write_text(folder / NUMBER, f"{number}\n")
        print(f"{options.cmd_backend} job {number}: {folder / SCRIPT}", file=sys.stderr)
        ended = threading.Event()
        follower = threading.Thread(target=_follow, args=(output, begin, ended))
        follower.start()
        try:
            code = submitted.wait()
        except BaseException:
            subprocess.run([_CANCEL[options.cmd_backend], number], check=False)
            raise
        finally:
            ended.set()
            follower.join()
    (folder / NUMBER).unlink(missing_ok=True)
    return code


def _refuse_another(backend: str, folder: Path) -> None:
    """Look whether the job of a killed call is still at work.

    Raises:
        JobError: it is.
    """
    if not (folder / NUMBER).exists():
        return
    number = (folder / NUMBER).read_text(encoding="utf-8").strip()
    asked = [*_STATE[backend], number]
    if shutil.which(asked[0]) is None:
        return
    state = subprocess.run(asked, capture_output=True, text=True, check=False)
    if state.returncode == 0 and state.stdout.strip():
        raise JobError(
            f"{folder}: job {number} of an earlier run is still there; wait for its "
            f"end, or end it with '{_CANCEL[backend]} {number}'"
        )


def _follow(output: Path, begin: int, ended: threading.Event) -> None:
    """Copy what a job writes to stdout until it has ended."""
    place = begin
    while True:
        last = ended.wait(LOOK_AGAIN)
        if output.exists():
            with output.open("rb") as file:
                file.seek(place)
                sys.stdout.buffer.write(file.read())
                place = file.tell()
            sys.stdout.flush()
        if last:
            return
