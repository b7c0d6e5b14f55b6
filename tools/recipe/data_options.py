r"""Write the options of training that name its data, one a line.

    python -m tools.recipe.data_options --raw dump/raw \
        --stats exp/stats --train train/asr train/tts --valid valid/asr valid/tts

Sets have the form <set>/<task>.
"""

import argparse
import sys
from pathlib import Path

TABLES = {
    "asr": ("wav.scp,asr_speech,sound", "text,asr_text,text"),
    "tts": ("text,tts_text,text", "wav.scp,tts_speech,sound"),
    "vc": ("wav.scp,vc_speech,sound", "target.scp,vc_target,sound"),
}
"""Table of a data directory, name of the data in ESPnet, and how it is read."""


def data_entries(folder: Path, named_speakers: bool = False) -> list[str]:
    """Data of a directory ``<set>/<task>`` as ESPnet's ``data_path_and_name_and_type``.

    Args:
        folder: tables that it lacks are left out.
        named_speakers: names of speakers, not embeddings, say whose voice is wanted.
    """
    task = folder.name
    entries = list(TABLES[task])
    if task != "asr":
        speakers = "utt2spk,{},text" if named_speakers else "spembs.scp,{},kaldi_ark"
        entries.append(speakers.format(f"{task}_spembs"))
    found = [e for e in entries if (folder / e.split(",")[0]).is_file()]
    return [f"{folder}/{entry}" for entry in found]


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--stats", type=Path, required=True, help="lengths of the data")
    parser.add_argument("--train", nargs="+", required=True, metavar="SET/TASK")
    parser.add_argument("--valid", nargs="+", required=True, metavar="SET/TASK")
    args = parser.parse_args(argv)
    for part, names in (("train", args.train), ("valid", args.valid)):
        for name in names:
            for entry in data_entries(args.raw / name):
                print(f"--{part}_data_path_and_name_and_type={entry}")
            for path in sorted((args.stats / name).glob("*_shape")):
                print(f"--{part}_shape_file={path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
