"""Decode a set in several jobs: split the utterances, decode, join the results."""

import contextlib
import logging
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from espnet2_ext.inference.decode.decode_set import (
    DONE,
    FAILED,
    JOURNAL,
    claim_folder,
)
from espnet2_ext.io.files import write_text
from espnet2_ext.io.tables import read_table, write_table
from espnet2_ext.jobs.clusters import Workers
from espnet2_ext.jobs.fanout import fan_out

SPLITS = "split"
"""Folders of the jobs begin with this; the number of jobs follows."""

LOGS = "logdir"
"""Folder of the jobs' logs, ``<task>_inference.<job>.log``, as ESPnet has them."""

_NOT_JOINED = (JOURNAL, "keys")


class _Job(NamedTuple):
    words: tuple[str, ...]
    folder: str
    log: str


def decode_in_jobs(
    words: Sequence[str],
    key_file: Path,
    output_dir: Path,
    workers: Workers,
    allow_failures: int = 0,
) -> None:
    """Run ``sttatts_inference`` on parts of a set and join what it writes.

    Args:
        words: its options without ``--key_file``, ``--output_dir``,
            ``--allow_failures``.
        key_file: its first column names the utterances.
        output_dir: gets what one job alone would have written.
        workers: each takes a part.
        allow_failures: utterances that may fail.

    Raises:
        FileNotFoundError: no key file.
        ValueError: unusable options, or results of others in the folder.
        RuntimeError: a job or too many utterances failed.
    """
    from espnet2_ext.bin.sttatts_inference import parse_options

    own = (f"--key_file={key_file}", f"--output_dir={output_dir}")
    args = parse_options([*words, *own])
    claim_folder(args)
    keys = list(read_table(key_file).values)
    count = min(workers.options.nj, len(keys))
    root = output_dir / f"{SPLITS}{count}"
    for other in output_dir.glob(f"{SPLITS}[0-9]*"):
        if other != root:
            shutil.rmtree(other)
    jobs = {}
    for number in range(count):
        folder = root / str(number + 1)
        write_text(folder / "keys", "".join(f"{key}\n" for key in keys[number::count]))
        jobs[str(number + 1)] = _Job(
            (
                *words,
                f"--key_file={folder / 'keys'}",
                f"--output_dir={folder}",
                f"--allow_failures={len(keys)}",
                "--overwrite=true",  # Whether it may is known by now.
            ),
            str(folder),
            str(log_file(output_dir, args.task, number + 1)),
        )
    (output_dir / DONE).unlink(missing_ok=True)
    with _progress(root, len(keys), output_dir):
        outcome = fan_out(run_job, jobs, workers, title=None)
    if outcome.failures:
        outcome.report("job")
        raise RuntimeError(f"decoding failed; see {output_dir / LOGS}")
    failed = join([Path(job.folder) for job in jobs.values()], output_dir, keys)
    for uid, reason in failed.items():
        logging.error("utterance '%s': %s", uid, reason)
    if len(failed) > allow_failures:
        raise RuntimeError(
            f"{len(failed)} of {len(keys)} utterances failed, {allow_failures} are "
            f"allowed (reasons: {output_dir / FAILED})"
        )
    write_text(output_dir / DONE, f"{len(keys) - len(failed)} utterances\n")


def log_file(output_dir: Path, task: str, job: int) -> Path:
    """Where the log of a job is; they count from 1."""
    return output_dir / LOGS / f"{task}_inference.{job}.log"


def run_job(job: _Job) -> None:
    """Decode one part; in the worker.

    Raises:
        RuntimeError: the command failed; the message is its last line.
    """
    from espnet2_ext.bin.sttatts_inference import main

    log = Path(job.log)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w", encoding="utf-8") as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        code = main(list(job.words))
    # The command has pointed the logging of this process at the closed file.
    logging.basicConfig(force=True)
    if code != 0:
        lines = log.read_text(encoding="utf-8").splitlines() or ["no message"]
        raise RuntimeError(f"{lines[-1]} (all of it: {log})")


def join(folders: Sequence[Path], target: Path, keys: Sequence[str]) -> dict[str, str]:
    """Join tables, and link the other files.

    Args:
        folders: what the jobs wrote.
        target: gets the same; its older files of the same names are replaced.
        keys: order of the joined tables.

    Returns:
        Reasons of failed utterances, by id.
    """
    tables: dict[str, dict[str, str]] = {}
    for old in {path.name for folder in folders for path in folder.iterdir()}:
        if old not in _NOT_JOINED and not old.startswith("."):
            _remove(target / old)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if path.is_dir() or name.parts[0] in _NOT_JOINED or path.name[0] == ".":
                continue
            if path.suffix in ("", ".scp"):
                table = tables.setdefault(str(name), {})
                for line in path.read_text(encoding="utf-8").splitlines():
                    uid, _, value = line.partition(" ")
                    if path.suffix:
                        value = value.replace(str(folder), str(target), 1)
                    table[uid] = value
            else:
                _link(path, target / name)
    for place, values in tables.items():
        joined = {uid: values[uid] for uid in keys if uid in values}
        write_table(target / place, joined, ordered=False)
    return tables.get(FAILED, {})


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system cannot."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@contextlib.contextmanager
def _progress(root: Path, total: int, output_dir: Path) -> Iterator[None]:
    """Show how many utterances the jobs have written into their journals."""
    stopped = threading.Event()

    def watch() -> None:
        with tqdm(total=total, desc=output_dir.name, unit="utt") as bar:
            while True:
                last = stopped.wait(1.0)
                bar.update(max(0, _finished(root) - bar.n))
                if last:
                    return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _finished(root: Path) -> int:
    """Lines of the journals; each begins with one of its own."""
    count = 0
    for path in root.glob(f"*/{JOURNAL}"):
        with path.open("rb") as file:
            count += max(0, sum(1 for _ in file) - 1)
    return count
