"""Miniatures of the recipes' corpora, laid out as they are published.

Each function writes them into a folder whose name has a space in it, and returns the
options of the recipe's ``run.sh`` that go with them.
"""

from pathlib import Path

import yaml

from local.asc import read_asc
from local.cmu_arctic import SPEAKERS
from tests.local.mini_arabic_sc import write_arabic_sc
from tests.local.mini_asc import write_asc
from tests.local.mini_clartts import write_clartts
from tests.local.mini_librispeech import write_mini_librispeech
from tests.local.miniature import (
    write_cmu_arctic,
    write_librispeech,
    write_libritts,
    write_ljspeech,
    write_mgb2,
)

HELD_OUT = {"dev-clean": 2, "test-clean": 2}
RESTORED = ("asc-0002", "رَجَّحَ التَّقْرِيرُ")
"""An utterance whose text the restoration has changed."""
WARM_PHASES = [
    {"name": "warm", "tasks": ["tts"], "train_sets": {"tts": "mgb2-train"}},
    {"name": "joint", "tasks": ["asr", "tts"]},
]
"""Those of ``conf/phases_ar_warm.yaml``, an epoch each."""
EARS_FIRST = [
    {
        "name": "listen",
        "tasks": ["asr"],
        "options": {"accum_grad": 1, "num_iters_per_epoch": 2},
    },
    {"name": "both", "tasks": ["asr", "tts"]},
]
"""Those of ``conf/phases_mini_librispeech.yaml``, an epoch each."""


def english(root: Path) -> list[str]:
    """Write what ``--size s`` needs."""
    corpora = root / "my corpora"
    librispeech = write_librispeech(corpora, {"train-clean-100": 8, **HELD_OUT})
    libritts = write_libritts(corpora, {"train-clean-360": 8, **HELD_OUT})
    return ["--librispeech-dir", str(librispeech), "--libritts_dir", str(libritts)]


def english_l_vc(root: Path) -> list[str]:
    """Write what ``--size l --vc true`` needs."""
    corpora = root / "my corpora"
    parts = ("train-clean-100", "train-clean-360", "train-other-500")
    sizes = {**dict.fromkeys(parts, 4), **HELD_OUT}
    words = [f"--librispeech_dir={write_librispeech(corpora, sizes)}"]
    words += [f"--libritts_dir={write_libritts(corpora, sizes)}"]
    words += [f"--ljspeech_dir={write_ljspeech(corpora)}"]
    words += [f"--arctic_dir={write_cmu_arctic(corpora, SPEAKERS)}"]
    return [*words, "--size", "l", "--vc", "true"]


def arabic(root: Path) -> list[str]:
    """Write what ``--warm true`` needs, restored transcripts and short phases."""
    corpora = root / "my corpora"
    asc, clartts = write_asc(corpora), write_clartts(corpora)
    texts = {item.uid: item.text for part in read_asc(asc).values() for item in part}
    texts |= [RESTORED]
    restored = root / "restored.txt"
    lines = (f"{uid} {text}\n" for uid, text in texts.items())
    restored.write_text("".join(lines), encoding="utf-8")
    words = ["--asc-dir", str(asc), "--clartts-dir", str(clartts)]
    words += ["--mgb2-dir", str(write_mgb2(corpora)), "--warm", "true"]
    words += ["--diacritics", "true", "--restored", str(restored)]
    words += _short_phases(root, WARM_PHASES)
    return [*words, "--local_data_opts", "--valid 2 1"]


def arabic_sc(root: Path) -> list[str]:
    """Write Arabic Speech Commands."""
    return ["--corpus-dir", str(write_arabic_sc(root / "my corpora"))]


def mini_librispeech(root: Path) -> list[str]:
    """Write people, voices, WordNet and the teacher's recordings; short phases."""
    words = write_mini_librispeech(root / "my corpora")
    return [*words, *_short_phases(root, EARS_FIRST)]


def _short_phases(root: Path, phases: list[dict]) -> list[str]:
    path = root / "phases.yaml"
    short = {"phases": [{**phase, "epochs": 1} for phase in phases]}
    path.write_text(yaml.safe_dump(short))
    return ["--phases", str(path)]


CORPORA = {
    "english": english,
    "arabic": arabic,
    "arabic_sc": arabic_sc,
    "mini_librispeech": mini_librispeech,
}
"""By the column ``corpus`` of ``recipes.csv``."""
