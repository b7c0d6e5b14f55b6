r"""Write the lengths of speech and texts that training makes its batches of.

Each data directory <set>/<task> gets <task>_speech_shape (samples), <task>_text_shape
(tokens) and, for conversion, vc_target_shape. They are what ESPnet's
--collect_stats true writes, without reading a recording again.

    python -m espnet2_ext.bin.lengths dump/raw/train/asr exp/stats/train/asr \
        --token_list dump/tokens.txt --cleaner english
"""

import argparse
import sys
from pathlib import Path

from espnet2_ext.data.sequence_lengths import write_lengths
from espnet2_ext.text.cleaners import build_cleaner
from espnet2_ext.text.tokens import build_tokenizer


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    args = _parser().parse_args(argv)
    folders = args.folders
    try:
        if len(folders) % 2:
            raise ValueError("SOURCE TARGET pairs are needed; one folder is left over")
        lines = args.token_list.read_text(encoding="utf-8").splitlines()
        tokens = [line for line in lines if line]
        tokenizer = build_tokenizer(args.token_type, tokens, args.bpemodel)
        cleaner = build_cleaner(args.cleaner)
        for source, target in zip(folders[::2], folders[1::2], strict=True):
            count = write_lengths(source, target, tokenizer, cleaner)
            print(f"{target}: {count} utterances")
    except (OSError, ValueError) as error:
        print(f"lengths: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lengths",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folders",
        type=Path,
        nargs="+",
        metavar="SOURCE TARGET",
        help="data directories, and where their lengths go",
    )
    parser.add_argument("--token_list", type=Path, required=True)
    parser.add_argument("--token_type", choices=["char", "bpe"], default="char")
    parser.add_argument("--bpemodel", type=Path, help="SentencePiece model file")
    parser.add_argument("--cleaner", help="of the texts (default: none)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
