"""What the command ``sttatts`` does; its options are in ``bin/sttatts.py``.

Nothing here imports torch before there is work to do.
"""

import argparse
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from tqdm import tqdm

if TYPE_CHECKING:
    from espnet2_ext.inference.decode.decoder import Decoder, Loaded, Outcome

STDIN = "-"
PLACE = "{name}"
SUFFIXES = {"text": "txt", "json": "json", "srt": "srt", "vtt": "vtt"}
"""How the files of a kind of transcript end."""


def transcribe(args: argparse.Namespace) -> int:
    """Print what is said in recordings.

    Returns:
        1 if a recording failed, else 0.
    """
    sources = _expand_stdin(args.files)
    style = "json" if args.json else args.format
    paths = None
    if args.output is not None:
        paths = _output_paths(args.output, _stems(sources), f".{SUFFIXES[style]}")
    elif style in ("srt", "vtt") and len(sources) > 1:
        raise ValueError(
            f"{len(sources)} recordings as {style}: give a folder, -o out/"
        )
    decoder = _open_decoder("asr", args)

    def show(place: int, outcome: "Outcome") -> None:
        named = len(sources) > 1 and paths is None
        lines = _transcript_lines(sources[place], outcome, style, args.nbest, named)
        if paths is None:
            for line in lines:
                say(line)
        elif outcome.error is None:
            from espnet2_ext.io.files import write_text

            write_text(paths[place], "".join(f"{line}\n" for line in lines))

    return _run_all(decoder, sources, decoder.load, show, args)


def speak(args: argparse.Namespace) -> int:
    """Speak texts into WAV files.

    Returns:
        1 if a text failed, else 0.
    """
    given = " ".join(args.text)
    from_stdin = given in ("", STDIN)
    texts = [line for line in _stdin_lines() if line] if from_stdin else [given]
    if not texts:
        raise ValueError("no text on standard input; give words to say")
    names = [f"{number:04d}" for number in range(1, len(texts) + 1)]
    paths = _output_paths(args.output, names, ".wav")
    return _generate("tts", args, texts, paths, _reading(args, texts))


def _reading(args: argparse.Namespace, texts: list[str]) -> dict[str, Any]:
    """Keywords of how texts are read, and of who listens."""
    from espnet2_ext.inference.options import ITSELF, CheckOptions, ReadingOptions
    from espnet2_ext.io.options import options_of

    chosen = asdict(options_of(args, ReadingOptions))
    if args.check is None:
        return chosen
    chosen |= asdict(options_of(args, CheckOptions))
    if args.check == ITSELF:
        return chosen | {"check": True}
    from espnet2_ext.scoring.judges import JudgeOptions, judge_ear
    from espnet2_ext.text.spoken import language_of

    language = args.language or language_of(" ".join(texts))
    return chosen | {"check": judge_ear(args.check, JudgeOptions(language))}


def convert(args: argparse.Namespace) -> int:
    """Say what recordings say as another speaker, into WAV files.

    Returns:
        1 if a recording failed, else 0.
    """
    sources = _expand_stdin(args.files)
    paths = _output_paths(args.output, _stems(sources), ".wav")
    return _generate("vc", args, sources, paths)


def adapt(args: argparse.Namespace) -> int:
    """Adapt a model to recordings; what happens is told while it does."""
    from espnet2_ext.adapt.options import AdaptOptions
    from espnet2_ext.adapt.steps import run
    from espnet2_ext.io.options import options_of

    root = logging.getLogger()
    if not args.quiet:
        root.setLevel(logging.INFO)
        for handler in root.handlers:
            handler.addFilter(_of_adapting)
    run(
        Path(args.source), Path(args.output), args.model, options_of(args, AdaptOptions)
    )
    return 0


def _of_adapting(record: logging.LogRecord) -> bool:
    """Pass what ``adapt`` says, clocks, and warnings."""
    own = record.name.startswith("espnet2_ext.adapt") or record.module == "progress"
    return own or record.levelno >= logging.WARNING


def info(args: argparse.Namespace) -> int:
    """Print what is in a model."""
    from espnet2_ext.inference.api import STTATTS
    from espnet2_ext.inference.summary import readable, summarize
    from espnet2_ext.models import SHIPPED

    model = STTATTS.from_pretrained(args.model)
    content = {"model": args.model or str(SHIPPED), **summarize(model)}
    if args.json:
        say(json.dumps(content, ensure_ascii=False))
        return 0
    width = max(map(len, content))
    for name, value in content.items():
        say(f"{name.replace('_', ' '):{width}}  {readable(value)}")
    return 0


def serve(args: argparse.Namespace) -> int:
    """Answer requests until told to end."""
    from espnet2_ext.serve.running import serve

    return serve(args)


def demo(args: argparse.Namespace) -> int:
    """Show the page until told to end."""
    from espnet2_ext.demo_page.page import show_page

    return show_page(args)


# ---- shared by the commands ----------------------------------------------------


def _open_decoder(
    task: str, args: argparse.Namespace, more: dict[str, Any] | None = None
) -> "Decoder":
    from espnet2_ext.formats.import_once import find_or_import
    from espnet2_ext.inference.decode.decoder import Decoder, pick_device, task_options

    options = task_options(task, args)
    pick_device(args)
    return Decoder(task, args, find_or_import(args.model), options | (more or {}))


