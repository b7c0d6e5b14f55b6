"""Write speaker embeddings into data directories.

Each directory gets spembs.ark and spembs.scp (one vector per utterance, which ESPnet
reads as kaldi_ark), spembs.json (the tool that made them) and speakers.npz (one vector
per speaker, for packing). Where a directory has a target.scp, as for voice conversion,
its voices are taken. What an earlier run has done with the same options is left as it
is.

    python -m espnet2_ext.bin.speaker_embeddings dump/raw/train/tts --nj 4
"""

import sys
from pathlib import Path

import numpy as np

from espnet2_ext.data.speaker_embeddings import EmbeddingOptions, write_embeddings
from espnet2_ext.data.speaker_extractors import CHOICES
from espnet2_ext.io.options import add_options, command_parser, options_of, run_command
from espnet2_ext.jobs.clusters import JobOptions, Workers


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    text = f"{__doc__}\n{CHOICES}\n  precomputed         --precomputed FILE"
    parser = command_parser("speaker_embeddings", text)
    parser.add_argument("folders", type=Path, nargs="+", help="data directories")
    add_options(parser, EmbeddingOptions)
    add_options(parser, JobOptions, "jobs")
    args = parser.parse_args(argv)

    def run() -> None:
        options = options_of(args, EmbeddingOptions)
        known: dict[str, np.ndarray] = {}
        with Workers(options_of(args, JobOptions)) as workers:
            for folder in args.folders:
                done = write_embeddings(folder, options, known, workers)
                print(f"{folder}: {'written' if done else 'done before'}")

    return run_command("speaker_embeddings", run)


if __name__ == "__main__":
    sys.exit(main())
