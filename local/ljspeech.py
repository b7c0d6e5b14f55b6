"""LJSpeech: 24 hours of one woman reading English non-fiction.

Contents: 13,100 clips of 1 to 10 s of Linda Johnson, 22.05 kHz WAV, with the text as
printed and with numbers and abbreviations in words, which we take.
Layout: ``LJSpeech-1.1/metadata.csv``, lines ``id|text|text in words`` without quoting,
and ``wavs/<id>.wav``.
Licence: public domain. Address: https://keithito.com/LJ-Speech-Dataset.
Citation: K. Ito, L. Johnson, "The LJ Speech dataset", 2017.

Sets: ljspeech-train/tts, ljspeech-dev/tts and ljspeech-test/tts: the last 500
utterances are held out, half of them each. Of a part of the corpus a tenth each is held
out.

    python -m local.ljspeech --corpus-dir /data/LJSpeech-1.1
    python -m local.ljspeech --download-dir downloads

Without --corpus-dir the corpus is downloaded (2.6 GiB).
"""

import sys
from pathlib import Path

from local.commands import corpus_parser, prepare_corpus
from local.corpus_parts import (
    check_presence,
    fetch_part,
    files_of,
    note_count,
    published,
)
from local.downloads import RemoteFile
from local.lhotse_export import reading, recipe, to_utterances
from local.utterances import Sets, Utterance, find_root, usable, write_sets

URL = "https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2"
FOLDER = "LJSpeech-1.1"
SPEAKER = "LJ"

PUBLISHED = published("LJSpeech")[FOLDER]

HELD_OUT = 500
"""Last utterances, half of them for development and half for tests: ESPnet's split."""


def download_ljspeech(target_dir: Path, url: str = URL) -> Path:
    """Fetch and unpack the corpus; see :func:`local.corpus_parts.fetch_part`."""
    name = url.rpartition("/")[2]
    remote = RemoteFile(url, name, checksum=f"sha256:{PUBLISHED.sha256}")
    return fetch_part(remote, target_dir, FOLDER)


def read_ljspeech(corpus_dir: Path, allow_failures: int = 0) -> Sets:
    """Read the texts in words, and part them into training, development and test set.

    Of a copy of less than 2,500 utterances a tenth each is held out, not 250.

    Args:
        corpus_dir: holds ``metadata.csv`` and ``wavs``, or a folder that does.
        allow_failures: clips that may lack recording or text.

    Raises:
        FileNotFoundError: no such corpus, or more clips are incomplete.
        ValueError: a row or recording cannot be read; too few clips.
        RuntimeError: lhotse is not installed.
    """
    lhotse = recipe("ljspeech")
    root = find_root(corpus_dir, "metadata.csv", "wavs")
    present = files_of(root / "wavs", ".wav")
    incomplete = check_presence(_promised(root), present, allow_failures)
    with reading(root):
        found = lhotse.prepare_ljspeech(root)
    utterances = to_utterances(
        **found,
        # Some copies have only one of the columns.
        text=lambda item: item.custom["normalized_text"] or item.text,
        speaker=SPEAKER,
    )
    note_count("LJSpeech", len(utterances), PUBLISHED.utterances)
    return _split(usable({"all": utterances}, allow_failures - incomplete)["all"])


def _promised(root: Path) -> dict[str, Path]:
    """Recordings that the table speaks of."""
    table = root / "metadata.csv"
    promised = {}
    lines = table.read_text(encoding="utf-8").rstrip("\n").split("\n")
    for number, line in enumerate(lines, 1):
        fields = line.strip().split("|")
        if len(fields) != 3 or not fields[0]:
            raise ValueError(
                f"{table}:{number}: expected 'id|text|text in words', found "
                f"{len(fields)} fields: '{line[:60]}'"
            )
        promised[fields[0]] = root / "wavs" / f"{fields[0]}.wav"
    return promised


def _split(utterances: list[Utterance]) -> Sets:
    ordered = sorted(utterances, key=lambda item: item.uid)
    each = min(HELD_OUT // 2, len(ordered) // 10)
    if each == 0:
        raise ValueError(
            f"LJSpeech: {len(ordered)} utterances are too few to hold any out"
        )
    return {
        "ljspeech-train": ordered[: -2 * each],
        "ljspeech-dev": ordered[-2 * each : -each],
        "ljspeech-test": ordered[-each:],
    }


def prepare_ljspeech(
    corpus_dir: Path, output_dir: Path, allow_failures: int = 0
) -> dict[str, int]:
    """Write ``ljspeech-{train,dev,test}/tts``; errors: :func:`read_ljspeech`."""
    sets = read_ljspeech(corpus_dir, allow_failures)
    return write_sets(sets, output_dir, ("tts",))


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("ljspeech", __doc__)
    return prepare_corpus(parser, argv, download_ljspeech, prepare_ljspeech)


if __name__ == "__main__":
    sys.exit(main())
