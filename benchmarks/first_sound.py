"""How soon speech that is made while it is heard begins.

Printed are medians of CPU seconds on one thread, with the model's vocoder:
until the first piece is there, until all are, and for the whole sentence at once.

    python benchmarks/first_sound.py
"""

import argparse
import statistics
import time

import torch

from espnet2_ext import STTATTS

TEXT = "the weather is fine today and we all go out into the garden to read our books"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="default: the one of the package")
    parser.add_argument("--speaker")
    parser.add_argument("--text", default=TEXT)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    m = STTATTS.from_pretrained(args.model)
    m.synthesize(args.text, args.speaker)  # the first run of all is slower

    took: dict[str, list[float]] = {"first piece": [], "all pieces": [], "whole": []}
    for _ in range(args.repeats):
        began = time.process_time()
        pieces = m.stream(args.text, args.speaker)
        first = next(pieces)
        took["first piece"].append(time.process_time() - began)
        samples = len(first) + sum(map(len, pieces))
        took["all pieces"].append(time.process_time() - began)
        began = time.process_time()
        m.synthesize(args.text, args.speaker)
        took["whole"].append(time.process_time() - began)
    rate = m.vocoder.sample_rate
    print(f"{samples / rate:.2f} s of speech, first piece {len(first) / rate:.2f} s")
    whole = statistics.median(took["whole"])
    for name, times in took.items():
        cpu = statistics.median(times)
        print(f"{name:12}{cpu:7.3f} CPU s {cpu / whole:6.1%}")


if __name__ == "__main__":
    main()
