"""Refuse to go on with a training under options or data that it did not begin with.

ESPnet resumes from ``checkpoint.pth`` whatever the command line says: the saved
optimizer and schedule win, new data are taken without a word.  Here the options are
compared with the ``config.yaml`` of the folder, and the data with digests that are
written when a training begins.
"""

import argparse
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from espnet2_ext.io.files import write_text
from espnet2_ext.io.messages import BadInputError
from espnet2_ext.io.settings import read_yaml
from espnet2_ext.sttatts.configuration import build_model_config, plain_values
from espnet2_ext.train.checkpoints import CHECKPOINT, PREVIOUS

TRAINED_ON = "trained_on.yaml"
"""Digests of the texts, lengths and first weights of the training in a folder."""

SCHEDULE_OPTIONS = (
    *("optim", "optim_conf", "exclude_weight_decay", "exclude_weight_decay_conf"),
    *("scheduler", "scheduler_conf", "accum_grad", "num_iters_per_epoch", "grad_clip"),
)
MODEL_OPTIONS = (
    *("model_conf", "token_list", "token_type", "cleaner", "speaker_tool"),
    *("use_adapter", "adapter", "adapter_conf"),
)
DATA_OPTIONS = ("task_ratio", "mix_mode", "freeze_param")
"""What a phase may change where it continues another."""

READ_AS_TEXT = ("text", "text_int", "csv_int", "csv_float")
"""Types of data files whose lines are the data themselves."""

SHOWN = 3
"""Differences that a message names before it says how many more there are."""


class OtherTrainingError(BadInputError):
    """The folder holds a training with other options or data."""


def check_resuming(
    args: argparse.Namespace, model_conf: dict[str, Any], tokens: list[str]
) -> None:
    """Compare a run with the training that its folder holds; note one that begins.

    Args:
        args: The arguments of ``sttatts_train``.
        model_conf: The whole configuration of the model.
        tokens: The token list.

    Raises:
        OtherTrainingError: names the differences in one line, and the cure.
    """
    if args.collect_stats or (args.phases and not args.phase):
        return
    folder = Path(args.output_dir)
    record = folder / TRAINED_ON
    digests = data_digests(args)
    begun = any((folder / name).exists() for name in (CHECKPOINT, PREVIOUS))
    if args.resume and begun:
        old = _in_todays_terms(_read_settings(folder / "config.yaml"))
        new = {**vars(args), "model_conf": model_conf, "token_list": tokens}
        found = list(differences(old, new))
        if _phase(old) == _phase(new):
            known = _read_settings(record)
            found += [
                f"{name}: other content than when it began"
                for name in known.keys() | digests.keys()
                if known and known.get(name) != digests.get(name)
            ]
        if found:
            raise OtherTrainingError(_message(folder, found))
    if not args.dry_run:
        write_text(record, yaml.safe_dump(digests))


def differences(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Yield ``option: was this, is that`` of every option that may not change.

    Args:
        old: The ``config.yaml`` of the training.
        new: The options of the run.
    """
    names: tuple[str, ...] = SCHEDULE_OPTIONS + MODEL_OPTIONS
    if _phase(old) == _phase(new):
        names += DATA_OPTIONS
    for name in names:
        if name in old:
            yield from _changed(
                name, old[name], _plain(new.get(name)), name == "model_conf"
            )


def data_digests(args: argparse.Namespace) -> dict[str, str]:
    """Digests by ``train asr_text``, ``train asr_speech_shape``, ``init_param 1``.

    Of a wave or a vector only the name and the length count, so that a folder may
    move; files that are not there are left to those who read them.
    """
    digests: dict[str, str] = {}
    for part in ("train", "valid"):
        files = [
            (name, path)
            for path, name, kind in getattr(args, f"{part}_data_path_and_name_and_type")
            if kind in READ_AS_TEXT
        ]
        files += [(Path(p).name, p) for p in getattr(args, f"{part}_shape_file")]
        digests |= _digests((f"{part} {name}", path) for name, path in files)
    # <path>[:<source>:<target>:<excluded>], as ESPnet has it
    weights = enumerate(args.init_param, 1)
    return digests | _digests((f"init_param {i}", p.split(":")[0]) for i, p in weights)


def _digests(files: Iterable[tuple[str, str]]) -> dict[str, str]:
    digests: dict[str, str] = {}
    for name, path in files:
        if Path(path).is_file():
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            # Several training sets of one task have files of one name.
            digests[name] = digests.get(name, "") + digest[:16]
    return digests


def _changed(name: str, old: Any, new: Any, common: bool) -> Iterator[str]:
    """Innermost values that differ.

    Where mappings are whole (``common``), a key that only one of them has is of
    another version of the software, not of another choice.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            if not common or (key in old and key in new):
                yield from _changed(f"{name}.{key}", old.get(key), new.get(key), common)
    elif old != new:
        many = any(isinstance(value, list) and len(value) > 5 for value in (old, new))
        yield f"{name}: other entries" if many else f"{name}: was {old}, is {new}"


def _in_todays_terms(options: dict[str, Any]) -> dict[str, Any]:
    """Options whose model configuration has the entries of this version.

    What an earlier one did not write has its default, what it no longer has is gone.
    """
    if "model_conf" not in options:
        return options
    try:
        config = build_model_config(options["preset"], options["model_conf"])
    except ValueError:
        return options  # The difference will be named.
    return {**options, "model_conf": plain_values(config)}


def _phase(options: dict[str, Any]) -> str:
    """Number and name of the phase; how many there are and its epochs may change."""
    described = (options.get("phase") or "").partition(":")[0]
    return re.sub(r" of \d+", "", described)


def _plain(value: Any) -> Any:
    """The value as YAML gives it back."""
    return yaml.safe_load(yaml.safe_dump(value))


def _message(folder: Path, found: list[str]) -> str:
    more = len(found) - SHOWN
    shown = "; ".join(sorted(found)[:SHOWN]) + (f"; {more} more" if more > 0 else "")
    return (
        f"{folder}: holds a training that cannot go on with other options or data "
        f"({shown}); put them back, choose another --output_dir (a recipe's --tag), or "
        "remove the folder to train anew"
    )


def _read_settings(path: Path) -> dict[str, Any]:
    """Content of a file of ours; empty where there is none."""
    return read_yaml(path) if path.is_file() else {}
