"""The command ``sttatts``: transcribe, speak, convert, adapt, info, serve, demo.

Nothing here imports torch, so that ``--help`` answers at once; the work is in
``cli.py``.
"""

import argparse
import logging
import os
import sys
import warnings

import espnet2_ext.cli as cli
from espnet2_ext.adapt.options import AdaptOptions
from espnet2_ext.demo_page.options import PageOptions
from espnet2_ext.inference.options import (
    ITSELF,
    CheckOptions,
    ComputingOptions,
    GenerationOptions,
    InputOptions,
    LMOptions,
    ReadingOptions,
    SearchOptions,
    add_kinds,
)
from espnet2_ext.io.messages import one_line
from espnet2_ext.io.options import OptionGroup, add_options, with_dashes
from espnet2_ext.io.threads import wait_asleep
from espnet2_ext.serve.options import KEY_VARIABLE, ServeOptions

MODEL_VARIABLE = "STTATTS_MODEL"

DESCRIPTION = """\
Recognise, synthesise and convert speech with one STTATTS model.

A small English model comes with the package. Another one (-m, or the variable
STTATTS_MODEL) is a directory, a packed zip, the address of one, a model-zoo tag
(user/model), or SpeechT5 of another project: its name on Hugging Face
(microsoft/speecht5_asr), its directory, or a fairseq file with its dict.txt beside
it."""

EXAMPLES = """\
examples:
  sttatts speak "hello world" -o out.wav
  sttatts transcribe a.wav b.flac
  export STTATTS_MODEL=exp/model
  find . -name '*.wav' | sttatts transcribe --json - > transcripts.jsonl
  sttatts speak -o book/ --speaker anna < lines.txt
  sttatts speak "It costs $3.50." -o price.wav --check
  sttatts convert in.wav -o out.wav --speaker omar
  sttatts adapt my_recordings/ -o mine.zip --minutes 30
  sttatts info
  sttatts serve --port 8000
  sttatts demo

The variable OMP_NUM_THREADS says how many CPU cores to use (default: all).
The exit code is 0, or 1 if an input failed, or 2 for a mistake in the options."""

