"""Sentences for a teacher voice: WordNet's usage examples.

Contents: some 40,000 short English sentences and phrases, in the files ``data.noun``,
``data.verb``, ``data.adj`` and ``data.adv`` behind each definition, in quotes.
Licence: WordNet 3.0, permissive, with its copyright notice.
Debian package: wordnet-base. Citation: G. A. Miller, "WordNet: a lexical database for
English", Communications of the ACM 38(11), 1995.
"""

import hashlib
import random
import re
from collections.abc import Iterator
from pathlib import Path

from local.debian_packages import unpack_packages

INSTALLED = Path("/usr/share/wordnet")
"""Where Debian's package has the files."""

PACKAGE, FOLDER = "wordnet-base", "wordnet"
FILES = ("data.noun", "data.verb", "data.adj", "data.adv")
QUOTED = re.compile(r'"([^"]+)"')
PLAIN = re.compile(r"[A-Za-z][A-Za-z' ,;:.!?-]*")
"""No digits, no abbreviations in brackets: letters as they are spoken."""

MIN_WORDS, MIN_LETTERS, MAX_LETTERS = 3, 15, 110
JOINED_LETTERS = 170
"""Sentences that are read one after the other: up to about twelve seconds."""


def find_wordnet(download_dir: Path) -> Path:
    """Find WordNet's data files: installed, or fetched as Debian's package.

    Args:
        download_dir: gets ``wordnet/`` where WordNet is not installed; one that is
            there already is taken as it is.

    Raises:
        RuntimeError: neither installed nor to be had.
    """
    if (INSTALLED / FILES[0]).is_file():
        return INSTALLED
    folder = download_dir / FOLDER
    if not folder.is_dir() and (reason := unpack_packages([PACKAGE], folder)):
        raise RuntimeError(
            f"the teacher's sentences: WordNet is not in {INSTALLED}, and {reason}; "
            f"install it (apt-get install {PACKAGE}), or name the folder of its files "
            f"{', '.join(FILES)} with --sentences-dir"
        )
    return folder / INSTALLED.relative_to("/")


def read_examples(folder: Path) -> list[str]:
    """Read the usable sentences, each once, in an order drawn from their text.

    Args:
        folder: holds WordNet's data files.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: there are no sentences in them.
    """
    found: dict[str, str] = {}
    for name in FILES:
        path = folder / name
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: not there; --sentences-dir is the folder of WordNet's files "
                f"{', '.join(FILES)}"
            )
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            for sentence in QUOTED.findall(line.partition("|")[2]):
                if _usable(sentence := " ".join(sentence.split()).strip(" ;,")):
                    found.setdefault(sentence.lower().strip(".!?"), sentence)
    if not found:
        raise ValueError(f"{folder}: no usable sentence in {', '.join(FILES)}")
    return sorted(found.values(), key=_place)


def _usable(sentence: str) -> bool:
    return (
        PLAIN.fullmatch(sentence) is not None
        and MIN_LETTERS <= len(sentence) <= MAX_LETTERS
        and len(sentence.split()) >= MIN_WORDS
    )


def _place(sentence: str) -> str:
    return hashlib.sha256(sentence.encode()).hexdigest()


def readings(sentences: list[str], joined: float = 0.3) -> Iterator[list[str]]:
    """Group sentences into what is read in one go.

    Args:
        sentences: in any order.
        joined: share of readings that go on to further sentences while they stay under
            :data:`JOINED_LETTERS`; a model that has read only short texts stops
            listening to long ones.

    Yields:
        Sentences of a reading; the first ones do not depend on how many are taken.
    """
    rng = random.Random(1)
    rest = iter(sentences)
    following: list[str] = []
    while group := following or list(_take(rest)):
        following = []
        if rng.random() < joined:
            for sentence in rest:
                if sum(map(len, group)) + len(sentence) > JOINED_LETTERS:
                    following = [sentence]
                    break
                group.append(sentence)
        yield group


def _take(sentences: Iterator[str]) -> Iterator[str]:
    for sentence in sentences:
        yield sentence
        return
