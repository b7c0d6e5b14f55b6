"""A miniature of what mini_librispeech is made of, teacher and WordNet included."""

from collections.abc import Mapping
from pathlib import Path

from local.mini_librispeech.corpus import TRAINING
from local.teacher.sentences import FILES, read_examples, readings
from tests.corpora import random_texts
from tests.local.miniature import (
    sentences,
    write_chapter,
    write_cmu_arctic,
    write_ljspeech,
    write_speech,
)

SPEAKERS = {"19": 6, "32": 2, "1737": 3, "7367": 5}
"""Utterances by speaker: 1737 is held out for tests, 32 for validation."""

LONG_ENOUGH = 4
"""Words of a transcript that the teacher may borrow."""


def write_people(folder: Path, speakers: Mapping[str, int] = SPEAKERS) -> Path:
    """Write train-clean-5 and return the folder of its ``LibriSpeech``."""
    root = folder / "LibriSpeech"
    for voice, (speaker, count) in enumerate(speakers.items()):
        pairs = sentences(count * LONG_ENOUGH // 2, seed=200 + voice)
        texts = [" ".join(pair) for pair in zip(pairs[::2], pairs[1::2], strict=True)]
        write_chapter(root / TRAINING / speaker / "4000", texts, voice)
    lines = [f"{speaker} | F | train-clean-100 | 0.10 | A" for speaker in speakers]
    (root / "SPEAKERS.TXT").write_text("\n".join(lines) + "\n")
    return folder


def write_wordnet(folder: Path, count: int = 30) -> Path:
    """Write WordNet's data files with ``count`` examples, and return their folder."""
    words = random_texts(3 * count, 5, seed=300)
    examples = [" ".join(words[i : i + 3]) for i in range(0, len(words), 3)]
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(FILES):
        lines = [
            f'0000{i:04d} 03 n 01 a 0 000 | what it is; "{example}"  \n'
            for i, example in enumerate(examples[place :: len(FILES)])
        ]
        (folder / name).write_text("  1 A copyright notice\n" + "".join(lines))
    return folder


def write_teacher(folder: Path, wordnet: Path, borrowed: Mapping[str, str]) -> Path:
    """Write the recordings that Piper would make, and return their folder.

    Args:
        folder: gets ``wavs``.
        wordnet: the sentences.
        borrowed: further texts, by id.
    """
    groups = enumerate(readings(read_examples(wordnet)))
    texts = {f"joe-{number:05d}": " ".join(group) for number, group in groups}
    for uid, text in {**texts, **borrowed}.items():
        write_speech(folder / "wavs" / f"{uid}.flac", text, voice=3)
    return folder


def write_mini_librispeech(folder: Path) -> list[str]:
    """Write everything, and return the options that name it."""
    write_people(folder)
    write_ljspeech(folder)
    write_cmu_arctic(folder, ("kathleen",))
    wordnet = write_wordnet(folder / "word net", 60)
    chapter = folder / "LibriSpeech" / TRAINING / "1737" / "4000"
    table = (chapter / "1737-4000.trans.txt").read_text()
    rows = dict(line.split(" ", 1) for line in table.splitlines())
    borrowed = {f"joe-{uid}": text for uid, text in rows.items()}
    teacher = write_teacher(folder / "the teacher", wordnet, borrowed)
    words = ["--corpus-dir", str(folder), "--teacher-dir", str(teacher)]
    return [*words, "--sentences-dir", str(wordnet)]
