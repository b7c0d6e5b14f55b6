"""How the numbers of an experiment were made: what is common is said once."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping

from espnet2_ext.scoring.results.markdown import code, plain
from espnet2_ext.scoring.results.result_file import Result

Words = tuple[str, ...]

NOT_SHOWN = ("--command", "--note")
"""Options of the scoring command that the page shows elsewhere."""


def origin_lines(results: Mapping[str, Result], command: str) -> list[str]:
    """Say by which commands, judges and texts the results of an experiment were made.

    ``command`` made those results that do not know their own; it may be empty.  Gives a
    Markdown list; what differs between results follows under their labels.
    """
    facts = {label: _facts(result, command) for label, result in results.items()}
    values: dict[str, set[str]] = {}
    for mine in facts.values():
        for name, value in mine.items():
            values.setdefault(name, set()).add(value)
    shared = {name: min(known) for name, known in values.items() if len(known) == 1}
    lines = [f"- {name}: {value}" for name, value in shared.items()]
    lines += _scoring_lines(results)
    for label, result in results.items():
        own = [f"{name}: {v}" for name, v in facts[label].items() if name not in shared]
        lines += [f"- {code(label)}: {text}" for text in (*own, *_notes(result))]
    return lines


def _facts(result: Result, command: str) -> dict[str, str]:
    """What a reader wants to know of a result, by name, as Markdown."""
    made_by = result["command"] or command
    normalizer, judge = result["normalizer"], result.get("judge")
    settings = [f"{k} {v}" for k, v in (judge or {}).items() if k != "name"]
    spoken = result.get("speech", {}).get("round_trip", {})
    facts = {
        "made by": code(made_by) if made_by else "",
        "scored on": result["environment"]["date"].partition("T")[0],
        "texts": plain(f"{normalizer['name']} ({normalizer['description']})"),
        "judge": plain(f"{judge['name']} ({', '.join(settings)})") if judge else "",
        "vocoder of the round trip": plain(spoken.get("vocoder", "")),
    }
    return {name: value for name, value in facts.items() if value}


def _scoring_lines(results: Mapping[str, Result]) -> Iterator[str]:
    """Write each kind's scoring command: what is common, then each result's own.

    In the common part, LABEL and SET stand for a result's label and dataset.
    """
    for kind in sorted({result["kind"] for result in results.values()}):
        commands = {
            label: _templates(result["score_command"], label, result["dataset"])
            for label, result in results.items()
            if result["kind"] == kind
        }
        first, *others = commands.values()
        common = [one for one in first if all(one in words for words in others)]
        meanings = {"LABEL": "the name in the tables", "SET": "its set"}
        used = [f"{word} is {t}" for word, t in meanings.items() if word in str(common)]
        legend = f", where {' and '.join(used)}" if used else ""
        yield f"- {kind} results scored by: {code(_join(common))}{legend}"
        for label, words in commands.items():
            own = [given for template, given in words.items() if template not in common]
            if own:
                yield f"    - {code(label)}: {code(_join(own))}"


def _templates(command: str, label: str, dataset: str) -> dict[Words, Words]:
    """Options of a command, by what they have in common with those of other results.

    >>> _templates("score tts --ref d/test/t --wav m/test --note=x", "m/test", "test")
    ... # doctest: +NORMALIZE_WHITESPACE
    {('score', 'tts'): ('score', 'tts'),
     ('--ref', 'd/SET/t'): ('--ref', 'd/test/t'),
     ('--wav', 'LABEL'): ('--wav', 'm/test')}
    """
    parts: list[list[str]] = [[]]
    for word in shlex.split(command):
        if word.startswith("--"):
            parts.append([])
        parts[-1].append(word)
    head, *options = parts
    templates = {tuple(head): tuple(head)}
    for name, *values in options:
        if name.partition("=")[0] not in NOT_SHOWN:
            general = [_general(value, label, dataset) for value in values]
            templates[name, *general] = (name, *values)
    return templates


def _general(value: str, label: str, dataset: str) -> str:
    """Let LABEL and SET stand for whole parts of a path."""
    for name, stand_in in ((label, "LABEL"), (dataset, "SET")):
        value = re.sub(rf"(?<![^/]){re.escape(name)}(?![^/])", stand_in, value)
    return value


def _join(parts: Iterable[Words]) -> str:
    return shlex.join(word for part in parts for word in part)


def _notes(result: Result) -> Iterator[str]:
    """What a reader of the numbers has to know."""
    speech = result.get("speech", {}).get("synthesized", {})
    missing = result.get("missing", []) + speech.get("missing", [])
    unusable = list(speech.get("unusable", {}))
    for uids, what in ((missing, "missing"), (unusable, "silent or damaged")):
        if uids:
            yield f"{len(uids)} {what}, counted as empty: {plain(', '.join(uids))}"
