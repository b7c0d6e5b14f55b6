r"""LibriSpeech: about 1,000 hours of read English.

Contents: LibriVox audiobooks cut into utterances of up to 35 s, 16 kHz FLAC, with
upper-case transcripts without punctuation (apostrophes stay). Parts by number of
utterances, hours and speakers: train-clean-100 (28,539; 100.6 h; 251),
train-clean-360 (104,014; 363.6 h; 921), train-other-500 (148,688; 496.7 h; 1,166),
dev-clean (2,703; 5.4 h; 40), dev-other (2,864; 5.3 h; 33), test-clean (2,620; 5.4 h;
40), test-other (2,939; 5.1 h; 33). No speaker is in two parts.
Layout: ``LibriSpeech/<part>/<speaker>/<chapter>/<speaker>-<chapter>-<number>.flac`` and
``<speaker>-<chapter>.trans.txt`` beside them, lines ``id TRANSCRIPT``.
Licence: CC-BY-4.0. Address: https://www.openslr.org/12.
Citation: V. Panayotov, G. Chen, D. Povey, S. Khudanpur, "LibriSpeech: an ASR corpus
based on public domain audio books", ICASSP 2015.

For recognition: every part becomes <output-dir>/<part>/asr.

    python -m local.librispeech --corpus-dir /data/LibriSpeech
    python -m local.librispeech --download-dir downloads \
        --parts train-clean-100 dev-clean test-clean

Without --corpus-dir the named parts are downloaded, as LibriSpeech-<part>.tar.gz.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from local.commands import corpus_parser, prepare_corpus
from local.corpus_parts import (
    Part,
    check_presence,
    fetch_parts,
    files_of,
    find_parts,
    is_leftover,
    note_count,
    published,
)
from local.lhotse_export import reading, recipe, to_utterances
from local.utterances import Sets, usable, write_sets

BASE_URL = "https://www.openslr.org/resources/12"
FOLDER = "LibriSpeech"

PARTS = published(FOLDER)


def download_librispeech(
    target_dir: Path, parts: Sequence[str] | None, base_url: str = BASE_URL
) -> Path:
    """Fetch and unpack parts; see :func:`local.corpus_parts.fetch_parts`."""
    return fetch_parts(base_url, PARTS, parts, target_dir, FOLDER)


def read_librispeech(
    corpus_dir: Path,
    parts: Sequence[str] | None = None,
    allow_failures: int = 0,
    published: Mapping[str, Part] = PARTS,
) -> Sets:
    """Read parts; each is a set.

    Args:
        corpus_dir: holds the parts, or a folder ``LibriSpeech`` that does.
        parts: keys of ``published``; None: all that are there.
        allow_failures: utterances that may lack recording or transcript.
        published: parts there are; other corpora have the same layout.

    Raises:
        FileNotFoundError: no such part, or more utterances are incomplete.
        ValueError: a transcript or recording cannot be read.
        RuntimeError: lhotse is not installed.
    """
    lhotse = recipe("librispeech")
    root, chosen = find_parts(corpus_dir, FOLDER, published, parts)
    promised: dict[str, Path] = {}
    present: list[Path] = []
    for part in tqdm(chosen, desc="looking through LibriSpeech", unit=" parts"):
        for table in sorted((root / part).rglob("*.trans.txt")):
            promised |= _promised(table)
        present += files_of(root / part, ".flac")
    incomplete = check_presence(promised, present, allow_failures)
    sets = {}
    for part in chosen:
        with reading(root / part):
            found = lhotse.prepare_librispeech(root, dataset_parts=[part])[part]
        sets[part] = to_utterances(**found)
        note_count(f"LibriSpeech {part}", len(sets[part]), published[part].utterances)
    return usable(sets, allow_failures - incomplete)


def _promised(table: Path) -> dict[str, Path]:
    """Recordings that a chapter's transcripts speak of."""
    return {uid: table.parent / f"{uid}.flac" for uid in _ids(table)}


def _ids(table: Path) -> Iterator[str]:
    if is_leftover(table):
        raise ValueError(f"{table}: left by macOS, not a transcript; delete it")
    lines = table.read_text(encoding="utf-8").rstrip("\n").split("\n")
    for number, line in enumerate(lines, 1):
        uid, _, text = line.strip().partition(" ")
        if not text.strip():
            raise ValueError(f"{table}:{number}: expected 'id TRANSCRIPT': '{line}'")
        yield uid


def prepare_librispeech(
    corpus_dir: Path, output_dir: Path, **options: Any
) -> dict[str, int]:
    """Write ``<part>/asr``; options and errors: :func:`read_librispeech`."""
    return write_sets(read_librispeech(corpus_dir, **options), output_dir, ("asr",))


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("librispeech", __doc__, parts=PARTS)
    return prepare_corpus(parser, argv, download_librispeech, prepare_librispeech)


if __name__ == "__main__":
    sys.exit(main())
