"""How far bfloat16 and int8 are from float32, and how much faster, on real speech.

The packaged model writes down recordings (greedy and with a beam of 5) and speaks
sentences in each arithmetic, in batches of 8. Printed are the share of tokens that
differ from float32's, the mean change of a hypothesis's score (log-probability per
token), how long the speech is beside float32's and how far its mels are (L1 of log10
mels after dynamic time warping), and CPU seconds.

    python benchmarks/precision.py LibriSpeech/*/*/*/*.flac
"""

import argparse
import time
from typing import Any

import numpy as np
import torch

from espnet2_ext import STTATTS
from espnet2_ext.scoring.errors import count_errors
from espnet2_ext.sttatts.warping import warp

SENTENCES = [
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet to the dark blue background.",
    "It is easy to tell the depth of a well.",
    "These days a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck.",
    "The hogs were fed chopped corn and garbage.",
]
"""The first of the Harvard sentences (IEEE 1969)."""

SEARCHES = {
    "greedy": {"beam_size": 1, "ctc_weight": 0.0},
    "beam 5": {"beam_size": 5, "ctc_weight": 0.5},
}


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean L1 of two mels (L, F) along the cheapest warping."""
    table = np.abs(one[:, None] - other[None]).mean(axis=2)
    rows = warp(table[None], np.array([len(one)]), np.array([len(other)]))[0]
    nearest = rows.round().astype(int)
    return float(table[nearest, np.arange(len(other))].mean())


def outputs(model: STTATTS, recordings: list[str]) -> dict[str, Any]:
    """Everything that one arithmetic makes, and the CPU seconds."""
    found: dict[str, Any] = {}
    for name, settings in SEARCHES.items():
        began = time.process_time()
        ranked = model.transcribe(recordings, batch_size=8, **settings)
        found[name] = [nbest[0] for nbest in ranked]
        found[f"{name} s"] = time.process_time() - began
    began = time.process_time()
    found["speech"] = model.synthesize(SENTENCES, batch_size=8)
    found["speech s"] = time.process_time() - began
    return found


def compare(exact: dict[str, Any], found: dict[str, Any]) -> None:
    """Print what changes."""
    for name in SEARCHES:
        pairs = list(zip(exact[name], found[name], strict=True))
        errors = sum(
            count_errors(" ".join(a.tokens), " ".join(b.tokens), "word").errors
            for a, b in pairs
        )
        tokens = sum(len(a.tokens) for a, _ in pairs)
        moved = np.mean([abs(a.score - b.score) for a, b in pairs])
        faster = exact[f"{name} s"] / found[f"{name} s"]
        print(
            f"  {name}: {100 * errors / tokens:.2f} % of {tokens} tokens differ, "
            f"scores move by {moved:.3f}; {found[f'{name} s']:.1f} s, {faster:.2f} x"
        )
    pairs = list(zip(exact["speech"], found["speech"], strict=True))
    longer = np.mean([len(b.mel) / len(a.mel) for a, b in pairs])
    far = np.mean([distance(a.mel, b.mel) for a, b in pairs])
    faster = exact["speech s"] / found["speech s"]
    print(
        f"  speech: {longer:.3f} times as long, mels {far:.3f} away; "
        f"{found['speech s']:.1f} s, {faster:.2f} x"
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", nargs="+")
    parser.add_argument("--model", help="default: the one of the package")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    exact = None
    for dtype in (torch.float32, torch.bfloat16, torch.int8):
        model = STTATTS.from_pretrained(args.model, dtype=dtype)
        outputs(model, args.recordings[:1])  # warms up
        found = outputs(model, args.recordings)
        exact = exact or found
        print(str(dtype).removeprefix("torch."))
        compare(exact, found)


if __name__ == "__main__":
    main()
