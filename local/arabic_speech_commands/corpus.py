"""The Arabic Speech Commands dataset.

Contents: 40 words, 30 speakers, 10 takes of each: 12,000 clips of one second, 16 kHz
WAV, 3.3 hours. The published lists part the speakers: 18 to train, 6 to validate and
6 to test on.
Licence: CC-BY-4.0. Site: github.com/abdulkaderghandoura/arabic-speech-commands-dataset.
Citation: A. Ghandoura, F. Hjabo, O. Al Dakkak, "Building and benchmarking an Arabic
Speech Commands dataset for small-footprint keyword spotting", Engineering Applications
of Artificial Intelligence 102, 2021.

Layout, as published; copies with FLAC or with fewer takes are read alike::

    train.csv  val.csv  test.csv            file,class
                                            dataset/zoom in/00000030_NO_01.wav,zoom in
    dataset/<class>/<speaker>_NO_<take>.wav
    keywords_ar.json                        Arabic word of each class; may be missing
"""

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

from local.arabic_speech_commands.words import WORDS
from local.archives import download_and_unpack
from local.downloads import RemoteFile
from local.utterances import as_id, find_root

ARCHIVE = RemoteFile(
    "https://github.com/abdulkaderghandoura/arabic-speech-commands-dataset"
    "/archive/refs/heads/master.zip",
    # No checksum: these archives are made on request, and their bytes may change.
    "arabic-speech-commands-dataset.zip",
)
LISTS = {"train": "train.csv", "valid": "val.csv", "test": "test.csv"}
KEYWORDS = "keywords_ar.json"
SAMPLE_RATE = 16000
_NAME = re.compile(r"(\d+)_NO_(\d+)\.(?:wav|flac)")


@dataclass(frozen=True)
class Clip:
    """A word that a speaker has said once."""

    uid: str
    speaker: str
    word: str
    """In Arabic script."""

    wav: Path
    speed: float = 1.0
    """At which it is played; see ``at_speed`` of :mod:`.spoken`."""


def download_arabic_speech_commands(target_dir: Path) -> Path:
    """Fetch and unpack the corpus; see :func:`local.archives.download_and_unpack`."""
    return download_and_unpack(ARCHIVE, target_dir, "arabic-speech-commands")


def read_arabic_speech_commands(corpus_dir: Path) -> dict[str, list[Clip]]:
    """Read the lists.

    Args:
        corpus_dir: the corpus, or a folder that holds it.

    Returns:
        Clips of ``train``, ``valid`` and ``test``, sorted by id.

    Raises:
        FileNotFoundError: no corpus there, or a clip is missing.
        ValueError: a line that cannot be used, or a speaker in two lists.
    """
    root = find_root(corpus_dir, *LISTS.values())
    words = _read_words(root / KEYWORDS)
    sets: dict[str, list[Clip]] = {}
    place_of: dict[str, str] = {}
    for name, list_name in LISTS.items():
        sets[name] = _read_list(root, list_name, words)
        for speaker in {clip.speaker for clip in sets[name]}:
            other = place_of.setdefault(speaker, list_name)
            if other != list_name:
                raise ValueError(
                    f"{root / list_name}: speaker '{speaker}' is in {other} as well; "
                    "the sets should have different speakers"
                )
    return sets


def _read_words(path: Path) -> dict[str, str]:
    if not path.is_file():
        return WORDS
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: not a JSON table of words ({error})") from None


def _read_list(root: Path, list_name: str, words: dict[str, str]) -> list[Clip]:
    path, clips = root / list_name, dict[str, Clip]()
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if not {"file", "class"} <= set(rows.fieldnames or ()):
            raise ValueError(f"{path}:1: the columns should be file,class")
        for row in rows:
            where = f"{path}:{rows.line_num}"
            clip = _read_row(root, where, row["file"] or "", row["class"] or "", words)
            if clip.uid in clips:
                raise ValueError(f"{where}: '{row['file']}' is there twice")
            clips[clip.uid] = clip
    if not clips:
        raise ValueError(f"{path}: lists no clips")
    return [clips[uid] for uid in sorted(clips, key=str.encode)]


def _read_row(
    root: Path, where: str, file: str, keyword: str, words: dict[str, str]
) -> Clip:
    relative = Path(file.strip())
    found = _NAME.fullmatch(relative.name)
    if found is None or relative.is_absolute() or ".." in relative.parts:
        raise ValueError(
            f"{where}: '{file}' is not of the form dataset/<class>/<speaker>_NO_<take>"
            ".wav (or .flac)"
        )
    keyword = keyword.strip()
    if relative.parent.name != keyword:
        raise ValueError(f"{where}: '{file}' is not in the folder of '{keyword}'")
    if keyword not in words:
        raise ValueError(f"{where}: the class '{keyword}' has no word in {KEYWORDS}")
    if not (root / relative).is_file():
        raise FileNotFoundError(f"{where}: {root / relative} is missing")
    speaker, take = f"arsc{int(found[1]):02d}", int(found[2])
    uid = f"{speaker}-{as_id(keyword)}-{take:02d}"
    return Clip(uid, speaker, words[keyword], root / relative)
