"""What the command ``sttatts`` does; its options are in ``bin/sttatts.py``."""

import argparse
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from espnet2_ext.audio import BadInputError
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.cli.console import complain, say
from espnet2_ext.inference.cli.summary import readable, summarize
from espnet2_ext.inference.isolated import Loaded, Outcome, run_isolated
from espnet2_ext.inference.options import GENERATION_NAMES, LM_NAMES, SEARCH_NAMES
from espnet2_ext.inference.results import Speech, Transcript
from espnet2_ext.inference.search.search_types import SearchOptions
from espnet2_ext.inference.tts_generation import GenerationOptions
from espnet2_ext.io.files import write_wav
from espnet2_ext.io.options import chosen
from espnet2_ext.models import SHIPPED

STDIN = "-"
PLACE = "{name}"


def pick_device(name: str | None) -> torch.device:
    """Find a device.

    Raises:
        ValueError: no such device here.
    """
    try:
        device = torch.device(name or "cpu")
    except RuntimeError:
        raise ValueError(f"unknown device '{name}'; use cpu, cuda or cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("torch finds no CUDA device here; use --device cpu")
    return device


def require_task(model: STTATTS, task: str) -> None:
    """Stop before any work if the model was not trained for a task.

    Raises:
        BadInputError: says which tasks the model has.
    """
    if task not in model.tasks:
        raise BadInputError(
            f"this model was not trained for '{task}', only for "
            f"{', '.join(model.tasks)}"
        )


def transcribe(args: argparse.Namespace) -> int:
    """Print what is said in recordings.

    Returns:
        1 if a recording failed, else 0.
    """
    options = chosen(args, SEARCH_NAMES)
    SearchOptions(**options)
    models = chosen(args, LM_NAMES)
    sources = _expand_stdin(args.files)
    model = _open_model(args, "asr")
    model.inputs.language(args.language, 1)
    # A language model that does not fit is said now, and once.
    model.transcribe([], **models)
    rate = model.audio.sample_rate

    def load(place: int) -> Loaded:
        wave = model.inputs.speech(sources[place], rate, args.max_seconds or None)
        return Loaded(wave, len(wave))

    def run(_: list[int], waves: list[np.ndarray]) -> list[list[Transcript]]:
        return model.transcribe(
            waves,
            rate,
            language=args.language,
            batch_size=len(waves),
            max_seconds=None,
            **options,
            **models,
        )

    def show(place: int, outcome: Outcome) -> None:
        for line in _transcript_lines(sources[place], outcome, args, len(sources)):
            say(line)

    return _run_all(sources, load, run, show, args)


def speak(args: argparse.Namespace) -> int:
    """Speak texts into WAV files.

    Returns:
        1 if a text failed, else 0.
    """
    given = " ".join(args.text)
    from_stdin = given in ("", STDIN)
    texts = [line for line in _stdin_lines() if line] if from_stdin else [given]
    if not texts:
        raise BadInputError("no text on standard input; give words to say")
    names = [f"{number:04d}" for number in range(1, len(texts) + 1)]
    paths = _output_paths(args.output, names)

    def load(model: STTATTS, place: int) -> Loaded:
        return Loaded(texts[place], len(model.inputs.text(texts[place])))

    return _generate("tts", args, texts, paths, load)


def convert(args: argparse.Namespace) -> int:
    """Say what recordings say in another voice, into WAV files.

    Returns:
        1 if a recording failed, else 0.
    """
    sources = _expand_stdin(args.files)
    paths = _output_paths(args.output, [Path(source).stem for source in sources])

    def load(model: STTATTS, place: int) -> Loaded:
        rate = model.audio.sample_rate
        wave = model.inputs.speech(sources[place], rate, args.max_seconds or None)
        return Loaded(wave, len(wave))

    return _generate("vc", args, sources, paths, load)


def info(args: argparse.Namespace) -> int:
    """Print what is in a model."""
    content = {"model": args.model or str(SHIPPED), **summarize(_open_model(args))}
    if args.json:
        say(json.dumps(content, ensure_ascii=False))
        return 0
    width = max(map(len, content))
    for name, value in content.items():
        say(f"{name.replace('_', ' '):{width}}  {readable(value)}")
    return 0


# ---- shared by the commands ----------------------------------------------------


def _open_model(args: argparse.Namespace, task: str | None = None) -> STTATTS:
    model = STTATTS.from_pretrained(
        args.model,
        device=pick_device(args.device),
        dtype=getattr(torch, args.dtype),
        vocoder=getattr(args, "vocoder", None),
    )
    if task is not None:
        require_task(model, task)
    return model


def _generate(
    task: str,
    args: argparse.Namespace,
    sources: list[str],
    paths: list[Path],
    load: Callable[[STTATTS, int], Loaded],
) -> int:
    """Speak texts or convert recordings, each into its file."""
    options = chosen(args, GENERATION_NAMES)
    GenerationOptions(**options)
    model = _open_model(args, task)
    model.inputs.language(args.language, 1)
    speaker = model.inputs.speaker_table.resolve(args.speaker)
    # A vocoder that does not load is said now, and once.
    _ = model.vocoder

    def run(_: list[int], values: list[Any]) -> list[Speech]:
        settings = {
            **options,
            "language": args.language,
            "batch_size": len(values),
        }
        if task == "tts":
            return model.synthesize(values, speaker, **settings)
        rate = model.audio.sample_rate
        return model.convert(values, speaker, rate, max_seconds=None, **settings)

    def show(place: int, outcome: Outcome) -> None:
        if outcome.error is not None:
            return
        speech = outcome.result
        if not speech.stopped:
            logging.warning(
                "%s: the model did not stop by itself; cut at the length limit "
                "(--maxlenratio)",
                paths[place],
            )
        write_wav(paths[place], speech.wav, speech.sample_rate)
        if len(paths) > 1:
            say(f"{paths[place]}\t{sources[place]}")

    return _run_all(sources, lambda place: load(model, place), run, show, args)


def _run_all(
    sources: list[str],
    load: Callable[[int], Loaded],
    run: Callable[[list[int], list[Any]], Sequence[Any]],
    show: Callable[[int, Outcome], None],
    args: argparse.Namespace,
) -> int:
    """Run everything; show the outcomes in the order of ``sources``."""
    silent = args.quiet or len(sources) < 2 or not sys.stderr.isatty()
    waiting: dict[int, Outcome] = {}
    shown = failures = 0
    with tqdm(total=len(sources), disable=silent, file=sys.stderr) as bar:
        places = range(len(sources))
        for outcomes in run_isolated(places, load, run, args.batch_size, window=4):
            waiting.update(outcomes)
            bar.update(len(outcomes))
            while shown in waiting:
                outcome = waiting.pop(shown)
                if outcome.error is not None:
                    failures += 1
                    complain(_with_name(sources[shown], outcome.error))
                show(shown, outcome)
                shown += 1
    if failures and len(sources) > 1:
        complain(f"{failures} of {len(sources)} failed")
    return 1 if failures else 0


def _with_name(source: str, error: str) -> str:
    return error if source in error else f"{source}: {error}"


def _transcript_lines(
    source: str, outcome: Outcome, args: argparse.Namespace, total: int
) -> Iterable[str]:
    """Lines to print for one recording."""
    if args.json:
        content: dict[str, Any] = {"file": source}
        if outcome.error is not None:
            content["error"] = outcome.error
        else:
            ranked = [transcript._asdict() for transcript in outcome.result]
            content |= {**ranked[0], "nbest": ranked}
        yield json.dumps(content, ensure_ascii=False)
    elif outcome.error is None:
        name = f"{source}\t" if total > 1 else ""
        for transcript in outcome.result:
            score = f"{transcript.score:.4f}\t" if args.nbest > 1 else ""
            yield f"{name}{score}{transcript.text}"


def _stdin_lines() -> list[str]:
    return [line.strip() for line in sys.stdin]


def _expand_stdin(files: Sequence[str]) -> list[str]:
    """Paths, with ``-`` replaced by the lines of standard input."""
    paths = []
    for name in files:
        paths += [line for line in _stdin_lines() if line] if name == STDIN else [name]
    if not paths:
        raise BadInputError("no files on standard input; give one path a line")
    return paths


def _output_paths(output: str, names: Sequence[str]) -> list[Path]:
    """Files to write: one file, or one for each name in a folder or a pattern."""
    folder = output.endswith(os.sep) or Path(output).is_dir()
    pattern = os.path.join(output, f"{PLACE}.wav") if folder else output
    if PLACE not in pattern and len(names) > 1:
        raise BadInputError(
            f"{len(names)} outputs do not fit into one file '{output}'; give a folder "
            f"('{output}{os.sep}') or a name with {PLACE} in it"
        )
    paths = [Path(pattern.replace(PLACE, name)) for name in names]
    wrong = next((path for path in paths if path.suffix.lower() != ".wav"), None)
    if wrong is not None:
        raise BadInputError(f"{wrong}: only WAV is written; end the name in .wav")
    repeated = next((path for path, n in Counter(paths).items() if n > 1), None)
    if repeated is not None:
        raise BadInputError(
            f"{repeated} would be written twice; convert files of the same name in "
            "separate runs"
        )
    return paths
