"""Decode a set: python -m espnet2_ext.bin.sttatts_inference --help.

Nothing here imports torch, so that ``--help`` answers at once; the work is in
``inference/decode``, and for several jobs in ``bin/decoding_jobs.py``.
"""

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from espnet2_ext.inference.options import (
    ComputingOptions,
    GenerationOptions,
    InputOptions,
    LMOptions,
    SearchOptions,
    add_kinds,
)
from espnet2_ext.io.messages import one_line, shown
from espnet2_ext.io.model_files import OPTIONAL_NAMES, ModelFiles
from espnet2_ext.io.options import OptionGroup, add_options, options_of
from espnet2_ext.io.settings import parse_yaml
from espnet2_ext.io.threads import wait_asleep
from espnet2_ext.jobs.clusters import JobOptions

LOG_LINES = "%(asctime)s (%(module)s:%(lineno)d) %(levelname)s: %(message)s"
LOGS = "logdir"
"""Folder of the jobs' logs, ``<task>_inference.<job>.log``, as ESPnet has them."""

DESCRIPTION = """\
Recognise, synthesise or convert a set of utterances.

Writes into --output_dir, as ESPnet does:
  asr      1best_recog/{text,token,token_int,score}, 2best_recog/… for --nbest
  tts, vc  wav/<id>.wav, wav.scp, speech_shape/speech_shape (frames,bins),
           lengths (samples), stopped (0: cut at the length limit),
           feats/<id>.npy for --write_feats, att_ws/ and probs/ for --write_plots
  all      failed (id and reason), journal.jsonl (finished utterances), .done,
           logdir/<task>_inference.<job>.log

A killed run goes on where it was when it is started again with the same options;
results of other options or of another model are only removed by --overwrite.
Results do not depend on the batch size, on the number of jobs, nor on the order or
the choice of the utterances."""


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its options; those of the process by default.

    Returns:
        The exit code: 1 if utterances failed or nothing could be done.
    """
    wait_asleep()
    try:
        args = parse_options(sys.argv[1:] if argv is None else argv)
        logging.basicConfig(level=args.log_level, format=LOG_LINES, force=True)
        return _decode(args)
    except KeyboardInterrupt:
        print("interrupted; run it again to go on", file=sys.stderr)
        return 130
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        print(f"sttatts_inference: error: {one_line(error)}", file=sys.stderr)
        return 1


def _decode(args: argparse.Namespace) -> int:
    from espnet2_ext.inference.decode.decode_set import DecodingRun
    from espnet2_ext.io.files import only_writer

    jobs = options_of(args, JobOptions)
    run = DecodingRun(args, choose_files(args))
    with only_writer(run.folder):
        journal = run.open_journal()
        if jobs.needs_cluster:
            from espnet2_ext.bin.decoding_jobs import decode_in_jobs

            failures = decode_in_jobs(run, journal, args, jobs)
        else:
            with logging_to(log_file(args, 1), args.log_level):
                missing = run.missing(journal)
                failures = run.decode(missing, journal) if missing else {}
        return run.finish(journal, failures)


@contextmanager
def logging_to(log: Path, level: str) -> Iterator[None]:
    """Write what is logged, and an error that ends it, into a file, too."""
    log.parent.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    handler = logging.FileHandler(log, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter(LOG_LINES))
    handler.setLevel(level)
    root.addHandler(handler)
    try:
        yield
    except Exception as error:
        if handler.stream is not None:
            handler.stream.write(f"error: {one_line(error)}\n")
        raise
    finally:
        root.removeHandler(handler)
        handler.close()


def log_file(args: argparse.Namespace, job: int) -> Path:
    """Where the log of a job is; they count from 1."""
    return Path(args.output_dir) / LOGS / f"{args.task}_inference.{job}.log"


def parse_options(words: list[str]) -> argparse.Namespace:
    """Read the options of a command line and of its ``--inference_config``.

    Raises:
        ValueError, OSError: the YAML file cannot be used.
        SystemExit: the options are wrong.
    """
    parser = _build_parser()
    early, _ = _early_parser().parse_known_args(words)
    args = parser.parse_args(_words_of_yaml(early.inference_config, parser) + words)
    for name, other in (("lm", "lm_file"), ("ngram", "ngram_file")):
        own, espnet = getattr(args, name), getattr(args, other)
        if own and espnet:
            raise ValueError(f"--{name} and --{other} are the same option; give one")
        setattr(args, name, own or espnet)
    if args.task != "asr" and (args.lm or args.ngram):
        raise ValueError(f"--task {args.task} has no use for a language model")
    if args.lm_train_config and not args.lm:
        raise ValueError("--lm_train_config goes with --lm_file")
    return args


def choose_files(args: argparse.Namespace) -> ModelFiles:
    """Files of ``--model``, or of ``--train_config`` and ``--model_file``.

    Raises:
        ValueError: neither or both are given.
        FileNotFoundError: a file is not there.
    """
    pair = (args.train_config, args.model_file)
    if args.model and not any(pair):
        from espnet2_ext.formats.import_once import find_or_import

        files = find_or_import(args.model)
    elif not args.model and all(pair):
        config, weights = map(Path, pair)
        beside = {key: config.parent / name for key, name in OPTIONAL_NAMES.items()}
        files = ModelFiles(
            config, weights, **{k: path for k, path in beside.items() if path.exists()}
        )
    else:
        raise ValueError("give either --model, or --train_config with --model_file")
    own = {name: getattr(args, name) for name in ("bpemodel", "speakers")}
    files = replace(files, **{k: Path(path) for k, path in own.items() if path})
    for path in astuple(files):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"{path}: no such file")
    return files


def _early_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--inference_config")
    return parser


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m espnet2_ext.bin.sttatts_inference",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    run = OptionGroup(parser, "run", dashes=False)
    run.add("task", choices=["asr", "tts", "vc"], required=True, help="what to do")
    run.add("output_dir", required=True, help="folder of the results")
    run.add(
        "inference_config", help="YAML file of options; the command line goes first"
    )
    run.add(
        "allow_failures",
        type=int,
        default=0,
        help="utterances that may fail without making the exit code 1 (default: 0)",
    )
    run.add(
        "overwrite",
        type=_yes_or_no,
        nargs="?",
        const=True,
        metavar="BOOL",
        default=False,
        help="remove results of other options or another model (default: false)",
    )
    run.add("log_level", default="INFO", help="DEBUG, INFO, WARNING or ERROR")
    _add_data(parser)
    _add_model(parser)
    add_kinds(parser, (SearchOptions, LMOptions))
    espnet = OptionGroup(parser, "the same, named as in ESPnet", dashes=False)
    espnet.add(
        "lm_train_config",
        type=Path,
        help="config.yaml of the language model's training",
    )
    espnet.add("lm_file", help="its weights; like --lm, where that is beside them")
    espnet.add("ngram_file", help="like --ngram")
    add_kinds(parser, (GenerationOptions,))
    results = OptionGroup(parser, "results of tts and vc", dashes=False)
    results.add(
        "write_feats",
        type=_yes_or_no,
        nargs="?",
        const=True,
        metavar="BOOL",
        default=False,
        help="also write mel spectrograms (default: false)",
    )
    results.add(
        "write_plots",
        type=int,
        default=0,
        help="pictures of attention and stop probability for the first N utterances",
    )
    add_kinds(parser, (InputOptions, ComputingOptions))
    machine = OptionGroup(parser, "machine", dashes=False)
    machine.add(
        "ngpu", type=int, default=0, help="1: --device cuda (default: 0, --device cpu)"
    )
    machine.add(
        "num_workers",
        type=int,
        default=1,
        help="threads that read ahead; 0 reads between the batches (default: 1)",
    )
    add_options(parser, JobOptions, "jobs")
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    data = OptionGroup(parser, "data", dashes=False)
    data.add(
        "data_path_and_name_and_type",
        action="append",
        required=True,
        metavar="PATH,NAME,TYPE",
        help="inputs: asr_speech; tts_text and tts_spembs; vc_speech and vc_spembs. "
        "Types: sound, kaldi_ark, npy; text; for spembs also text, names of the "
        "model's speakers",
    )
    data.add("key_file", help="its first column chooses and orders the utterances")
    data.add(
        "speaker",
        help="of all utterances, instead of spembs: a name, a .npy file or a recording",
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    model = OptionGroup(parser, "model", dashes=False)
    model.add(
        "model",
        help="directory, packed zip, address, model-zoo tag or Hugging Face name",
    )
    model.add("train_config", help="config.yaml of a training, with --model_file")
    model.add("model_file", help="weights of a training, with --train_config")
    model.add("bpemodel", help="SentencePiece model, if it is not beside the model")
    model.add("speakers", help="speakers.npz, if it is not beside the model")
    model.add(
        "vocoder",
        help="of tts and vc: directory, checkpoint or 'griffin_lim' (default: the "
        "model's own, else griffin_lim)",
    )


def _words_of_yaml(path: str | None, parser: argparse.ArgumentParser) -> list[str]:
    """Write the options of a YAML file as a command line, which checks them.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not plain options, or unknown ones.
    """
    if path is None:
        return []
    content = parse_yaml(Path(path).read_bytes(), path) or {}
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected lines 'option: value'")
    known = {action.dest for action in parser._actions} - {"help", "inference_config"}
    words: list[str] = []
    for name, value in content.items():
        if name not in known:
            raise ValueError(f"{path}: unknown option '{name}'")
        values: list[Any] = value if isinstance(value, list) else [value]
        for item in values:
            if not isinstance(item, str | int | float | None):
                raise ValueError(f"{path}: {name}: {shown(item)} is no plain value")
        words += [f"--{name}={item}" for item in values if item is not None]
    return words


def _yes_or_no(text: str) -> bool:
    words = {"true": True, "yes": True, "1": True}
    words |= {"false": False, "no": False, "0": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"'{text}' is neither true nor false")
    return words[text.lower()]


if __name__ == "__main__":
    sys.exit(main())
