"""Decode a set of utterances into a folder; safe to kill and run again.

The journal (``journal.jsonl``) is the memory of a run: an utterance is finished when
its files are in place and its line is on the disk.  The tables are written from it at
the end, and then ``.done``.
"""

import argparse
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from espnet2_ext.formats.import_once import find_or_import
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.cli.commands import pick_device, require_task
from espnet2_ext.inference.decode.decode_outputs import (
    Outputs,
    SpeechOutputs,
    TranscriptOutputs,
)
from espnet2_ext.inference.decode.input_tables import InputTables, UtteranceInput
from espnet2_ext.inference.decode.language_model_options import LanguageModelOptions
from espnet2_ext.inference.isolated import Loaded, Outcome, run_isolated
from espnet2_ext.inference.options import GENERATION_NAMES, SEARCH_NAMES
from espnet2_ext.inference.search.search_types import SearchOptions
from espnet2_ext.inference.tts_generation import GenerationOptions
from espnet2_ext.io.files import only_writer, remove_unfinished, write_text
from espnet2_ext.io.model_files import (
    OPTIONAL_NAMES,
    ModelFiles,
)
from espnet2_ext.io.options import chosen
from espnet2_ext.io.progress import progress_bar
from espnet2_ext.io.store import Store
from espnet2_ext.io.tables import write_table

JOURNAL, DONE, FAILED = "journal.jsonl", ".done", "failed"
OWN_OPTIONS = ("task", "language", "max_seconds", "speaker", "dtype")


def decode_set(args: argparse.Namespace) -> int:
    """Run one decoding command.

    Args:
        args: of ``bin/sttatts_inference.py``.

    Returns:
        1 if more utterances failed than are allowed, else 0.

    Raises:
        ValueError, OSError: unusable options, model or tables.
    """
    folder = Path(args.output_dir)
    tables = InputTables(
        args.task,
        args.data_path_and_name_and_type,
        args.key_file,
        args.speaker,
        args.max_seconds or None,
    )
    files = choose_files(args)
    options = _task_options(args)
    models = LanguageModelOptions(args)
    outputs = _outputs(args, folder, tables.keys)
    with only_writer(folder):
        journal = _open_journal(args, files, options, models, outputs)
        wanted = {uid: tables.fingerprint(uid) for uid in tables.keys}
        todo = [
            uid
            for uid, source in wanted.items()
            if (journal.get(uid) or {}).get("source") != source
            or not outputs.is_complete(uid)
        ]
        failures: dict[str, str] = {}
        if todo:
            (folder / DONE).unlink(missing_ok=True)
            for name in outputs.folders:
                remove_unfinished(folder / name)
            if len(todo) < len(wanted):
                logging.info("%d utterances are finished", len(wanted) - len(todo))
            decoder = _Decoder(args, files, tables, options, models)
            for outcomes in decoder.decode(todo, outputs.check):
                finished = {}
                for uid, (result, error) in outcomes:
                    if error is not None:
                        logging.error("%s failed: %s", uid, error)
                        failures[uid] = error
                        continue
                    record = outputs.save(uid, result)
                    finished[uid] = {"source": wanted[uid], **record}
                journal.add(finished)
        return _finish(folder, tables.keys, journal, outputs, failures, args)


def claim_folder(args: argparse.Namespace) -> None:
    """Note in ``--output_dir`` with which options and model its results are made.

    Args:
        args: of ``bin/sttatts_inference.py``.

    Raises:
        ValueError, OSError: it holds those of others; unusable options or model.
    """
    outputs = _outputs(args, Path(args.output_dir), [])
    with only_writer(Path(args.output_dir)):
        models = LanguageModelOptions(args)
        _open_journal(args, choose_files(args), _task_options(args), models, outputs)


def _open_journal(
    args: argparse.Namespace,
    files: ModelFiles,
    options: dict[str, Any],
    models: LanguageModelOptions,
    outputs: Outputs,
) -> Store:
    folder = Path(args.output_dir)
    return Store(
        folder / JOURNAL,
        _digest(args, files, options, models),
        lambda: _start_anew(folder, outputs, args.overwrite),
    )


def choose_files(args: argparse.Namespace) -> ModelFiles:
    """Files of ``--model``, or of ``--train_config`` and ``--model_file``.

    Raises:
        ValueError: neither or both are given.
        FileNotFoundError: a file is not there.
    """
    pair = (args.train_config, args.model_file)
    if args.model and not any(pair):
        files = find_or_import(args.model)
        named = {name: getattr(files, name) for name in ("train_config", "model_file")}
        optional = {name: getattr(files, name) for name in OPTIONAL_NAMES}
    elif not args.model and all(pair):
        named = {"train_config": Path(pair[0]), "model_file": Path(pair[1])}
        beside = named["train_config"].parent
        optional = {
            name: beside / path if (beside / path).exists() else None
            for name, path in OPTIONAL_NAMES.items()
        }
    else:
        raise ValueError("give either --model, or --train_config with --model_file")
    for name in ("bpemodel", "speakers"):
        if getattr(args, name):
            optional[name] = Path(getattr(args, name))
    for path in (*named.values(), *optional.values()):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"{path}: no such file")
    return ModelFiles(**named, **optional)


def _task_options(args: argparse.Namespace) -> dict[str, Any]:
    """Checked options of the search or the generation."""
    if args.task == "asr":
        options = chosen(args, SEARCH_NAMES)
        SearchOptions(**options)
        return options
    options = chosen(args, GENERATION_NAMES)
    GenerationOptions(**options)
    return {**options, "attention": True}


