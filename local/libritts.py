r"""LibriTTS: 585 hours of read English, cut at sentences, for synthesis.

Contents: LibriSpeech's books again, 24 kHz WAV, with punctuation, in the text's own
spelling (``.original.txt``) and with numbers and abbreviations in words
(``.normalized.txt``, which we take). Parts by number of utterances, hours and speakers:
train-clean-100 (33,236; 53.8 h; 247), train-clean-360 (116,500; 191.3 h; 904),
train-other-500 (205,044; 310.1 h; 1,160), dev-clean (5,736; 9.0 h; 40), dev-other
(4,613; 6.4 h; 33), test-clean (4,837; 8.6 h; 39), test-other (5,120; 6.7 h; 33).
Layout: ``LibriTTS/<part>/<speaker>/<chapter>/<id>.wav``, ``<id>.normalized.txt``,
``<id>.original.txt``; ``<speaker>_<chapter>.trans.tsv`` and ``.book.tsv`` repeat the
texts, and lhotse reads those.
Licence: CC-BY-4.0. Address: https://www.openslr.org/60.
Citation: H. Zen et al., "LibriTTS: a corpus derived from LibriSpeech for
text-to-speech", Interspeech 2019.

For synthesis: every part becomes <output-dir>/<part>/tts, with the normalized texts and
the recordings as they are (24 kHz; the dump resamples). Where test-clean is prepared,
test-clean-100utt/tts are 100 utterances of it, drawn by a fixed rule.

    python -m local.libritts --corpus-dir /data/LibriTTS
    python -m local.libritts --download-dir downloads \
        --parts train-clean-360 dev-clean test-clean

Without --corpus-dir the named parts are downloaded, as LibriTTS-<part>.tar.gz.
"""

import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

from local.commands import corpus_parser, prepare_corpus
from local.corpus_parts import (
    check_presence,
    fetch_parts,
    files_of,
    find_parts,
    note_count,
    published,
)
from local.lhotse_export import reading, recipe, to_utterances, without_bars
from local.utterances import Sets, Utterance, draw, usable, write_sets

BASE_URL = "https://www.openslr.org/resources/60"
FOLDER = "LibriTTS"

PARTS = published(FOLDER)

KNOWN_BAD = "1092_134562_000013_000004"
"""Damaged in the published archive; lhotse leaves it out, and so do we."""

DRAWN_FROM, DRAWN, DRAWN_SET = "test-clean", 100, "test-clean-100utt"
SALT = "libritts-test-1"
"""The paper tests synthesis on 100 utterances of the test set and does not say which.
Ours are the 100 ids of test-clean whose ``sha256("libritts-test-1:" + id)`` comes
first (:func:`local.utterances.draw`): the ids decide, not the order of files, so every
copy of the corpus gives the same list."""


def download_libritts(
    target_dir: Path, parts: Sequence[str] | None, base_url: str = BASE_URL
) -> Path:
    """Fetch and unpack parts; see :func:`local.corpus_parts.fetch_parts`."""
    return fetch_parts(base_url, PARTS, parts, target_dir, FOLDER)


def read_libritts(
    corpus_dir: Path, parts: Sequence[str] | None = None, allow_failures: int = 0
) -> Sets:
    """Read parts, with their normalized texts; each is a set.

    Where test-clean is read, :data:`DRAWN_SET` is drawn from it.

    Args:
        corpus_dir: holds the parts, or a folder ``LibriTTS`` that does.
        parts: keys of :data:`PARTS`; None: all that are there.
        allow_failures: utterances that may lack recording or text.

    Raises:
        FileNotFoundError: no such part, or more utterances are incomplete.
        ValueError: a table or recording cannot be read.
        RuntimeError: lhotse is not installed.
    """
    lhotse = recipe("libritts")
    root, chosen = find_parts(corpus_dir, FOLDER, PARTS, parts)
    speakers = {part: _speakers(root / part) for part in chosen}
    promised: dict[str, Path] = {}
    present: list[Path] = []
    folders = [folder for part in chosen for folder in speakers[part]]
    for folder in tqdm(folders, desc="looking through LibriTTS", unit=" speakers"):
        promised |= _promised(folder)
        recordings = files_of(folder, ".wav")
        present += [path for path in recordings if path.stem != KNOWN_BAD]
    incomplete = check_presence(promised, present, allow_failures)
    sets: Sets = {}
    for part in chosen:
        sets[part] = []
        for folder in tqdm(speakers[part], f"LibriTTS {part}", unit=" speakers"):
            sets[part] += _read_speaker(lhotse, root, folder)
        note_count(f"LibriTTS {part}", len(sets[part]), PARTS[part].utterances)
    sets = usable(sets, allow_failures - incomplete)
    if DRAWN_FROM in sets:
        sets[DRAWN_SET] = _drawn(sets[DRAWN_FROM])
    return sets


