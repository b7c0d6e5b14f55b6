"""The decoding of a set in several jobs, which write into one folder."""

import argparse
import contextlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from espnet2_ext.bin.sttatts_inference import LOG_LINES, choose_files, log_file
from espnet2_ext.inference.decode.decode_set import PARTS, DecodingRun
from espnet2_ext.io.messages import one_line
from espnet2_ext.io.store import Store
from espnet2_ext.jobs.clusters import JobOptions, Workers
from espnet2_ext.jobs.fanout import fan_out


class _Job(NamedTuple):
    args: argparse.Namespace
    number: int
    uids: list[str]


def decode_in_jobs(
    run: DecodingRun, journal: Store, args: argparse.Namespace, jobs: JobOptions
) -> dict[str, str]:
    """Decode what a run misses, each job a part of it.

    Args:
        run: The run, into whose folder nobody else writes.
        journal: The run's own journal, which gets what the jobs finish.
        args: The options of ``bin/sttatts_inference.py``.
        jobs: How many jobs there are, and where they run.

    Returns:
        Reasons of failed utterances.

    Raises:
        RuntimeError: a job failed.
    """
    uids = run.missing(journal)
    count = min(jobs.nj, len(uids))
    parts = {
        str(number): _Job(args, number, uids[number - 1 :: count])
        for number in range(1, count + 1)
    }
    with Workers(jobs) as workers, _progress(run.folder, len(uids)):
        outcome = fan_out(_run_job, parts, workers, title=None)
    run.take_in_parts(journal)
    if outcome.failures:
        outcome.report("job")
        raise RuntimeError(f"decoding failed; see {log_file(args, 1).parent}")
    failures = [found for part in outcome.results.values() for found in part.items()]
    for uid, reason in failures:
        logging.error("utterance '%s': %s", uid, reason)
    return dict(failures)


def _run_job(job: _Job) -> dict[str, str]:
    """Decode one part, in the worker; gives the reasons of failed utterances."""
    log = log_file(job.args, job.number)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w", encoding="utf-8") as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        logging.basicConfig(level=job.args.log_level, format=LOG_LINES, force=True)
        try:
            run = DecodingRun(job.args, choose_files(job.args))
            part = run.open_part(str(job.number))
            # A worker that died may have got somewhere.
            left = [uid for uid in job.uids if part.get(uid) is None]
            return run.decode(left, part)
        except Exception as error:
            logging.exception("the job failed")
            raise RuntimeError(f"{one_line(error)} (all of it: {log})") from error
        finally:
            # The logging of this process points at the file, which is closed now.
            logging.basicConfig(handlers=[logging.NullHandler()], force=True)


@contextlib.contextmanager
def _progress(folder: Path, total: int) -> Iterator[None]:
    """Show how many utterances the jobs have written into their journals."""
    stopped = threading.Event()

    def watch() -> None:
        with tqdm(total=total, desc=folder.name, unit="utt") as bar:
            while True:
                last = stopped.wait(1.0)
                done = sum(
                    # Each journal begins with a line of its own.
                    max(0, path.read_bytes().count(b"\n") - 1)
                    for path in (folder / PARTS).glob("*.jsonl")
                )
                bar.update(max(0, done - bar.n))
                if last:
                    return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
