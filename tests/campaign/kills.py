"""Runs of a miniature recipe that are killed, go on, and end as one that was not."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from tests.campaign.findings import Campaign
from tests.recipes.recipe_runs import (
    RECIPES,
    ROOT,
    command,
    experiment,
    run,
    tables,
    write_corpus,
)

ROW = next(row for row in RECIPES if "mini_prompts" in row["recipe"])
KILLS_OF_A_RUN = 10
LONGEST = 0.25
"""From a start to its kill, as a share of the time of a whole run: ten kills go through
all stages, as each start goes on where the one before was."""

type Results = dict[str, Any]
"""Of a recipe, by file."""


def run_all(campaign: Campaign, kills: int) -> None:
    """Kill so many times at random moments, in two recipes at a time."""
    with campaign.timed("kills"):
        begun = time.monotonic()
        expected = _finish(campaign, _fresh(campaign.folder / "alone"))
        length = time.monotonic() - begun
        campaign.notes.append(f"a recipe that is left alone takes {length:.0f} s")
        if expected is None:
            return
        _two_at_once(campaign, campaign.folder / "alone", expected)
        stages = Counter[str]()
        with (
            tqdm(total=kills, desc="kills") as progress,
            ThreadPoolExecutor(2) as pool,
        ):
            number = 0
            while (left := kills - progress.n) > 0 and not campaign.is_over():
                roots = [campaign.folder / f"recipe_{number + i}" for i in range(2)]
                shares = [min(KILLS_OF_A_RUN, n) for n in (left - left // 2, left // 2)]
                work = [(root, n) for root, n in zip(roots, shares, strict=True) if n]
                number += len(work)
                for found in pool.map(
                    lambda one: _killed(campaign, *one, length, expected), work
                ):
                    stages.update(found)
                    progress.update(found.total())
        campaign.cases["kills"] += stages.total()
    where = ", ".join(f"{n} in {stage}" for stage, n in sorted(stages.items()))
    campaign.notes.append(f"kills by stage: {where}")


def _killed(
    campaign: Campaign, root: Path, kills: int, length: float, expected: Results
) -> Counter[str]:
    """Kill a recipe, let it end, and compare; gives the stages of the kills."""
    draw = random.Random(f"{campaign.seed} {root.name}")
    _fresh(root)
    stages = Counter[str]()
    while stages.total() < kills and not campaign.is_over():
        stage = _kill(_words(root), draw.uniform(0, LONGEST) * length, root)
        if stage is None:  # it has ended by itself
            break
        stages[stage] += 1
    found = _finish(campaign, root)
    if found is not None and found != expected:
        names = {*found, *expected}
        odd = sorted(name for name in names if found.get(name) != expected.get(name))
        campaign.add("kills", "differs", f"{root.name}: {dict(stages)}", str(odd[:5]))
    shutil.rmtree(root, ignore_errors=True)
    return stages


def _words(root: Path) -> list[str]:
    words = command(ROW, root, "--skip-packing", "false", "--python", sys.executable)
    return ["./run.sh", *words[1:]]


def _fresh(root: Path) -> Path:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    write_corpus(root, ROW)
    return root


def _finish(campaign: Campaign, root: Path) -> Results | None:
    """Let a run end; gives its results."""
    code, said = run(_words(root), cwd=ROOT / ROW["recipe"])
    campaign.look_for_canaries("kills", "recipe")
    if code:
        campaign.add("kills", "traceback", "the recipe goes on", said[-400:])
        return None
    return _results(root)


def _results(root: Path) -> Results:
    exp = experiment(root, ROW)
    found = tables(exp)
    for path in sorted(exp.glob("*epoch.pth")):
        state = torch.load(path, weights_only=True)
        found[path.name] = {name: value.tolist() for name, value in state.items()}
    for path in sorted(exp.glob("*/*/wav/*.wav")):
        found[str(path.relative_to(exp))] = path.read_bytes()
    return found


def _kill(words: list[str], seconds: float, root: Path) -> str | None:
    """Start a run in a group of its own and kill the group; gives its stage."""
    path = root / "killed.log"
    with path.open("w") as log:
        process = subprocess.Popen(
            words,
            cwd=ROOT / ROW["recipe"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            process.wait(seconds)
            return None
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    begun = re.findall(r"(stage \d+) \(.*log in", path.read_text(errors="replace"))
    return begun[-1] if begun else "the start"


def _two_at_once(campaign: Campaign, root: Path, expected: Results) -> None:
    """Start a recipe twice: one of them ends, with the same results."""
    if campaign.is_over():
        return
    _fresh(root)
    campaign.cases["two recipes"] += 1
    pair = [
        subprocess.Popen(
            _words(root),
            cwd=ROOT / ROW["recipe"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate()[1] for process in pair]
    if all(process.returncode for process in pair):
        campaign.add("two recipes", "differs", "both failed", said[0][-300:])
    elif _results(root) != expected:
        campaign.add("two recipes", "differs", "results", "other than alone")
    for text in said:
        if "Traceback (most" in text:
            last = text.strip().splitlines()[-1][:200]
            campaign.add("two recipes", "traceback", "two", last)
