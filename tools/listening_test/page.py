"""``tools.listening_test page``: the raters' page and the organiser's key.

The page is a folder of plain files that needs no server and no network: it may be
opened from disk, or put on any web space for phones.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text, write_wav
from espnet2_ext.scoring.pages import render
from espnet2_ext.scoring.results.mos_table import NATURAL
from espnet2_ext.scoring.texts import read_recordings, read_values
from tools.listening_test.key_file import Clip, Key, read_key
from tools.listening_test.names import (
    CRITERIA,
    FORMAT,
    KEY,
    VALUES,
)
from tools.listening_test.stimuli import (
    Stimulus,
    choose_utterances,
    make_stimuli,
)

PAGE = "page"
"""Folder for the raters, inside the output folder."""

SECONDS_PER_RATING = 8
"""Of thought, beside listening one and a half times: for the announced time."""


@dataclass(frozen=True)
class ListeningTest:
    """What is to be rated, and how the page shows it."""

    systems: Mapping[str, Path]
    """``wav.scp`` or folder by name."""
    natural: Path
    """``wav.scp`` or folder of the hidden references."""
    text: Path
    """Table of texts."""
    language: str
    """Of the page."""
    dataset: str
    utterances: int = 5
    """Texts of which every system is heard; as many as in the paper."""
    seed: int = 0
    criteria: Sequence[str] = field(default=CRITERIA)
    show_text: bool = True
    """Whether raters may ask for the text."""
    sample_rate: int = 16000
    """Of all recordings (Hz)."""
    contact: str = ""
    """Name or address of the organiser."""


def write_test(test: ListeningTest, output_dir: Path, command: str) -> Key:
    """Write the page, and the key beside its folder.

    Args:
        test: what is to be rated.
        output_dir: gets ``page/`` and ``key.json``; may hold an earlier run of the
            same test.
        command: that is running, for the key.

    Returns:
        The key.

    Raises:
        ValueError, OSError: unusable tables or recordings, or another test in the
            folder.
    """
    if NATURAL in test.systems:
        raise ValueError(f"'{NATURAL}' is the name of the references; choose another")
    sources = {**test.systems, NATURAL: test.natural}
    texts = read_values(test.text)
    recordings = {name: read_recordings(path) for name, path in sources.items()}
    uids = choose_utterances(texts, recordings, test.utterances, test.seed)
    stimuli = make_stimuli(recordings, uids, test.sample_rate, test.seed)
    key = Key(
        format=FORMAT,
        test=_identity(test, stimuli),
        dataset=test.dataset,
        language=test.language,
        criteria=list(test.criteria),
        sources={name: str(path) for name, path in sources.items()},
        texts={uid: texts[uid] for uid in uids},
        clips={one.name: Clip(system=one.system, utterance=one.uid) for one in stimuli},
        command=command,
    )
    _refuse_another(output_dir, key)
    write_text(output_dir / KEY, key.model_dump_json(indent=2) + "\n")
    folder = output_dir / PAGE
    example = _example(recordings[NATURAL], uids, test)
    for stimulus in [*stimuli, *example]:
        path = folder / "clips" / f"{stimulus.name}.wav"
        write_wav(path, stimulus.wave, test.sample_rate)
    strings = load_strings(test.language)
    seconds = sum(len(one.wave) for one in stimuli) / test.sample_rate
    _write_files(folder, test.language, strings, len(stimuli), _minutes(seconds, test))
    content = {
        "format": FORMAT,
        "id": key.test,
        "criteria": key.criteria,
        "values": VALUES,
        "contact": test.contact,
        "example": example[0].name if example else None,
        "clips": [_describe(one, key, test.show_text) for one in stimuli],
        "strings": strings,
    }
    script = json.dumps(content, ensure_ascii=False, indent=1)
    write_text(folder / "test.js", f"Listening.test = {script};\n")
    return key


def load_strings(language: str) -> dict[str, Any]:
    """Read what the page says in a language."""
    path = files(__package__) / "strings" / f"{language}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def _identity(test: ListeningTest, stimuli: Sequence[Stimulus]) -> str:
    """Name a test by what decides its answers."""
    facts = [*(one.name for one in stimuli), *test.criteria, test.language]
    facts.append(str(test.show_text))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]


def _refuse_another(output_dir: Path, key: Key) -> None:
    """Two tests in one folder would be mixed up."""
    path = output_dir / KEY
    if path.exists() and (other := read_key(path).test) != key.test:
        raise ValueError(
            f"{output_dir}: holds another listening test ({other}); choose another "
            "--output_dir, or remove it if nobody has begun to answer"
        )
    if not path.exists() and (output_dir / PAGE).exists():
        raise ValueError(
            f"{output_dir}: holds a page without its key; choose another --output_dir"
        )


def _example(
    natural: Mapping[str, Path], uids: Sequence[str], test: ListeningTest
) -> list[Stimulus]:
    """A natural recording that is not in the test, to set the volume by, if any."""
    spare = [uid for uid in sorted(natural, key=str.encode) if uid not in uids][:1]
    return make_stimuli({NATURAL: natural}, spare, test.sample_rate, test.seed)


def _minutes(seconds: float, test: ListeningTest) -> int:
    """How long the test takes."""
    ratings = test.utterances * (len(test.systems) + 1) * len(test.criteria)
    return math.ceil((1.5 * seconds + ratings * SECONDS_PER_RATING) / 60)


def _describe(stimulus: Stimulus, key: Key, show_text: bool) -> dict[str, Any]:
    """What the page may know of a recording: which share a text, not which system."""
    number = list(key.texts).index(stimulus.uid)
    clip = {"name": stimulus.name, "utterance": number}
    return clip | ({"text": key.texts[stimulus.uid]} if show_text else {})


def _write_files(
    folder: Path, language: str, strings: Mapping[str, Any], clips: int, minutes: int
) -> None:
    """Copy the page's own files; the template gets its words."""
    values = {
        name: text.replace("{clips}", str(clips))
        for name, text in strings.items()
        if isinstance(text, str)
    }
    values["fact_time"] = values["fact_time"].replace("{minutes}", str(minutes))
    source = Path(__file__).parent / "page"
    for path in source.iterdir():
        if path.suffix == ".js":
            content = path.read_text(encoding="utf-8")
        else:
            content = render(path.name, source, language=language, **values)
        write_text(folder / path.name, content)
