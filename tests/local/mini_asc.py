"""A miniature of the Arabic Speech Corpus as it is published."""

from pathlib import Path

import soundfile

from local.asc import arabic_script
from tests.local.arabic_speech import say

RATE = 48000
TRAIN = {
    "0002": "waraj~aHa Alt~aqoriyru",
    "0003": "mim~aA qado yu&ad~iy <ilaY taraAjuEi",
    "0004": "wa*akara Al^~aAniy |soyaA",
    "0005": "bayonahaA nahoraA yaluw",
    "0007": "wafiy Al$~awoTi AsotaEaAda 'aw",
    "0008": "Als~afari- mina AlohaDabapi",
    "0010": "liEadadK mina Alr~a}iysi",
    "1813": "masaAHapi Alojaliydi yumokinu",
}
TEST = {"0001": "fiy AlS~iyno", "0002": "TawaAla ha*aA Aloqarono"}
"""The same numbers as in training, other sentences."""


def write_asc(folder: Path) -> Path:
    """Write ``arabic-speech-corpus`` into ``folder``; gives its place.

    Names hold two blanks, the second file ends its lines as Windows does, and both
    have files that nobody asks for.
    """
    root = folder / "arabic-speech-corpus"
    _write_part(root, TRAIN, "phonetic-transcipt.txt", "\n")
    _write_part(root / "test set", TEST, "phonetic-transcript.txt", "\r\n")
    return root


def _write_part(folder, texts, phonetic, newline):
    for name in ("wav", "lab", "textgrid"):
        (folder / name).mkdir(parents=True)
    lines = []
    for number, text in texts.items():
        name = f"ARA NORM  {number}"
        lines.append(f'"{name}.wav" "{text}"')
        wave = say(arabic_script(text), RATE)
        soundfile.write(folder / "wav" / f"{name}.wav", wave, RATE, "PCM_16")
        (folder / "lab" / f"{name}.lab").write_text("sil w a r a jj\n")
    content = newline.join([*lines, ""])
    for name in ("orthographic-transcript.txt", phonetic):
        (folder / name).write_text(content, encoding="utf-8", newline="")
