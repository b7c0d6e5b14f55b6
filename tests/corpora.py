"""A miniature corpus: every letter is a chord, so that speech and text agree."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000
LETTERS = "abcdefgh"


def speak(text: str, seconds_per_letter: float = 0.12, pitch: float = 1.0):
    """Turn letters into tones (N,) at 16 kHz; spaces into silence."""
    count = int(RATE * seconds_per_letter)
    time = np.arange(count) / RATE
    envelope = np.sin(np.pi * np.arange(count) / count)
    parts = []
    for letter in text:
        if letter == " ":
            parts.append(np.zeros(count))
            continue
        base = 250 * 1.25 ** LETTERS.index(letter) * pitch
        tone = np.sin(2 * np.pi * base * time) + 0.5 * np.sin(4 * np.pi * base * time)
        parts.append(0.3 * envelope * tone)
    return np.concatenate(parts).astype(np.float32)


def random_texts(count: int, letters: int | None, seed: int) -> list[str]:
    """Random words; of a fixed number of letters when ``letters`` is given."""
    rng = np.random.RandomState(seed)
    texts = []
    for _ in range(count):
        length = letters or rng.randint(3, 8)
        texts.append("".join(rng.choice(list(LETTERS), length)))
    return texts


def write_task(
    folder: Path, task: str, texts: Sequence[str], speaker_dim: int = 16
) -> list[str]:
    """Write one task's data and shape files.

    Returns:
        The ``path,name,type`` triples that ESPnet takes.
    """
    folder.mkdir(parents=True)
    speech = {"vc": "vc_target"}.get(task, f"{task}_speech")
    tables: dict[str, list[str]] = {}
    for i, text in enumerate(texts):
        uid = f"{task}_{i:03d}"
        pitch = 1.0 + 0.2 * (i % 2)
        wave = speak(text, pitch=pitch)
        wavs = {speech: wave}
        if task == "vc":
            wavs["vc_speech"] = speak(text, pitch=2.2 - pitch)
        for name, samples in wavs.items():
            path = folder / f"{uid}.{name}.wav"
            soundfile.write(path, samples, RATE)
            tables.setdefault(f"{name}.scp", []).append(f"{uid} {path}")
            tables.setdefault(f"{name}_shape", []).append(f"{uid} {len(samples)}")
        if task != "vc":
            tables.setdefault("text", []).append(f"{uid} {text}")
            tables.setdefault(f"{task}_text_shape", []).append(f"{uid} {len(text) + 1}")
        if task != "asr":
            path = folder / f"{uid}.npy"
            rng = np.random.RandomState(i % 2)
            np.save(path, rng.randn(speaker_dim).astype(np.float32))
            tables.setdefault("spembs.scp", []).append(f"{uid} {path}")
    for name, lines in tables.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    triples = [f"{folder}/{name}.scp,{name},sound" for name in wavs]
    if task != "vc":
        triples.append(f"{folder}/text,{task}_text,text")
    if task != "asr":
        triples.append(f"{folder}/spembs.scp,{task}_spembs,npy")
    return triples


def training_arguments(
    root: Path,
    tasks: Sequence[str] = ("asr", "tts"),
    train: int = 12,
    valid: int = 4,
    letters: int | None = None,
) -> list[str]:
    """Write a corpus under ``root`` and return arguments of ``sttatts_train``."""
    from espnet2_ext.sttatts.symbols import build_token_list

    tokens = root / "tokens.txt"
    root.mkdir(parents=True, exist_ok=True)
    tokens.write_text("\n".join(build_token_list(["\u2581", *LETTERS])) + "\n")
    arguments = ["--token_list", str(tokens), "--preset", "tiny"]
    for part, count in (("train", train), ("valid", valid)):
        for i, task in enumerate(tasks):
            folder = root / part / task
            texts = random_texts(count, letters, seed=i + (part == "valid") * 100)
            for triple in write_task(folder, task, texts):
                arguments += [f"--{part}_data_path_and_name_and_type", triple]
            for shape in sorted(folder.glob("*_shape")):
                arguments += [f"--{part}_shape_file", str(shape)]
    return [
        *arguments,
        "--num_workers=0",
        "--use_tensorboard=false",
        "--use_matplotlib=false",
        "--log_level=INFO",
    ]
