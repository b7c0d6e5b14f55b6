"""Small corpora in the layout in which the large ones are published.

Every letter is a chord (:mod:`tests.corpora`), so that speech and text agree; texts are
of the letters a to h, in the spelling of the corpus.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from local.buckwalter import to_buckwalter
from tests.corpora import LETTERS, RATE, random_texts, speak

PITCHES = (1.0, 1.2, 0.9, 1.1)
"""Of the speakers, in turn."""

ARABIC = "ابتثجحخد"
"""What the letters a to h are in an Arabic text."""

SMALL = {"train-clean-100": 8, "dev-clean": 2, "test-clean": 2}
"""Utterances by part."""


def write_speech(path: Path, text: str, rate: int = RATE, voice: int = 0) -> None:
    """Write a recording of a text; other characters than the letters are not heard."""
    heard = "".join(letter for letter in text.lower() if letter in LETTERS + " ")
    wave = speak(heard, pitch=PITCHES[voice % len(PITCHES)])
    if rate != RATE:
        wave = soxr.resample(wave, RATE, rate)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, rate)


def sentences(count: int, seed: int) -> list[str]:
    """Texts of two words."""
    words = random_texts(2 * count, None, seed)
    return [" ".join(pair) for pair in zip(words[::2], words[1::2], strict=True)]


def write_chapter(folder: Path, texts: Sequence[str], voice: int) -> None:
    """Write what a speaker of LibriSpeech reads; the last two folders name both."""
    chapter = f"{folder.parent.name}-{folder.name}"
    rows = []
    for i, text in enumerate(texts):
        uid = f"{chapter}-{i:04d}"
        write_speech(folder / f"{uid}.flac", text, voice=voice)
        rows.append(f"{uid} {text.upper()}\n")
    if rows:
        (folder / f"{chapter}.trans.txt").write_text("".join(rows))


def write_librispeech(folder: Path, parts: Mapping[str, int] = SMALL) -> Path:
    """Write parts of LibriSpeech, two speakers each, and return their folder."""
    root = folder / "LibriSpeech"
    lines = [";ID  |SEX| SUBSET           |MINUTES| NAME"]
    for number, (part, count) in enumerate(parts.items()):
        for voice in range(2):
            speaker, chapter = 100 + 10 * number + voice, 7000 + number
            lines.append(f"{speaker}  | F | {part:<16} |  0.10 | Reader |of| stories")
            texts = sentences(count, seed=number)[voice::2]
            write_chapter(root / part / str(speaker) / str(chapter), texts, voice)
    (root / "SPEAKERS.TXT").write_text("\n".join(lines) + "\n")
    return root


def write_libritts(folder: Path, parts: Mapping[str, int] = SMALL) -> Path:
    """Write parts of LibriTTS, two speakers each, and return their folder."""
    root = folder / "LibriTTS"
    for number, (part, count) in enumerate(parts.items()):
        for voice in range(2):
            speaker, chapter = 200 + 10 * number + voice, 8000 + number
            place = root / part / str(speaker) / str(chapter)
            table, book = [], []
            for i, text in enumerate(sentences(count, seed=20 + number)[voice::2]):
                uid = f"{speaker}_{chapter}_{i:06d}_000000"
                normalized = f'"{text.capitalize()}," bad.'
                original = normalized.replace("bad.", "8 deg.")
                write_speech(place / f"{uid}.wav", normalized, 24000, voice)
                (place / f"{uid}.normalized.txt").write_text(normalized)
                (place / f"{uid}.original.txt").write_text(original)
                table.append(f"{uid}\t{original}\t{normalized}\n")
                book.append(f"{uid}\t{original}\t0.0\t0.0\t0.1\t0.1\t30.0\n")
            if table:
                name = f"{speaker}_{chapter}"
                (place / f"{name}.trans.tsv").write_text("".join(table))
                (place / f"{name}.book.tsv").write_text("".join(book))
    lines = (";ID  |SEX| SUBSET", *(f"{200 + i} | F | x | 1 | N" for i in range(100)))
    (root / "SPEAKERS.txt").write_text("\n".join(lines) + "\n")
    return root


def write_ljspeech(folder: Path, count: int = 20) -> Path:
    """Write LJSpeech and return its folder."""
    root = folder / "LJSpeech-1.1"
    rows = []
    for i, text in enumerate(sentences(count, seed=40)):
        uid = f"LJ{1 + i // 10:03d}-{1 + i % 10:04d}"
        normalized = f'"{text.capitalize()}," bad.'
        write_speech(root / "wavs" / f"{uid}.wav", normalized, 22050)
        rows.append(f"{uid}|{normalized.replace('bad', '8 deg')}|{normalized}\n")
    (root / "metadata.csv").write_text("".join(rows))
    return root


ARCTIC_SENTENCES = (
    *(f"arctic_a{i:04d}" for i in range(1, 5)),
    *("arctic_b0339", "arctic_b0340", "arctic_b0341", "arctic_b0440", "arctic_b0539"),
)
"""Five sentences of the training set, two each of the others."""


def write_cmu_arctic(
    folder: Path,
    speakers: Sequence[str] = ("bdl", "slt"),
    names: Sequence[str] = ARCTIC_SENTENCES,
) -> Path:
    """Write speakers of CMU ARCTIC and return the folder that holds theirs."""
    texts = dict(zip(names, sentences(len(names), seed=60), strict=True))
    for voice, speaker in enumerate(speakers):
        root = folder / f"cmu_us_{speaker}_arctic"
        for name, text in texts.items():
            write_speech(root / "wav" / f"{name}.wav", text, voice=voice)
        (root / "etc").mkdir()
        lines = [f'( {name} "{texts[name].capitalize()}." )\n' for name in names]
        (root / "etc" / "txt.done.data").write_text("".join(lines))
        (root / "COPYING").write_text("free for any use\n")
    return folder


PROGRAMMES = {
    "train": ("01BE8E7B-C179-42E3-8521-109C2C732334", "62C90151-AC4B-4D11-A9A2-B70D"),
    "dev": ("0A996A01-2F1A-4BB3-86B4-CB49",),
    "test": ("FD7FA368-564C-4E96-93A0-029F",),
}


def write_mgb2(folder: Path, count: int = 5) -> Path:
    """Write MGB-2, each programme of ``count`` segments, and return its folder."""
    root = folder / "MGB2"
    for part, programmes in PROGRAMMES.items():
        tables: dict[str, list[str]] = {"segments": [], "text": []}
        for number, programme in enumerate(programmes):
            texts = sentences(count, seed=80 + number + 10 * len(part))
            spans = _write_programme(root / part / "wav" / f"{programme}.wav", texts)
            arabic = [text.translate(_TO_ARABIC) for text in texts]
            if part == "train":
                _write_xml(root / part / "xml" / "utf8", programme, arabic, spans)
                continue
            for i, (text, (start, end)) in enumerate(zip(arabic, spans, strict=True)):
                times = f"{round(100 * start):07d}:{round(100 * end):07d}"
                uid = f"{programme}_spk-{1 + i % 2:04d}_seg-{times}"
                segment = f"{uid} {programme} {start:.2f} {end:.2f}\n"
                tables["segments"].append(segment)
                tables["text"].append(f"{uid} {to_buckwalter(text)} @@LAT@@cab\n")
        for name, lines in tables.items():
            if lines:
                path = root / part / f"{name}.non_overlap_speech"
                path.write_text("".join(sorted(lines)))
    return root


_TO_ARABIC = str.maketrans(dict(zip(LETTERS, ARABIC, strict=True)))


def _write_programme(path: Path, texts: Sequence[str]) -> list[tuple[float, float]]:
    """Write texts one after the other, and return where each begins and ends."""
    parts, spans, now = [], [], 0
    for voice, text in enumerate(texts):
        wave = speak(text, pitch=PITCHES[voice % 2])
        spans.append((now / RATE, (now + len(wave)) / RATE))
        parts += [wave, np.zeros(RATE // 2, dtype=np.float32)]
        now += len(wave) + RATE // 2
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.concatenate(parts), RATE)
    return spans


def _write_xml(
    folder: Path,
    programme: str,
    texts: Sequence[str],
    spans: Sequence[tuple[float, float]],
) -> None:
    """Write aligned subtitles; the last segment matches badly."""
    name = programme.replace("-", "_")
    transcript = ElementTree.Element("transcript", lang="ar", id=f"{name}_align")
    body = ElementTree.SubElement(transcript, "body")
    segments = ElementTree.SubElement(
        body, "segments", annotation_id="transcript_align"
    )
    for i, (text, (start, end)) in enumerate(zip(texts, spans, strict=True)):
        segment = ElementTree.SubElement(
            segments,
            "segment",
            id=f"{name}_utt_{i + 1}_align",
            starttime=f"{start:.3f}",
            endtime=f"{end:.3f}",
            AWD="0.50",
            PMER="0.00",
            WMER="100.00" if i == len(texts) - 1 else "12.50",
            who=f"{name}_speaker{1 + i % 2}_align",
        )
        for j, word in enumerate(text.split()):
            element = ElementTree.SubElement(
                segment, "element", id=f"{name}_w{i}_{j}_align", type="word"
            )
            element.text = word
    folder.mkdir(parents=True, exist_ok=True)
    tree = ElementTree.ElementTree(transcript)
    tree.write(folder / f"{programme}.xml", encoding="utf-8", xml_declaration=True)
