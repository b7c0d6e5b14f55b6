"""Runs of a miniature recipe that are killed, go on, and end as one that was not."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

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

type Results = dict[str, Any]
"""Of a recipe, by file."""


def run_all(campaign: Campaign, kills: int) -> None:
    """Kill so many times, each at a random moment of what was left to do."""
    draw = random.Random(campaign.seed)
    root = campaign.folder / "recipe"
    with campaign.timed("kills"):
        begun = time.monotonic()
        expected = _finish(campaign, root)
        length = time.monotonic() - begun
        campaign.notes.append(f"a recipe that is left alone takes {length:.0f} s")
        _two_at_once(campaign, root, expected)
        done = 0
        while expected is not None and done < kills and not campaign.is_over():
            _fresh(root)
            for _ in range(min(KILLS_OF_A_RUN, kills - done)):
                if campaign.is_over():
                    break
                moment = draw.uniform(0.05, 1) * length
                ended = _kill(_words(root), moment, root)
                done += 1
                campaign.cases["kills"] += 1
                if ended:  # it was quicker than it was left alone
                    break
            found = _finish(campaign, root, fresh=False)
            if found is not None and found != expected:
                odd = [name for name in expected if found.get(name) != expected[name]]
                campaign.add("kills", "differs", f"after {done} kills", str(odd[:5]))
    campaign.notes.append(f"{campaign.cases['kills']} kills")


def _words(root: Path) -> list[str]:
    words = command(ROW, root, "--skip-packing", "false", "--python", sys.executable)
    return ["./run.sh", *words[1:]]


def _fresh(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    write_corpus(root, ROW)


def _finish(
    campaign: Campaign, root: Path, fresh: bool = True
) -> dict[str, Any] | None:
    """Let a run end; gives its results."""
    if fresh:
        _fresh(root)
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


def _kill(words: list[str], seconds: float, root: Path) -> bool:
    """Start a run in a group of its own and kill the group; True if it had ended."""
    with (root / "killed.log").open("a") as log:
        process = subprocess.Popen(
            words,
            cwd=ROOT / ROW["recipe"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False


def _two_at_once(
    campaign: Campaign, root: Path, expected: dict[str, Any] | None
) -> None:
    """Start a recipe twice: one of them ends, with the same results."""
    if expected is None or campaign.is_over():
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
