"""Table and picture of what was measured."""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

import torch

from benchmarks.peers.work import BATCH, WORKS, Work

type Found = Mapping[tuple[str, str], Sequence[Mapping[str, float]]]
"""Runs by work and peer."""

PACKAGES = ("torch", "transformers", "espnet", "faster-whisper")


def write_report(found: Found, folder: Path, threads: int) -> str:
    """Write ``speed.json``, ``speed.md`` and ``speed.svg``; gives the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = _machine(threads)
    runs = [{"work": w, "peer": p, "runs": list(r)} for (w, p), r in found.items()]
    content = {"machine": machine, "measured": runs}
    (folder / "speed.json").write_text(json.dumps(content, indent=1) + "\n")
    text = "\n".join([machine, "", *_times(found), "", *_asked(found)]) + "\n"
    (folder / "speed.md").write_text(text)
    _draw(found, folder / "speed.svg")
    return text


def _machine(threads: int) -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    python = platform.python_version()
    vectors = torch.backends.cpu.get_cpu_capability()
    return (
        f"{names[0] if names else platform.machine()}, {len(names)} cores, {vectors}, "
        f"{threads} thread(s); Python {python}, {versions}"
    )


def _times(found: Found) -> Iterator[str]:
    yield "| work | who | runs | CPU s, median | range | wall s | per item of batch 1 |"
    yield "|---|---|---|---|---|---|---|"
    for (work, peer), runs in found.items():
        cpu = sorted(run["cpu"] for run in runs)
        wall = median(run["wall"] for run in runs)
        yield (
            f"| {WORKS[work].title} | {peer} | {len(cpu)} | {median(cpu):.2f} | "
            f"{cpu[0]:.2f} to {cpu[-1]:.2f} | {wall:.2f} | "
            f"{_of_a_batch(found, work, peer)} |"
        )


def _of_a_batch(found: Found, work: str, peer: str) -> str:
    """How many times as fast an item of a batch is."""
    alone = (work.removesuffix("_batch"), peer)
    if work == alone[0] or alone not in found:
        return ""
    return f"{BATCH * _cpu(found, *alone) / _cpu(found, work, peer):.1f} x"


def _asked(found: Found) -> Iterator[str]:
    yield "| work | faster | than | by | asked |"
    yield "|---|---|---|---|---|"
    for work, row in WORKS.items():
        for fast, slow in _pairs(found, work):
            ratio = _cpu(found, work, slow) / _cpu(found, work, fast)
            yield (
                f"| {row.title} | {fast} | {slow} | {ratio:.2f} x | "
                f"{_wanted(row, fast, slow)} |"
            )


def _pairs(found: Found, work: str) -> Iterator[tuple[str, str]]:
    peers = [peer for name, peer in found if name == work]
    for fast in peers:
        for slow in peers:
            if fast.startswith("ours") and not slow.startswith("ours"):
                yield fast, slow


def _wanted(row: Work, fast: str, slow: str) -> str:
    for one, other, ratio in row.asked:
        if (one, other) == (fast, slow):
            return f"{ratio:g} x"
    return ""


def _cpu(found: Found, work: str, peer: str) -> float:
    return median(run["cpu"] for run in found[work, peer])


def _draw(found: Found, path: Path) -> None:
    from matplotlib.figure import Figure

    works = list(dict.fromkeys(work for work, _ in found))
    peers = list(dict.fromkeys(peer for _, peer in found))
    figure = Figure(figsize=(8, 0.6 + 0.8 * len(works)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(peers)
    for number, peer in enumerate(peers):
        rows = [i for i, work in enumerate(works) if (work, peer) in found]
        axes.barh(
            [row + number * height for row in rows],
            [_cpu(found, works[row], peer) for row in rows],
            height,
            label=peer,
        )
    axes.set_yticks(
        [i + 0.4 - height / 2 for i in range(len(works))],
        [WORKS[work].title for work in works],
    )
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("CPU seconds, median")
    axes.legend()
    figure.savefig(path)
