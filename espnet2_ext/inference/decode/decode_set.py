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
from collections.abc import Iterable
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

from espnet2_ext.inference.decode.decoder import Decoder, pick_device, task_options
from espnet2_ext.inference.decode.input_tables import InputTables
from espnet2_ext.inference.decode.outputs import (
    Outputs,
    SpeechOutputs,
    TranscriptOutputs,
)
from espnet2_ext.io.files import remove_unfinished, write_text
from espnet2_ext.io.messages import listed
from espnet2_ext.io.model_files import ModelFiles
from espnet2_ext.io.progress import progress_bar
from espnet2_ext.io.store import Record, Store
from espnet2_ext.io.tables import write_table

JOURNAL, DONE, FAILED = "journal.jsonl", ".done", "failed"
PARTS = "split"
"""Folder of the journals of several jobs, while they run."""

OWN_OPTIONS = ("task", "language", "max_seconds", "speaker", "dtype")
"""Options of a run, beside those of its task, that its results depend on."""


class DecodingRun:
    """One decoding of one set, in this process or in several."""

    def __init__(self, args: argparse.Namespace, files: ModelFiles):
        """Read the tables; nothing is written yet, and no model loaded.

        Args:
            args: The options of ``bin/sttatts_inference.py``.
            files: Where the parts of the model are.

        Raises:
            ValueError, OSError: unusable options or tables.
        """
        self._args, self._files = args, files
        self.folder = Path(args.output_dir)
        self.tables = InputTables(
            args.task, args.data_path_and_name_and_type, args.key_file, args.speaker
        )
        self.options = task_options(args.task, args)
        self._outputs: Outputs
        if args.task == "asr":
            self._outputs = TranscriptOutputs(self.folder, args.nbest)
        else:
            self.options["attention"] = True
            plotted = frozenset(self.tables.keys[: args.write_plots])
            self._outputs = SpeechOutputs(self.folder, args.write_feats, plotted)
        self._sources = {uid: self.tables.fingerprint(uid) for uid in self.tables.keys}

    def open_journal(self) -> Store:
        """Read what is finished, or begin anew where options or model are others.

        Raises:
            ValueError: there are results of others and ``--overwrite`` is not given.
        """
        journal = Store(self.folder / JOURNAL, self._digest, self._start_anew)
        self.take_in_parts(journal)
        return journal

    def open_part(self, part: str) -> Store:
        """Begin the journal of one of several jobs, which no other process writes."""
        return Store(self.folder / PARTS / f"{part}.jsonl", self._digest)

    def take_in_parts(self, journal: Store) -> None:
        """Move what the journals of jobs hold into that of the run."""
        for path in sorted((self.folder / PARTS).glob("*.jsonl")):
            part = Store(path, self._digest)
            journal.add({uid: part.get(uid) or {} for uid in part})
        shutil.rmtree(self.folder / PARTS, ignore_errors=True)

    def missing(self, journal: Store) -> list[str]:
        """Utterances that are not finished, or of other inputs, or whose files went."""
        found = [
            uid
            for uid, source in self._sources.items()
            if (journal.get(uid) or {}).get("source") != source
            or not self._outputs.is_complete(uid)
        ]
        if found:
            (self.folder / DONE).unlink(missing_ok=True)
            for name in self._outputs.folders:
                remove_unfinished(self.folder / name)
        if 0 < len(found) < len(self._sources):
            logging.info("%d utterances are finished", len(self._sources) - len(found))
        return found

    def decode(self, uids: list[str], journal: Store) -> dict[str, str]:
        """Decode utterances and note them in a journal.

        Returns:
            Reasons of those that failed.

        Raises:
            ValueError, OSError, ImportError: a model that does not load, or has not
                what the options ask for.
        """
        args, tables = self._args, self.tables
        decoder = Decoder(args.task, args, self._files, self.options)
        tables.check_speakers(decoder.model.inputs.speaker_table)

        def load(uid: str) -> Any:
            self._outputs.check(uid)
            return tables.load(uid, decoder)

        failures: dict[str, str] = {}
        began = time.perf_counter()
        title = f"{args.task}, {self.folder.name}"
        bar = progress_bar(total=len(uids), desc=title, unit="utt")
        for outcomes in decoder.run(uids, load, bar, args.num_workers):
            finished: dict[str, Record] = {}
            for uid, (result, error) in outcomes:
                if error is not None:
                    logging.error("%s failed: %s", uid, error)
                    failures[uid] = error
                    continue
                record = self._outputs.save(uid, result)
                finished[uid] = {"source": self._sources[uid], **record}
            journal.add(finished)
        logging.info("%d utterances in %.1f s", len(uids), time.perf_counter() - began)
        return failures

    def finish(self, journal: Store, failures: dict[str, str]) -> int:
        """Write the tables, and ``.done`` if all is well.

        Returns:
            1 if more utterances failed than are allowed, else 0.
        """
        keys = self.tables.keys
        rows = [
            (uid, record)
            for uid in keys
            if uid not in failures and (record := journal.get(uid)) is not None
        ]
        self._outputs.write_tables(rows)
        failed = {uid: failures[uid] for uid in keys if uid in failures}
        write_table(self.folder / FAILED, failed, ordered=False)
        if failed:
            logging.error(
                "%d of %d utterances failed: %s (reasons: %s)",
                len(failed),
                len(keys),
                listed(failed, 5),
                self.folder / FAILED,
            )
        if len(failed) > self._args.allow_failures:
            return 1
        write_text(self.folder / DONE, f"{len(rows)} utterances\n")
        return 0

    def _start_anew(self) -> None:
        """Remove the results of a run with other options, if that is allowed."""
        made = [path for n in self._outputs.folders for path in self.folder.glob(n)]
        journal = self.folder / JOURNAL
        if made and journal.exists() and journal.stat().st_size > 0:
            if not self._args.overwrite:
                raise ValueError(
                    f"{self.folder}: holds results of other options or of another "
                    "model; choose another --output_dir (a recipe's --inference_tag), "
                    "or give --overwrite true to remove them"
                )
            logging.info(
                "%s: made with other options or by another model; anew", self.folder
            )
        for path in [*made, self.folder / DONE, self.folder / FAILED]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    @cached_property
    def _digest(self) -> str:
        """Name everything but the utterances that results depend on."""
        args = self._args
        models: dict[str, float] = {}
        if args.lm:
            models["lm"] = args.lm_weight
        if args.ngram:
            models["ngram"] = args.ngram_weight
        settings = {
            **{name: getattr(args, name) for name in OWN_OPTIONS},
            **self.options,
            "device": pick_device(args).type,
            "features": args.write_feats,
            "plots": args.write_plots,
            "vocoder": args.vocoder,
            **({"language_models": models} if models else {}),
        }
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for field in fields(self._files):
            digest.update(f"\0{field.name}\0".encode())
            _add_content(digest, getattr(self._files, field.name))
        if args.vocoder and Path(args.vocoder).exists():
            _add_content(digest, Path(args.vocoder))
        if args.lm:
            from espnet2_ext.inference.language_models.espnet_lm import lm_files

            for path in lm_files(Path(args.lm), args.lm_train_config):
                _add_content(digest, path)
        if args.ngram:
            _add_content(digest, Path(args.ngram))
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
