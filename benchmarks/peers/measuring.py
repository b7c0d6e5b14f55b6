"""One measurement, in this process."""

import importlib
import logging
import os
import resource
import time
import warnings
from dataclasses import dataclass

import torch

from benchmarks.peers.work import Make

ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(4 << 30),
    "MALLOC_TOP_PAD_": str(256 << 20),
}
"""Buffers that the allocator gives back and asks for again cost more than some of the
searches do, and differently from run to run."""

SPOKEN = ("greedy", "beam5", "greedy_batch", "tts", "tts_batch", "encoder")


@dataclass(frozen=True)
class Peer:
    """Where somebody's side is, and what it can do."""

    module: str
    works: tuple[str, ...]
    dtype: torch.dtype | None = None

    def make(self, work: str) -> Make:
        """Import it, and nobody else."""
        module = importlib.import_module(f"benchmarks.peers.{self.module}")
        makers = module.makers(self.dtype) if self.dtype else module.MAKERS
        return makers[work]


PEERS = {
    "ours": Peer("ours", (*SPOKEN, "beam10_ctc", "training", "long"), torch.float32),
    "ours bfloat16": Peer(
        "ours", (*SPOKEN, "beam10_ctc", "training", "long"), torch.bfloat16
    ),
    "ours int8": Peer("ours", (*SPOKEN, "beam10_ctc", "long"), torch.int8),
    "Hugging Face": Peer("hugging_face", (*SPOKEN, "training")),
    "ESPnet": Peer("espnet", ("beam5", "beam10_ctc", "tts")),
    "faster-whisper base": Peer("faster_whisper", ("long",)),
}


def measure(work: str, peer: str, threads: int) -> dict[str, float]:
    """Do some work once, after once to warm up.

    Returns:
        CPU and wall-clock seconds, and the process's largest memory (MiB).
    """
    logging.disable(logging.WARNING)  # ESPnet warns that a limit was reached
    warnings.simplefilter("ignore")
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    run = PEERS[peer].make(work)()
    if work != "long":  # which is long enough, and never the same shape twice
        run()
    wall, cpu = time.perf_counter(), _cpu_seconds()
    run()
    wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": cpu, "wall": wall, "memory": memory}


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system