def _generate(
    task: str,
    args: argparse.Namespace,
    sources: list[str],
    paths: list[Path],
    more: dict[str, Any] | None = None,
) -> int:
    """Speak texts or convert recordings, each into its file."""
    from espnet2_ext.io.files import write_wav

    decoder = _open_decoder(task, args, more)
    speaker = decoder.model.inputs.speaker_table.resolve(args.speaker)

    def load(source: str) -> "Loaded":
        return decoder.load(source, speaker)

    def show(place: int, outcome: "Outcome") -> None:
        if outcome.error is not None:
            return
        speech = outcome.result
        if not speech.stopped:
            logging.warning(
                "%s: the model did not stop by itself; cut at the length limit "
                "(--maxlenratio)",
                paths[place],
            )
        if speech.check is not None and speech.check.error > args.check_threshold:
            logging.warning(
                "%s: %.0f %% of the letters are misheard in the best of %d tries: '%s'",
                paths[place],
                100 * speech.check.error,
                speech.check.tries,
                speech.check.heard,
            )
        write_wav(paths[place], speech.wav, speech.sample_rate)
        if len(paths) > 1:
            say(f"{paths[place]}\t{sources[place]}")

    return _run_all(decoder, sources, load, show, args)


def _run_all(
    decoder: "Decoder",
    sources: list[str],
    load: Callable[[str], "Loaded"],
    show: Callable[[int, "Outcome"], None],
    args: argparse.Namespace,
) -> int:
    """Run everything; show the outcomes in the order of ``sources``."""
    silent = args.quiet or len(sources) < 2 or not sys.stderr.isatty()
    bar = tqdm(total=len(sources), disable=silent, file=sys.stderr)
    places = range(len(sources))
    waiting: dict[int, Outcome] = {}
    shown = failures = 0
    for outcomes in decoder.run(places, lambda place: load(sources[place]), bar):
        waiting.update(outcomes)
        while shown in waiting:
            outcome = waiting.pop(shown)
            if outcome.error is not None:
                failures += 1
                source, error = sources[shown], outcome.error
                complain(error if source in error else f"{source}: {error}")
            show(shown, outcome)
            shown += 1
    if failures and len(sources) > 1:
        complain(f"{failures} of {len(sources)} failed")
    return 1 if failures else 0


def _transcript_lines(
    source: str, outcome: "Outcome", style: str, nbest: int, named: bool
) -> Iterable[str]:
    """Lines to print for one recording."""
    from espnet2_ext.inference import subtitles
    from espnet2_ext.inference.words import joined

    content: dict[str, Any] = {"file": source}
    if outcome.error is not None:
        content["error"] = outcome.error
        if style == "json":
            yield json.dumps(content, ensure_ascii=False)
        return
    ranked = joined(outcome.result)
    if style == "json":
        entries = [transcript._asdict() for transcript in ranked]
        segments = [asdict(segment) for segment in outcome.result]
        for segment in segments:
            del segment["nbest"]
        content |= {**entries[0], "nbest": entries, "segments": segments}
        yield json.dumps(content, ensure_ascii=False)
    elif style == "text":
        name = f"{source}\t" if named else ""
        for transcript in ranked:
            score = f"{transcript.score:.4f}\t" if nbest > 1 else ""
            yield f"{name}{score}{transcript.text}"
    else:
        yield from getattr(subtitles, style)(outcome.result)


def _stdin_lines() -> list[str]:
    return [line.strip() for line in sys.stdin]


def _expand_stdin(files: Sequence[str]) -> list[str]:
    """Paths, with ``-`` replaced by the lines of standard input."""
    paths = []
    for name in files:
        paths += [line for line in _stdin_lines() if line] if name == STDIN else [name]
    if not paths:
        raise ValueError("no files on standard input; give one path a line")
    return paths


def _stems(sources: Sequence[str]) -> list[str]:
    return [Path(source).stem for source in sources]


def _output_paths(output: str, names: Sequence[str], suffix: str) -> list[Path]:
    """Files to write: one file, or one for each name in a folder or a pattern."""
    folder = output.endswith(os.sep) or Path(output).is_dir()
    pattern = os.path.join(output, PLACE + suffix) if folder else output
    if PLACE not in pattern and len(names) > 1:
        raise ValueError(
            f"{len(names)} outputs do not fit into one file '{output}'; give a folder "
            f"('{output}{os.sep}') or a name with {PLACE} in it"
        )
    paths = [Path(pattern.replace(PLACE, name)) for name in names]
    wrong = next((path for path in paths if path.suffix.lower() != suffix), None)
    if wrong is not None:
        kind = suffix[1:].upper() if suffix in (".wav", ".srt", ".vtt") else suffix[1:]
        raise ValueError(f"{wrong}: only {kind} is written; end the name in {suffix}")
    repeated = next((path for path, n in Counter(paths).items() if n > 1), None)
    if repeated is not None:
        raise ValueError(
            f"{repeated} would be written twice; convert files of the same name in "
            "separate runs"
        )
    return paths


# ---- messages, around a progress bar -------------------------------------------


def say(line: str) -> None:
    """Print a result."""
    _print(line, sys.stdout)


def complain(message: str) -> None:
    """Tell the user about a problem."""
    _print(f"sttatts: {message}", sys.stderr)


def _print(line: str, stream: TextIO) -> None:
    with tqdm.external_write_mode(stream):
        print(line, file=stream, flush=True)


class PlainHandler(logging.Handler):
    """Shows log records in the manner of the other messages, each once."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        message = record.getMessage()
        if record.module == "progress":
            # Not around a bar: it may be the bar itself that speaks.
            print(message, file=sys.stderr, flush=True)
            return
        if record.levelno <= logging.INFO:
            _print(message, sys.stderr)
            return
        message = f"{record.levelname.lower()}: {message}"
        if message not in self._shown:
            self._shown.add(message)
            complain(message)
