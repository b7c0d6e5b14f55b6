"""The prompts of Asterisk's English core sounds.

Contents: 551 prompts of one professional speaker (Allison Smith), 24 minutes, 16 kHz
G.722, with transcripts. Many are single words recorded to be joined (digits, ordinals,
days, months, letters, the phonetic alphabet).
Licence: CC-BY-SA-3.0. Sources: Debian's packages ``asterisk-core-sounds-en``
(transcripts) and ``asterisk-core-sounds-en-g722`` (sounds), version 1.6.1, or the
tarball of the same version of https://downloads.asterisk.org, which holds both.
"""

import gzip
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from local.archives import download_and_unpack
from local.debian_packages import unpack_packages
from local.downloads import DownloadError, RemoteFile

SAMPLE_RATE = 16000
SPEAKER = "allison"
PACKAGES = ("asterisk-core-sounds-en", "asterisk-core-sounds-en-g722")
TARBALL = RemoteFile(
    "https://downloads.asterisk.org/pub/telephony/sounds/releases/"
    "asterisk-core-sounds-en-g722-1.6.1.tar.gz",
    "asterisk-core-sounds-en-g722-1.6.1.tar.gz",
    # As OpenWrt's package asterisk-sounds has it.
    checksum="sha256:59891033e764d9dffc5ccdd78e845a1c8ea6bed0b434128bb0199c63ef591770",
)
FOLDER = "mini_prompts"
TRANSCRIPTS = "core-sounds-en.txt"
"""Debian has it compressed, as ``.gz``."""

_DIGITS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
)
_SPOKEN = {
    # Transcripts that do not say what is heard.
    "spy-iax2": "I A X",
    "spy-h323": "H three twenty three",
}


def download_mini_prompts(target_dir: Path) -> Path:
    """Fetch and unpack Debian's packages; where they are not to be had, the tarball.

    Args:
        target_dir: gets ``mini_prompts/``.

    Returns:
        The corpus folder; one that is there already is taken as it is.

    Raises:
        RuntimeError: neither could be fetched.
        ValueError: the tarball is damaged.
    """
    folder = target_dir / FOLDER
    if folder.is_dir():
        return folder
    reason = unpack_packages(PACKAGES, folder)
    if reason:
        logging.info("%s; taking %s", reason, TARBALL.url)
        try:
            download_and_unpack(TARBALL, target_dir, FOLDER)
        except DownloadError as error:
            raise RuntimeError(f"{reason}; {error}") from None
    return folder


def read_transcripts(corpus_dir: Path) -> dict[str, str]:
    """Spoken text of each prompt, by its name such as ``digits/5``.

    Sounds without words (tones, silence) are left out.

    Raises:
        FileNotFoundError: no transcripts in the folder.
    """
    files = sorted(corpus_dir.rglob(f"{TRANSCRIPTS}*"))
    if not files:
        raise FileNotFoundError(f"{corpus_dir}: holds no {TRANSCRIPTS}[.gz]")
    texts = {}
    reader = gzip.open if files[0].suffix == ".gz" else open
    with reader(files[0], "rt", encoding="utf-8") as lines:
        for line in lines:
            name, colon, text = line.partition(":")
            if line.startswith(";") or not colon:
                continue
            words = spoken_words(_SPOKEN.get(name, text))
            if words and not name.startswith("silence/"):
                texts[name] = words
    return texts


def spoken_words(text: str) -> str:
    """What is heard of a transcript: digits and key names in words.

    >>> spoken_words("Press 1, or # (a tone follows).")
    'press one or pound'
    """
    text = re.sub(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>", " ", text)
    text = text.replace("*", " star ").replace("#", " pound ").replace("500", "5 0 0")
    text = re.sub(r"\d", lambda digit: f" {_DIGITS[int(digit.group())]} ", text)
    text = re.sub(r"[^a-z' ]", " ", text.lower().replace("\u2019", "'"))
    text = re.sub(r"(?<![a-z])'|'(?![a-z])", " ", text)
    return " ".join(text.split())


def iterate_prompts(corpus_dir: Path) -> Iterator[tuple[str, str, np.ndarray]]:
    """Read all prompts that have both sound and text.

    Yields:
        Name, text and samples (N,) float32 at 16 kHz, in the order of names.

    Raises:
        FileNotFoundError: no sounds in the folder.
    """
    texts = read_transcripts(corpus_dir)
    sounds = {}
    for path in sorted(corpus_dir.rglob("*.g722")):
        parent = path.parent.name
        known = f"{parent}/{path.stem}" in texts
        sounds[f"{parent}/{path.stem}" if known else path.stem] = path
    if not sounds:
        raise FileNotFoundError(f"{corpus_dir}: holds no .g722 files")
    silent = sorted(set(texts) - set(sounds))
    if silent:
        logging.info("%d transcripts without sound: %s", len(silent), silent[:5])
    for name in sorted(set(texts) & set(sounds)):
        yield name, texts[name], decode(sounds[name])


def decode(path: Path) -> np.ndarray:
    """Samples (N,) float32 of a G.722 file.

    Raises:
        ValueError: not decodable.
    """
    import av

    try:
        with av.open(str(path), format="g722") as container:
            frames = [
                frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)
            ]
    except av.FFmpegError as error:
        raise ValueError(f"{path}: not decodable as G.722 ({error})") from None
    if not frames:
        raise ValueError(f"{path}: holds no samples")
    return np.concatenate(frames).astype(np.float32) / 32768