def _speakers(part: Path) -> list[Path]:
    return sorted(path for path in part.iterdir() if path.is_dir())


def _promised(speaker: Path) -> dict[str, Path]:
    """Recordings that a speaker's texts and tables speak of."""
    texts = files_of(speaker, ".normalized.txt")
    promised = {path.name.removesuffix(".normalized.txt"): path for path in texts}
    for table in files_of(speaker, ".trans.tsv"):
        promised |= dict.fromkeys(_ids(table), table)
    return {
        uid: path.parent / f"{uid}.wav"
        for uid, path in promised.items()
        if uid != KNOWN_BAD
    }


def _ids(table: Path) -> Iterator[str]:
    lines = table.read_text(encoding="utf-8").rstrip("\n").split("\n")
    for number, line in enumerate(lines, 1):
        fields = line.split("\t")
        if len(fields) != 3:
            raise ValueError(
                f"{table}:{number}: expected id, original and normalized text between "
                f"tabs: '{line}'"
            )
        yield fields[0]


def _read_speaker(lhotse: ModuleType, root: Path, folder: Path) -> list[Utterance]:
    """Utterances that lhotse finds, and those that only have files of their own.

    lhotse looks every utterance up in the list of all recordings it was asked for:
    speaker by speaker this takes minutes, for a large part at once it takes hours.
    """
    found: list[Utterance] = []
    tables = files_of(folder, ".trans.tsv")
    complete = all(_book(table).is_file() for table in tables)
    if complete and any(_recorded(table) for table in tables):
        name = str(folder.relative_to(root))
        with reading(folder), without_bars():
            manifests = lhotse.prepare_libritts(root, [name])
        found = to_utterances(**manifests[name])
    known = {item.uid for item in found} | {KNOWN_BAD}
    for path in files_of(folder, ".normalized.txt"):
        uid = path.name.removesuffix(".normalized.txt")
        wav = path.with_name(f"{uid}.wav")
        if uid not in known and wav.is_file():
            text = path.read_text(encoding="utf-8")
            found.append(Utterance(uid, folder.name, text, wav))
    return found


def _book(table: Path) -> Path:
    return table.with_name(table.name.replace(".trans.tsv", ".book.tsv"))


def _recorded(table: Path) -> bool:
    """Tell whether lhotse would find anything: it fails if not."""
    return any((table.parent / f"{uid}.wav").is_file() for uid in _ids(table))


def _drawn(utterances: list[Utterance]) -> list[Utterance]:
    if len(utterances) <= DRAWN:
        logging.warning("%s: all %d utterances", DRAWN_SET, len(utterances))
        return utterances
    return draw(utterances, DRAWN, SALT)[0]


def prepare_libritts(
    corpus_dir: Path, output_dir: Path, **options: Any
) -> dict[str, int]:
    """Write ``<set>/tts``; options and errors are those of :func:`read_libritts`."""
    return write_sets(read_libritts(corpus_dir, **options), output_dir, ("tts",))


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("libritts", __doc__, parts=PARTS)
    return prepare_corpus(parser, argv, download_libritts, prepare_libritts)


if __name__ == "__main__":
    sys.exit(main())
