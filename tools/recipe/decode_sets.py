r"""Decode the test sets of a task, in one process that loads the software once.

    python -m tools.recipe.decode_sets --task asr \
        --sets "test other" --raw dump/raw --decoded exp/train/asr_decode …

Other options are those of ``sttatts_inference``. Results go into a folder of each set
below ``--decoded``.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from espnet2_ext.bin.sttatts_inference import main as decode
from espnet2_ext.data.entries import data_entries


@dataclass(frozen=True)
class Decoding:
    """Results of a test set.

    Attributes:
        data: its data directory, ``dump/raw/<set>/<task>``.
        folder: of the results.
        untrained: whether the weights are those before training, and the utterances
            only the first ones.
    """

    data: Path
    folder: Path
    untrained: bool = False

    @property
    def first_utterances(self) -> Path:
        """Those that the weights before training decode, ``id text`` lines."""
        return self.folder / "first_utterances"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is decoded, and where its results are."""
    parser.add_argument("--task", choices=["asr", "tts", "vc"], required=True)
    parser.add_argument("--sets", type=str.split, required=True, help="in one word")
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--decoded", type=Path, required=True)
    parser.add_argument(
        "--untrained", type=Path, help="weights before training, decoded too if there"
    )
    parser.add_argument("--untrained_name", default="untrained")
    parser.add_argument("--untrained_utts", type=int, default=10)


def decodings(args: argparse.Namespace) -> Iterator[Decoding]:
    """Every set, and once more where the weights before training decode it."""
    for name in args.sets:
        data = args.raw / name / args.task
        yield Decoding(data, args.decoded / name)
        if args.untrained and args.untrained.is_file() and (data / "text").is_file():
            folder = Path(f"{args.decoded}_{args.untrained_name}") / name
            yield Decoding(data, folder, untrained=True)


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, else the code of the first failure."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add_options(parser)
    parser.add_argument("--named_speakers", action="store_true")
    args, common = parser.parse_known_args(argv)
    for one in decodings(args):
        words = [*common, f"--task={args.task}", f"--output_dir={one.folder}"]
        keys = one.data / "wav.scp"
        if one.untrained:
            keys = one.first_utterances
            keys.parent.mkdir(parents=True, exist_ok=True)
            lines = (one.data / "text").read_text().splitlines(keepends=True)
            keys.write_text("".join(lines[: args.untrained_utts]))
            words.append(f"--model_file={args.untrained}")
        words.append(f"--key_file={keys}")
        for entry in data_entries(one.data, args.named_speakers):
            words.append(f"--data_path_and_name_and_type={entry}")
        if code := decode(words):
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
