"""One way to decode, for the command ``sttatts`` and for the recipes' decoding.

A model is loaded and checked once, inputs are read ahead and run in batches of like
size, and a bad input is reported while the others go on.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tqdm import tqdm

from espnet2_ext.audio import seconds_of
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.interface import Segment
from espnet2_ext.inference.options import (
    GenerationOptions,
    LMOptions,
    ReadingOptions,
    SearchOptions,
)
from espnet2_ext.inference.recordings import is_longer
from espnet2_ext.io.messages import one_line
from espnet2_ext.io.model_files import ModelFiles
from espnet2_ext.io.options import options_of
from espnet2_ext.io.progress import progress_bar

LONG = sys.maxsize
"""Size of a recording that is cut: it is not known to the sample."""

FAILURES = (ValueError, OSError, RuntimeError)
"""What bad input or a lack of memory raises; anything else is a mistake in the code
and ends the run."""


class Item(NamedTuple):
    """One input, ready for the model."""

    content: Any
    """Samples (N,) at the model's rate, or a text."""
    speaker: Any
    """Embedding (E,) of who is to speak; None for recognition."""
    name: str | None
    """Decides the dropout of generated speech; None: the content does."""


class Loaded(NamedTuple):
    """An input that is ready for the model."""

    value: Any
    size: int
    """Inputs of like size run together."""


class Outcome(NamedTuple):
    """What became of one input: a result, or the reason why there is none."""

    result: Any
    error: str | None


