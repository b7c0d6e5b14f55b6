"""Speed of this project beside Hugging Face, ESPnet and faster-whisper.

Base size of the paper, random weights. Each measurement is a fresh process, after a run
that warms up, and the peers take turns. Printed are medians of user plus system CPU
seconds; with several threads, look at the wall clock too.

    python -m benchmarks.peers --repeats 5 --output speed
    python -m benchmarks.peers --works greedy beam5 --repeats 3 --output speed
    python -m benchmarks.peers --works long --recordings *.flac --output speed
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from tqdm import tqdm

from benchmarks.peers.measuring import ALLOCATOR, PEERS, measure
from benchmarks.peers.report import write_report
from benchmarks.peers.work import RECORDINGS, WORKS


def main() -> None:
    """Measure everything, or one thing in this process."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeats", type=int, default=5, help="runs of each")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--works", nargs="+", choices=WORKS, help="default: all but long"
    )
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument(
        "--recordings", nargs="+", type=Path, default=[], help="of the work 'long'"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("speed"), help="gets table and picture"
    )
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    RECORDINGS.extend(args.recordings)
    works = args.works or [name for name in WORKS if name != "long"]
    if "long" in works and not RECORDINGS:
        parser.error("the work 'long' needs --recordings")
    if args.one:
        print(json.dumps(measure(*args.one, args.threads)))
        return
    pairs = [(w, p) for w in works for p in args.peers if w in PEERS[p].works]
    found: dict[tuple[str, str], list[dict[str, float]]] = {pair: [] for pair in pairs}
    rounds = [pair for _ in range(args.repeats) for pair in pairs]
    for work, peer in (bar := tqdm(rounds, desc="runs")):
        bar.set_postfix_str(f"{peer}: {WORKS[work].title}")
        found[work, peer].append(_in_new_process(work, peer, args))
    print(write_report(found, args.output, args.threads))


def _in_new_process(work: str, peer: str, args: argparse.Namespace) -> dict[str, float]:
    threads = str(args.threads)
    command = [sys.executable, "-m", "benchmarks.peers", "--one", work, peer]
    command += ["--threads", threads]
    if work == "long":
        command += ["--recordings", *map(str, args.recordings)]
    limits = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    done = subprocess.run(
        command,
        env={**os.environ, **ALLOCATOR, **limits},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
