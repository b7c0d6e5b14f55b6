"""Names of the model's parameters: ours, fairseq's, Hugging Face's.

``parameter_names.tsv`` has a line for each of them.  ``#`` stands for a number and
``@`` for the rest of a name; what a project does not have is empty there.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from espnet2_ext.formats.report import ImportReport

TABLE = "parameter_names.tsv"


def translate(name: str, source: str, target: str) -> str | None:
    """Find what another project calls a parameter.

    Args:
        name: in ``source``.
        source: column of the table: ``ours``, ``fairseq`` or ``hugging_face``.
        target: likewise.

    Returns:
        Its name in ``target``; None where one of them has no such parameter.
    """
    for pattern, theirs in _rules(source, target):
        if match := pattern.fullmatch(name):
            return match.expand(theirs)
    return None


@cache
def _rules(source: str, target: str) -> list[tuple[re.Pattern[str], str]]:
    text = Path(__file__).with_name(TABLE).read_text(encoding="utf-8")
    rules = []
    for row in csv.DictReader(text.splitlines(), delimiter="\t"):
        if row[source] and row[target]:
            pattern = re.escape(row[source]).replace(r"\#", r"(?P<number>\d+)")
            theirs = row[target].replace("#", r"\g<number>").replace("@", r"\g<rest>")
            rules.append((re.compile(pattern.replace("@", "(?P<rest>.+)")), theirs))
    return rules


def rename(
    path: Path,
    tensors: Mapping[str, Tensor],
    our_name: Callable[[str], str | None],
    ignored: Sequence[tuple[str, str]],
    report: ImportReport,
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Give tensors our names, one of them to all copies of the embedding.

    Args:
        path: of the checkpoint, for messages.
        tensors: by the checkpoint's names.
        our_name: translates one name; None where we have no such parameter.
        ignored: patterns of names that are known to have no place here, with reasons.
        report: is told what is left out.

    Returns:
        Tensors by our names, and our names with the checkpoint's.

    Raises:
        ValueError: copies that differ.
    """
    state: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    for name, value in tensors.items():
        target = our_name(name)
        if target is None:
            known = (why for rule, why in ignored if re.fullmatch(rule, name))
            reason = next(known, "unknown name")
            report.add("ignored", value, name, note=reason)
            if reason == "unknown name":
                report.warnings.append(f"'{name}' is unknown here and was left out")
        elif target not in state:
            state[target], origin[target] = value, name
        elif torch.equal(value, state[target]):
            report.add("ignored", value, name, note=f"tied copy of {origin[target]}")
        else:
            raise ValueError(
                f"{path}: '{name}' and '{origin[target]}' differ; models without tied "
                "embeddings (--share-input-output-embed) are not supported"
            )
    return state, origin
