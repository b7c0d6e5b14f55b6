r"""Put the data of several languages together, for one model that is told the language.

    python -m tools.systems.languages --output data \
        --data en=egs2/mini_librispeech/sttatts1/data --cleaner en=english \
        --data ar=egs2/arabic_sc/sttatts1/data --cleaner ar=arabic_undiacritized \
        --train en/train ar/train_all --valid en/valid ar/valid ar/valid_joined

``output`` gets ``train`` and ``valid`` of all languages, and every set by itself as
``<language>_<set>``.  Texts are cleaned, as cleaners are of a language; ``utt2lang`` is
what the model is told.  Utterances and speakers get the language before their names.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from espnet2_ext.data.kaldi_dir import KaldiDir
from espnet2_ext.io.options import run_command
from espnet2_ext.text.cleaners import build_cleaner
from tools.recipe.datadir import combine, renamed


def read_set(folder: Path, language: str, cleaner: str | None) -> KaldiDir:
    """Read the data directory of a set and task, its texts cleaned."""
    data = renamed(KaldiDir.read(folder), f"{language}-", f"{language}-")
    clean = build_cleaner(cleaner)
    if "text" in data.tables:
        texts = data.tables["text"].items()
        data.tables["text"] = {uid: clean(text) for uid, text in texts}
    data.tables["utt2lang"] = dict.fromkeys(data.utterances, language)
    return data


def join_languages(
    sources: dict[str, Path],
    cleaners: dict[str, str],
    joined: dict[str, list[str]],
    output: Path,
) -> None:
    """Write the sets of all languages, and those that are ``joined`` by name.

    Args:
        sources: Data directories ``<set>/<task>`` of each language.
        cleaners: Name of the cleaner of each language.
        joined: What a set is made of, as ``<language>/<set>``.
        output: Folder that gets ``<set>/<task>``.

    Raises:
        ValueError, OSError: no such data, or none of a set that is to be joined.
    """
    found: dict[str, dict[str, KaldiDir]] = {}
    for language, source in sources.items():
        for folder in sorted(source.glob("*/*/")):
            name, task = folder.parent.name, folder.name
            data = read_set(folder, language, cleaners.get(language))
            found.setdefault(f"{language}/{name}", {})[task] = data
            data.write(output / f"{language}_{name}" / task)
    for name, parts in joined.items():
        for part in parts:
            if part not in found:
                raise ValueError(f"{part}: no such set; there are {', '.join(found)}")
        for task in sorted({task for part in parts for task in found[part]}):
            sets = [found[part][task] for part in parts if task in found[part]]
            combine(sets).write(output / name / task)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    pair: dict[str, Any] = {"action": "append", "default": [], "metavar": "LANGUAGE=…"}
    parser.add_argument("--data", required=True, help="folder of <set>/<task>", **pair)
    parser.add_argument("--cleaner", help="cleaner of its texts", **pair)
    parser.add_argument("--train", nargs="+", required=True, metavar="LANGUAGE/SET")
    parser.add_argument("--valid", nargs="+", required=True, metavar="LANGUAGE/SET")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    args = parser.parse_args(argv)
    sources = {k: Path(v) for k, v in (word.split("=", 1) for word in args.data)}
    cleaners = dict(word.split("=", 1) for word in args.cleaner)
    joined = {"train": args.train, "valid": args.valid}
    return run_command(
        "languages", lambda: join_languages(sources, cleaners, joined, args.output)
    )


if __name__ == "__main__":
    sys.exit(main())