def pick_device(args: argparse.Namespace) -> torch.device:
    """Find the device that ``--device`` or ``--ngpu`` names.

    Raises:
        ValueError: no such device here.
    """
    name = args.device or ("cuda" if getattr(args, "ngpu", 0) else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"unknown device '{name}'; use cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"torch finds no device '{name}' here; use --device cpu")
    return device


def open_model(args: argparse.Namespace, files: ModelFiles) -> STTATTS:
    """Load a model as the options of a command say.

    Args:
        args: has the fields of ``ComputingOptions``, and perhaps ``vocoder``.
        files: where the parts of the model are.

    Raises:
        ValueError, OSError: no such device, or the model does not load.
    """
    return STTATTS(
        files,
        device=pick_device(args),
        dtype=getattr(torch, args.dtype),
        vocoder=getattr(args, "vocoder", None),
    )


def task_options(task: str, args: argparse.Namespace) -> dict[str, Any]:
    """Checked options of the search or the generation, as keywords.

    Raises:
        ValueError: a value without meaning.
    """
    if task == "asr":
        options = asdict(options_of(args, SearchOptions))
    else:
        generation = options_of(args, GenerationOptions)
        generation.of_task(task)
        options = asdict(generation)
    return {name: value for name, value in options.items() if value is not None}


class Decoder:
    """A model that does one task, as the options of a command say."""

    def __init__(
        self,
        task: str,
        args: argparse.Namespace,
        files: ModelFiles,
        options: Mapping[str, Any],
    ):
        """Load the model, and all that a wrong option would spoil for every input.

        Args:
            task: ``asr``, ``tts`` or ``vc``.
            args: has the fields of ``InputOptions`` and ``ComputingOptions``; those
                of ``LMOptions`` for recognition, ``vocoder`` for speech.
            files: where the parts of the model are.
            options: what :func:`task_options` gives, and further keywords; texts are
                read as they are unless those of ``ReadingOptions`` say otherwise.

        Raises:
            ValueError, OSError, ImportError: the model does not load or does not
                have the task, or an option does not fit it.
        """
        self.task, self._args = task, args
        self._settings = dict(options)
        if task == "tts":
            self._settings = {"normalize": False, "cut": False, **options}
        self.model = open_model(args, files)
        self.model.require(task)
        self.model.inputs.language(args.language, 1)
        if task == "asr":
            self._settings |= self._language_models()
        else:
            _ = self.model.vocoder

    def _language_models(self) -> dict[str, Any]:
        """Keywords of the language models, which are loaded."""
        found = asdict(options_of(self._args, LMOptions))
        config = getattr(self._args, "lm_train_config", None)
        if config is not None:
            from espnet2_ext.inference.language_models import espnet_lm

            found["lm"] = espnet_lm.load_espnet_lm(
                *espnet_lm.lm_files(Path(found["lm"]), config),
                self.model.token_list,
                self.model.device,
            )
        self.model.transcribe([], **self._settings, **found)
        return found

    def load(
        self,
        source: Any,
        speaker: Any = None,
        name: str | None = None,
        sample_rate: int | None = None,
    ) -> Loaded:
        """Read and check one input.

        Args:
            source: A text; or a recording's path, or samples (N,).
            speaker: The embedding (E,) of who is to speak.
            name: What decides the dropout; see :class:`Item`.
            sample_rate: Rate of samples (Hz); the model's by default.

        Raises:
            OSError, ValueError: not there or not usable.
        """
        inputs = self.model.inputs
        if self.task == "tts":
            pieces = inputs.pieces(source, options_of(self._settings, ReadingOptions))
            size = sum(len(piece.ids) for piece in pieces)
            return Loaded(Item(source, speaker, name), size)
        rate = sample_rate or self.model.audio.sample_rate
        longest = self._args.max_seconds
        if self.task == "asr":
            if isinstance(source, str | Path) and is_longer(source, rate, longest):
                return Loaded(Item(source, speaker, name), LONG)
            longest = None
        wave = inputs.speech(source, rate, longest)
        return Loaded(Item(wave, speaker, name), len(wave))

    def run[Key: Hashable](
        self,
        keys: Sequence[Key],
        load: Callable[[Key], Loaded],
        bar: tqdm,
        workers: int = 0,
    ) -> Iterator[list[tuple[Key, Outcome]]]:
        """Decode many inputs.

        Args:
            keys: names of the inputs, none twice.
            load: reads the input of a key by :meth:`load`.
            bar: shows the progress.
            workers: threads that read ahead; 0 reads between the batches.

        Yields:
            Keys with their outcomes, a batch at a time, not in the order of ``keys``.
        """
        size = self._args.batch_size
        with bar:
            for outcomes in run_isolated(keys, load, self._run, size, workers=workers):
                yield outcomes
                bar.update(len(outcomes))

    def _run(self, keys: Sequence[Any], items: list[Item]) -> Sequence[Any]:
        contents = [item.content for item in items]
        settings = {
            **self._settings,
            "language": self._args.language,
            "batch_size": len(items),
        }
        rate = self.model.audio.sample_rate
        if self.task == "asr":
            settings["max_seconds"] = self._args.max_seconds
            return self._listen(contents, rate, settings)
        speakers = [item.speaker for item in items]
        names = [item.name for item in items]
        settings["utterance_ids"] = None if None in names else names
        if self.task == "tts":
            return self.model.synthesize(contents, speakers, **settings)
        return self.model.convert(
            contents, speakers, rate, max_seconds=None, **settings
        )

    def _listen(
        self, contents: list[Any], rate: int, settings: dict[str, Any]
    ) -> list[list[Segment]]:
        """Segments of recordings; the long ones are files still, and have their bar."""
        waves = [wave for wave in contents if not isinstance(wave, str | Path)]
        heard = iter(self.model.listen(waves, rate, **settings))
        settings["batch_size"] = self._args.batch_size
        return [
            self._follow(wave, rate, settings)
            if isinstance(wave, str | Path)
            else next(heard)
            for wave in contents
        ]

    def _follow(
        self, path: str | Path, rate: int, settings: dict[str, Any]
    ) -> list[Segment]:
        """Segments of a long file."""
        found = []
        with progress_bar(
            total=round(seconds_of(path, rate)),
            desc=Path(path).name,
            unit="s",
            leave=False,
            disable=getattr(self._args, "quiet", False) or not sys.stderr.isatty(),
        ) as bar:
            for segment in self.model.segments(path, rate, **settings):
                found.append(segment)
                bar.update(round(segment.end) - bar.n)
        return found


def run_isolated[Key: Hashable](
    keys: Sequence[Key],
    load: Callable[[Key], Loaded],
    run: Callable[[list[Key], list[Any]], Sequence[Any]],
    batch_size: int,
    window: int = 8,
    workers: int = 0,
) -> Iterator[list[tuple[Key, Outcome]]]:
    """Run a model over many inputs, in batches of like size.

    Args:
        keys: names of the inputs, none twice.
        load: reads and checks one input.
        run: gives one result for each of the loaded values.
        batch_size: most inputs at once; the results must not depend on it.
        window: batches whose inputs are in memory together.
        workers: threads that read ahead; 0 reads between the batches.

    Yields:
        Keys with their outcomes, a batch at a time, not in the order of ``keys``.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size} must be positive")
    step = batch_size * window
    chunks = [keys[i : i + step] for i in range(0, len(keys), step)]

    def attempt(key: Key) -> Loaded | Outcome:
        try:
            return load(key)
        except FAILURES as error:
            return Outcome(None, one_line(error))

    with ThreadPoolExecutor(max(1, workers)) as pool:
        start: Callable = pool.map if workers else map
        ahead = [start(attempt, chunk) for chunk in chunks[:1]]
        for place, chunk in enumerate(chunks):
            inputs = dict(zip(chunk, ahead.pop(), strict=True))
            ahead = [start(attempt, following) for following in chunks[place + 1 :][:1]]
            failed = [(k, v) for k, v in inputs.items() if isinstance(v, Outcome)]
            if failed:
                yield failed
            ready = {k: v for k, v in inputs.items() if isinstance(v, Loaded)}
            order = sorted(ready, key=lambda key: -ready[key].size)
            for first in range(0, len(order), batch_size):
                batch = order[first : first + batch_size]
                yield _run_batch(batch, [ready[key].value for key in batch], run)


def _run_batch[Key: Hashable](
    keys: list[Key],
    values: list[Any],
    run: Callable[[list[Key], list[Any]], Sequence[Any]],
) -> list[tuple[Key, Outcome]]:
    """Run a batch, or each input by itself if it fails."""
    try:
        results = [Outcome(result, None) for result in run(keys, values)]
        return list(zip(keys, results, strict=True))
    except FAILURES as error:
        if len(keys) == 1:
            return [(keys[0], Outcome(None, one_line(error)))]
        logging.warning(
            "a batch of %d failed (%s); trying its inputs one by one",
            len(keys),
            one_line(error),
        )
    return [
        pair
        for key, value in zip(keys, values, strict=True)
        for pair in _run_batch([key], [value], run)
    ]
