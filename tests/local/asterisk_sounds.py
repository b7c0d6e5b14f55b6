"""A miniature of Asterisk's core sounds: tones under the names of the prompts."""

import gzip
import io
import tarfile
from pathlib import Path

import av
import numpy as np

from local.mini_prompts.__main__ import HELD_OUT

RATE = 16000
NUMBERS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
]


def prompt_texts() -> dict[str, str]:
    """Texts of the held-out prompts, and of all that joined phrases are made of."""
    names = [f"digits/{i}" for i in (*range(20), *range(20, 100, 10))]
    names += ["digits/hundred", "digits/thousand", "digits/oclock", "digits/oh"]
    names += ["digits/a-m", "digits/p-m", "digits/h-30"]
    names += [f"digits/h-{i}" for i in range(1, 21)]
    names += [f"digits/day-{i}" for i in range(7)]
    names += [f"digits/mon-{i}" for i in range(12)]
    for letter in "abcdefghijklmnopqrstuvwxyz":
        names += [f"letters/{letter}", f"phonetic/{letter}_p"]
    names += HELD_OUT.read_text().split()
    return {
        name: f"{NUMBERS[i % 10].title()} {NUMBERS[i // 10 % 10]}."
        for i, name in enumerate(names)
    }


def encode(pitch: float, seconds: float = 0.3) -> bytes:
    """A tone as G.722, between silences."""
    time = np.arange(int(seconds * RATE)) / RATE
    wave = 0.3 * np.sin(2 * np.pi * pitch * time) * (abs(time - seconds / 2) < 0.1)
    frame = av.AudioFrame.from_ndarray(
        (wave * 32767).astype(np.int16)[None], format="s16", layout="mono"
    )
    frame.sample_rate = RATE
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="g722") as container:
        stream = container.add_stream("g722", rate=RATE)
        stream.layout = "mono"
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return buffer.getvalue()


def sound_files() -> dict[str, bytes]:
    """What the upstream tarball holds, by path: sounds and transcripts."""
    texts = prompt_texts()
    lines = "; comment\n\n" + "".join(f"{name}: {texts[name]}\n" for name in texts)
    sounds = {
        f"{name}.g722": encode(200 + 5 * i) for i, name in enumerate(sorted(texts))
    }
    return {"core-sounds-en.txt": lines.encode(), **sounds}


def write_corpus(folder: Path) -> Path:
    """Write the files as Debian's packages have them."""
    for name, content in sound_files().items():
        path = folder / "usr/share/asterisk/sounds/en_US_f_Allison" / name
        if path.suffix == ".txt":
            path = folder / "usr/share/doc/asterisk-core-sounds-en" / f"{name}.gz"
            content = gzip.compress(content)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def tarball() -> bytes:
    """Pack the files as upstream does."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in sound_files().items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
