"""What raters sent back: read, checked against the key, counted once."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from espnet2_ext.scoring.texts import name_some
from tools.listening_test.key_file import Key, parse_json
from tools.listening_test.names import VALUES

_CURE = "ask the rater to save the answers again and to send the file as it is"


class Answer(BaseModel):
    """What one rater said of one recording."""

    model_config = ConfigDict(extra="forbid")

    clip: str
    position: int
    """In this rater's order, from 1."""
    ratings: dict[str, float]
    """By criterion."""
    plays: int
    text_read: bool
    """Whether a rating was given or changed after the text had been shown."""


class Answers(BaseModel):
    """An exported file."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    test: str
    rater: str
    started: str
    exported: str
    answers: list[Answer]


def read_answers(
    sources: Sequence[Path], key: Key, allow_incomplete: bool
) -> list[Answers]:
    """Read the answers of all raters.

    Args:
        sources: exported files, or folders whose ``*.json`` files are meant.
        key: of the test.
        allow_incomplete: take what there is of raters who did not finish.

    Returns:
        One entry for each rater, sorted by name; ratings of the key's criteria only.

    Raises:
        FileNotFoundError: no such file, or none in a folder.
        ValueError: damaged, of another test, incomplete, or two different files of
            one rater.
    """
    found: dict[str, tuple[Path, Answers]] = {}
    for path in _files(sources):
        answers = parse_json(Answers, path, _CURE)
        _check(path, answers, key, allow_incomplete)
        if answers.rater in found:
            other, earlier = found[answers.rater]
            if earlier.answers != answers.answers:
                raise ValueError(
                    f"{other} and {path} are different answers of '{answers.rater}'; "
                    "leave out one of them, or, if they are two persons, change "
                    '"rater" in one file'
                )
            logging.warning("%s: the same as %s; counted once", path, other)
            continue
        found[answers.rater] = path, answers
    return [found[rater][1] for rater in sorted(found)]


def _files(sources: Iterable[Path]) -> list[Path]:
    paths: list[Path] = []
    for source in sources:
        if source.is_dir():
            inside = sorted(source.glob("*.json"))
            if not inside:
                raise FileNotFoundError(
                    f"{source}: holds no *.json; put the raters' files there"
                )
            paths += inside
        elif source.is_file():
            paths.append(source)
        else:
            raise FileNotFoundError(f"{source}: no such file of answers")
    # A file may be named besides its folder.
    return list({path.resolve(): path for path in paths}.values())


def _check(path: Path, answers: Answers, key: Key, allow_incomplete: bool) -> None:
    if answers.test != key.test:
        raise ValueError(
            f"{path}: answers to the test {answers.test}, the key is of {key.test}; "
            "leave the file out, or give the other key"
        )
    seen: set[str] = set()
    for answer in answers.answers:
        where = f"{path}: recording '{answer.clip}'"
        if answer.clip not in key.clips:
            raise ValueError(f"{where} is not in the key; {_CURE}")
        if answer.clip in seen:
            raise ValueError(f"{where} is there twice; {_CURE}")
        seen.add(answer.clip)
        for criterion, value in answer.ratings.items():
            if criterion not in key.criteria:
                raise ValueError(f"{where}: '{criterion}' was not asked for; {_CURE}")
            if value not in VALUES:
                raise ValueError(
                    f"{where}: {criterion} {value:g} is not 1 to 5 in steps of a half; "
                    f"{_CURE}"
                )
    complete = {
        answer.clip
        for answer in answers.answers
        if len(answer.ratings) == len(key.criteria)
    }
    missing = [clip for clip in key.clips if clip not in complete]
    if missing and not allow_incomplete:
        raise ValueError(
            f"{path}: '{answers.rater}' rated {len(complete)} of {len(key.clips)} "
            f"recordings (not {name_some(missing)}); ask the rater to finish, leave "
            "the file out, or add --allow_incomplete"
        )
    if missing:
        logging.warning(
            "%s: %d of %d recordings rated", path, len(complete), len(key.clips)
        )
