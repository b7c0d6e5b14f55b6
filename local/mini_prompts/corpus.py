"""The prompts of Asterisk's English core sounds.

Contents: 551 prompts of one professional speaker (Allison Smith), 24 minutes, 16 kHz
G.722, with transcripts. Many are single words recorded to be joined (digits, ordinals,
days, months, letters, the phonetic alphabet).
Licence: CC-BY-SA-3.0. Packages: Debian's ``asterisk-core-sounds-en`` (transcripts) and
``asterisk-core-sounds-en-g722`` (sounds).
"""

import gzip
import logging
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SAMPLE_RATE = 16000
SPEAKER = "allison"
PACKAGES = ("asterisk-core-sounds-en", "asterisk-core-sounds-en-g722")
TRANSCRIPTS = "core-sounds-en.txt.gz"
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
    """Fetch and unpack the two Debian packages.

    Args:
        target_dir: gets ``mini_prompts/``.

    Returns:
        The corpus folder; an existing one is taken as it is.

    Raises:
        RuntimeError: neither apt nor dpkg is there, or the download failed.
    """
    folder = target_dir / "mini_prompts"
    if (folder / ".completed").is_file():
        return folder
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise RuntimeError(
                f"{tool} not found: unpack the Debian packages {', '.join(PACKAGES)} "
                "by hand and give their folder with --corpus-dir"
            )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        command = ["apt-get", "download", *PACKAGES]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True)
        if done.returncode != 0:
            reason = (done.stderr.strip() or "no message").splitlines()[-1]
            raise RuntimeError(
                f"'{' '.join(command)}' failed ({reason}); run 'apt-get update' first"
            )
        for package in sorted(Path(work).glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
    (folder / ".completed").touch()
    return folder


def read_transcripts(corpus_dir: Path) -> dict[str, str]:
    """Spoken text of each prompt, by its name such as ``digits/5``.

    Sounds without words (tones, silence) are left out.

    Raises:
        FileNotFoundError: no transcripts in the folder.
    """
    files = sorted(corpus_dir.rglob(TRANSCRIPTS))
    if not files:
        raise FileNotFoundError(f"{corpus_dir}: holds no {TRANSCRIPTS}")
    texts = {}
    with gzip.open(files[0], "rt", encoding="utf-8") as lines:
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