OUTPUT_HELP = (
    "WAV file to write (16-bit PCM); for several a folder ('out/') or a name with "
    "{name} in it, which stands for %s"
)


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: the words after ``sttatts``; those of the process by default.

    Returns:
        The exit code.
    """
    wait_asleep()
    words = sys.argv[1:] if argv is None else argv
    args = _build_parser().parse_args(with_dashes(words))
    _set_up_logging(args.debug, args.quiet)
    try:
        return getattr(cli, args.command)(args)
    except KeyboardInterrupt:
        cli.complain("interrupted")
        return 130
    except BrokenPipeError:
        # The reader of our output went away; Python must not try to flush it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, ImportError) as error:
        if args.debug:
            raise
        cli.complain(one_line(error))
        return 1


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sttatts",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", title="commands"
    )
    _add_transcribe(commands)
    _add_speak(commands)
    _add_convert(commands)
    _add_adapt(commands)
    _add_info(commands)
    _add_serve(commands)
    _add_demo(commands)
    return parser


def _add_transcribe(commands: "argparse._SubParsersAction") -> None:
    parser = _command(
        commands,
        "transcribe",
        "print what is said in recordings",
        "Prints the text of one recording, or 'file<TAB>text' lines for several; with "
        "--nbest above 1 a score stands before each text. Long recordings are cut at "
        "pauses.",
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="recordings (WAV, FLAC, OGG, MP3, …); '-' reads paths from standard "
        "input, one a line",
    )
    parser.add_argument(
        "--format",
        choices=[*cli.SUFFIXES],
        default="text",
        help="text; json: one object a line with file, text, tokens, token_ids, score, "
        "times (s), nbest and segments, which have words with start and end (s), or "
        "file and error; srt, vtt: subtitles (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="file to write instead of printing; for several recordings a folder "
        "('out/') or a name with {name} in it, which stands for the recording's name",
    )
    kinds = (SearchOptions, LMOptions, InputOptions, ComputingOptions)
    add_kinds(parser, kinds, dashes=True)


def _add_speak(commands: "argparse._SubParsersAction") -> None:
    parser = _command(
        commands,
        "speak",
        "speak texts into WAV files",
        "Speaks one text, or every line of standard input.",
    )
    parser.add_argument(
        "text",
        nargs="*",
        metavar="TEXT",
        help="what to say; none or '-' reads standard input, one text a line",
    )
    _add_speech(parser, "the line's number", recordings=False)
    parser.add_argument(
        "--check",
        nargs="?",
        const=ITSELF,
        metavar="JUDGE",
        help="let the model hear what it says, or a judge (whisper:base), and speak "
        "again what is misheard; behind the text",
    )
    add_kinds(parser, (ReadingOptions, CheckOptions), dashes=True)


def _add_convert(commands: "argparse._SubParsersAction") -> None:
    parser = _command(
        commands,
        "convert",
        "say the same as another speaker",
        "Another speaker says what the recordings say.",
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="recordings; '-' reads paths from standard input, one a line",
    )
    _add_speech(parser, "the recording's name", recordings=True)


def _add_adapt(commands: "argparse._SubParsersAction") -> None:
    parser = _command(
        commands,
        "adapt",
        "make a model of your own from recordings",
        "Checks the recordings, trains for recognition and speech in the time that is "
        "given, and says how well both go before and after. The same command goes on "
        "where it was stopped.",
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="folder with metadata.csv (lines 'file|text', as LJSpeech's or Piper's), "
        "Kaldi directory, lhotse manifest, or folder of a Hugging Face dataset",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="ZIP",
        help="packed model to write; NAME.adapt beside it has all else",
    )
    add_options(parser, AdaptOptions, "adaptation", dashes=True)


def _add_info(commands: "argparse._SubParsersAction") -> None:
    parser = _command(
        commands,
        "info",
        "say what is in a model",
        "Lists sizes, tasks, languages, symbols, speakers and vocoder of a model.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_serve(commands: "argparse._SubParsersAction") -> None:
    parser = _command(
        commands,
        "serve",
        "answer requests over HTTP, as OpenAI's audio interface does",
        "Serves /v1/audio/transcriptions, /v1/audio/speech, /v1/audio/conversions, "
        f"/v1/models, /v1/voices, /health and /metrics. A key in {KEY_VARIABLE} is "
        "asked of every request but /health.",
    )
    add_options(parser, ServeOptions, "server", dashes=True)
    _add_vocoder(OptionGroup(parser, "vocoder", dashes=True))
    heard, said = (SearchOptions, LMOptions), (GenerationOptions, ReadingOptions)
    kinds = (*heard, *said, InputOptions, ComputingOptions)
    add_kinds(parser, kinds, dashes=True)


def _add_demo(commands: "argparse._SubParsersAction") -> None:
    parser = _command(
        commands,
        "demo",
        "show a page to listen, speak and convert on",
        "Serves a web page: record or drop a file and read it, type and hear it voice "
        "by voice with its mel and attention, convert. Works without a network.",
    )
    add_options(parser, PageOptions, "page", dashes=True)
    add_kinds(parser, (ComputingOptions,), True, ("batch_size", "dtype"))


def _command(
    commands: "argparse._SubParsersAction", name: str, summary: str, description: str
) -> argparse.ArgumentParser:
    """Make a sub-command with the options that all of them have."""
    parser = commands.add_parser(name, help=summary, description=description)
    parser.add_argument(
        "-m",
        "--model",
        default=os.environ.get(MODEL_VARIABLE) or None,
        help="directory, packed zip, address, model-zoo tag or Hugging Face name "
        "(default: the variable STTATTS_MODEL, else the one of the package)",
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no progress bar, no warnings"
    )
    parser.add_argument(
        "--debug", action="store_true", help="show where in the code an error arose"
    )
    return parser


def _add_speech(
    parser: argparse.ArgumentParser, placeholder: str, recordings: bool
) -> None:
    """Add the options of both commands that write speech."""
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="WAV",
        help=OUTPUT_HELP % placeholder,
    )
    group = OptionGroup(parser, "speaker and vocoder", dashes=True)
    group.add(
        "speaker",
        help="who speaks: a name that 'sttatts info' lists, a .npy file, or a "
        "recording where the extractor is installed (default: the model's own, or "
        "only speaker)",
    )
    _add_vocoder(group)
    kinds = (GenerationOptions, InputOptions, ComputingOptions)
    add_kinds(parser, kinds, True, () if recordings else ("max_seconds",))


def _add_vocoder(group: OptionGroup) -> None:
    group.add(
        "vocoder",
        help="directory, checkpoint or Hugging Face name of a vocoder, or "
        "'griffin_lim' (default: the model's own, else griffin_lim)",
    )


def _set_up_logging(debug: bool, quiet: bool) -> None:
    level = logging.ERROR if quiet else logging.WARNING
    logging.basicConfig(handlers=[cli.PlainHandler()], level=level, force=True)
    if not debug:
        warnings.simplefilter("ignore")


if __name__ == "__main__":
    sys.exit(main())
