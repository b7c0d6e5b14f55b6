r"""Check that data directories have their tables, before the first stage reads them.

    python -m tools.recipe.check_data --learnt data/train/asr … \
        --tested data/test/vc …

Those that are only tested need no texts, and no targets.
"""

import argparse
import sys
from pathlib import Path

NEEDS = {
    "asr": "ASR needs wav.scp, text, utt2spk",
    "tts": "TTS needs wav.scp, text, utt2spk",
    "vc": "VC needs parallel recordings: wav.scp (what is converted), target.scp (the "
    "same words in the wanted voice), utt2spk (whose voice that is); or leave vc out "
    "of --tasks",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is there, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learnt", type=Path, nargs="*", default=[])
    parser.add_argument("--tested", type=Path, nargs="*", default=[])
    args = parser.parse_args(argv)
    for folder in [*args.learnt, *args.tested]:
        task = folder.name
        tables = ["wav.scp", "utt2spk"]
        if folder in args.learnt:
            tables.append("target.scp" if task == "vc" else "text")
        for name in tables:
            if not (folder / name).is_file():
                message = f"{folder / name}: missing; {NEEDS[task]}"
                print(f"sttatts.sh: error: {message}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
