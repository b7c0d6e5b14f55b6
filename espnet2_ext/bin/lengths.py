r"""Write the lengths of speech and texts that training makes its batches of.

Each data directory <set>/<task> gets <task>_speech_shape (samples), <task>_text_shape
(tokens) and, for conversion, vc_target_shape. They are what ESPnet's
--collect_stats true writes, without reading a recording again.

    python -m espnet2_ext.bin.lengths dump/raw/train/asr exp/stats/train/asr \
        --token_list dump/tokens.txt --cleaner english
"""

import sys
from pathlib import Path

from espnet2_ext.data.sequence_lengths import write_lengths
from espnet2_ext.io.options import (
    add_options,
    command_parser,
    options_of,
    pairs,
    run_command,
)
from espnet2_ext.text.token_lists import read_tokens
from espnet2_ext.text.tokens import TextOptions


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    parser = command_parser("lengths", __doc__)
    parser.add_argument(
        "folders",
        type=Path,
        nargs="+",
        metavar="SOURCE TARGET",
        help="data directories, and where their lengths go",
    )
    parser.add_argument("--token_list", type=Path, required=True)
    add_options(parser, TextOptions, "texts")
    args = parser.parse_args(argv)

    def run() -> None:
        tokens = read_tokens(args.token_list)
        tokenizer, cleaner = options_of(args, TextOptions).build(tokens)
        for source, target in pairs(args.folders):
            count = write_lengths(source, target, tokenizer, cleaner)
            print(f"{target}: {count} utterances")

    return run_command("lengths", run)


if __name__ == "__main__":
    sys.exit(main())