def _outputs(args: argparse.Namespace, folder: Path, keys: list[str]) -> Outputs:
    if args.task == "asr":
        return TranscriptOutputs(folder, args.nbest)
    plotted = frozenset(keys[: args.write_plots])
    return SpeechOutputs(folder, args.write_feats, plotted)


def _digest(
    args: argparse.Namespace,
    files: ModelFiles,
    options: dict[str, Any],
    models: LanguageModelOptions,
) -> str:
    """Name everything but the utterances that results depend on."""
    settings = {
        **{name: getattr(args, name) for name in OWN_OPTIONS},
        **options,
        "device": pick_device(_device_name(args)).type,
        "features": args.write_feats,
        "plots": args.write_plots,
        "vocoder": args.vocoder,
        **({"language_models": models.weights} if models.weights else {}),
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for field in fields(files):
        digest.update(f"\0{field.name}\0".encode())
        _add_content(digest, getattr(files, field.name))
    if args.vocoder and Path(args.vocoder).exists():
        _add_content(digest, Path(args.vocoder))
    for path in models.files:
        _add_content(digest, path)
    return digest.hexdigest()


def _add_content(digest: Any, path: Path | None) -> None:
    if path is None:
        return
    inside: Iterable[Path] = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in inside:
        if file.is_file():
            digest.update(file.name.encode())
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)


def _start_anew(folder: Path, outputs: Outputs, overwrite: bool) -> None:
    """Remove the results of a run with other options, if that is allowed.

    Raises:
        ValueError: it is not.
    """
    made = [path for name in outputs.folders for path in folder.glob(name)]
    journal = folder / JOURNAL
    if made and journal.exists() and journal.stat().st_size > 0:
        if not overwrite:
            raise ValueError(
                f"{folder}: holds results of other options or of another model; choose "
                "another --output_dir (a recipe's --inference_tag), or give "
                "--overwrite true to remove them"
            )
        logging.info("%s: made with other options or by another model; anew", folder)
    (folder / DONE).unlink(missing_ok=True)
    (folder / FAILED).unlink(missing_ok=True)
    for path in made:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


class _Decoder:
    """The model with the options of the run."""

    def __init__(
        self,
        args: argparse.Namespace,
        files: ModelFiles,
        tables: InputTables,
        options: dict[str, Any],
        models: LanguageModelOptions,
    ):
        self._args, self._tables = args, tables
        self._model = STTATTS(
            files,
            device=pick_device(_device_name(args)),
            dtype=getattr(torch, args.dtype),
            vocoder=args.vocoder,
        )
        require_task(self._model, args.task)
        tables.check_speakers(self._model)
        self._model.inputs.language(args.language, 1)
        self._options = {**options, **models.settings(self._model)}
        if args.task != "asr":
            # A vocoder that does not load is said now, not for every utterance.
            _ = self._model.vocoder

    def decode(
        self, todo: list[str], check: Any
    ) -> Iterator[list[tuple[str, Outcome]]]:
        """Yield the outcomes, a batch at a time."""

        def load(uid: str) -> Loaded:
            check(uid)
            return self._tables.load(uid, self._model)

        began = time.perf_counter()
        title = f"{self._args.task}, {Path(self._args.output_dir).name}"
        with progress_bar(total=len(todo), desc=title, unit="utt") as bar:
            for outcomes in run_isolated(
                todo,
                load,
                self._run,
                self._args.batch_size,
                workers=self._args.num_workers,
            ):
                yield outcomes
                bar.update(len(outcomes))
        logging.info("%d utterances in %.1f s", len(todo), time.perf_counter() - began)

    def _run(self, uids: list[str], inputs: list[UtteranceInput]) -> list[Any]:
        mains = [item.main for item in inputs]
        settings = {
            **self._options,
            "language": self._args.language,
            "batch_size": len(inputs),
        }
        rate = self._model.audio.sample_rate
        if self._args.task == "asr":
            return self._model.transcribe(mains, rate, max_seconds=None, **settings)
        speakers = [item.speaker for item in inputs]
        settings["utterance_ids"] = uids
        if self._args.task == "tts":
            return self._model.synthesize(mains, speakers, **settings)
        return self._model.convert(mains, speakers, rate, max_seconds=None, **settings)


def _device_name(args: argparse.Namespace) -> str:
    return args.device or ("cuda" if args.ngpu else "cpu")


def _finish(
    folder: Path,
    keys: list[str],
    journal: Store,
    outputs: Outputs,
    failures: dict[str, str],
    args: argparse.Namespace,
) -> int:
    """Write the tables, and ``.done`` if all is well."""
    rows = [
        (uid, record)
        for uid in keys
        if uid not in failures and (record := journal.get(uid)) is not None
    ]
    outputs.write_tables(rows)
    failed = {uid: failures[uid] for uid in keys if uid in failures}
    write_table(folder / FAILED, failed, ordered=False)
    if failed:
        shown = ", ".join([*failed][:5]) + (", …" if len(failed) > 5 else "")
        logging.error(
            "%d of %d utterances failed: %s (reasons: %s)",
            len(failed),
            len(keys),
            shown,
            folder / FAILED,
        )
    if len(failed) > args.allow_failures:
        return 1
    write_text(folder / DONE, f"{len(rows)} utterances\n")
    return 0
