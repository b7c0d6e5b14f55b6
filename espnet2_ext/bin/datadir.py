"""Kaldi-style data directories: python -m espnet2_ext.bin.datadir --help."""

import argparse
import random
import sys
from pathlib import Path

from espnet2_ext.data.audio_dump import SPEEDS
from espnet2_ext.data.kaldi_checks import (
    DROPPED,
    AudioLimits,
    fix,
    length_problem,
    validate,
    write_reasons,
)
from espnet2_ext.data.kaldi_dir import KaldiDir, combine
from espnet2_ext.io.tables import read_table


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 if all is well, 1 if not."""
    args = _parser().parse_args(argv)
    try:
        return args.run(args)
    except (OSError, ValueError) as error:
        print(f"datadir: {error}", file=sys.stderr)
        return 1


def _limits(args: argparse.Namespace) -> AudioLimits | None:
    if args.no_audio:
        return None
    return AudioLimits(args.fs, args.min_seconds, args.max_seconds)


def _validate(args: argparse.Namespace) -> int:
    problems = validate(args.folder, _limits(args))
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(
            f"{args.folder}: {len(problems)} problems; 'datadir fix' repairs what can "
            "be repaired",
            file=sys.stderr,
        )
        return 1
    count = len(KaldiDir.read(args.folder).utterances)
    print(f"{args.folder}: {count} utterances, all well")
    return 0


def _fix(args: argparse.Namespace) -> int:
    before = len(KaldiDir.read(args.folder).utterances)
    for note in fix(args.folder, _limits(args)):
        print(note, file=sys.stderr)
    after = len(KaldiDir.read(args.folder).utterances)
    print(f"{args.folder}: {after} of {before} utterances kept")
    return 0


def _copy(args: argparse.Namespace) -> int:
    data = KaldiDir.read(args.source).rename(args.utt_prefix, args.spk_prefix)
    return _write(data, args.target)


def _speed(args: argparse.Namespace) -> int:
    data = KaldiDir.read(args.source)
    parts = []
    for factor in args.factors:
        if not 0.5 <= factor <= 2:
            raise ValueError(f"speed {factor:g}: from 0.5 to 2 are possible")
        prefix = "" if factor == 1 else f"sp{factor:g}-"
        part = data.rename(prefix, prefix)
        # Counted before the change of speed; the dump counts anew.
        part.tables.pop("utt2num_samples", None)
        part.tables[SPEEDS] = dict.fromkeys(part.utterances, f"{factor:g}")
        parts.append(part)
    return _write(combine(parts), args.target)


def _subset(args: argparse.Namespace) -> int:
    data = KaldiDir.read(args.source)
    uids = data.complete
    if args.utt_list:
        words = args.utt_list.read_text(encoding="utf-8").splitlines()
        wanted = {line.split()[0] for line in words if line.strip()}
        unknown = sorted(wanted - set(uids))
        if unknown:
            raise ValueError(
                f"{args.utt_list}: '{unknown[0]}' is not in {args.source} "
                f"({len(unknown)} such)"
            )
        uids = [uid for uid in uids if uid in wanted]
    if args.first is not None:
        uids = uids[: args.first]
    if args.last is not None:
        uids = uids[-args.last :]
    if args.random is not None:
        uids = random.Random(args.seed).sample(uids, min(args.random, len(uids)))
    return _write(data.keep(uids), args.target)


def _combine(args: argparse.Namespace) -> int:
    return _write(combine(KaldiDir.read(part) for part in args.sources), args.target)


def _filter(args: argparse.Namespace) -> int:
    data = KaldiDir.read(args.source)
    samples = data.tables.get("utt2num_samples")
    if samples is None:
        raise ValueError(f"{args.source / 'utt2num_samples'}: missing; run the dump")
    tokens = read_table(args.token_counts).values if args.token_counts else {}
    limits = AudioLimits(args.fs, args.min_seconds, args.max_seconds)
    dropped = {}
    for uid in data.utterances:
        count = int(tokens.get(uid, "0").split(",")[0])
        problem = data.lacking(uid) or length_problem(
            int(samples[uid]), limits, count, args.max_tokens
        )
        if problem:
            dropped[uid] = problem
    for line in write_reasons(args.target, DROPPED, dropped):
        print(line, file=sys.stderr)
    total = len(data.utterances)
    print(f"{args.source}: {len(dropped)} of {total} utterances dropped")
    return _write(data.keep(set(data.utterances) - set(dropped)), args.target)


def _write(data: KaldiDir, target: Path) -> int:
    if not data.utterances:
        raise ValueError(f"{target}: nothing to write, no utterance is left")
    data.write(target)
    print(f"{target}: {len(data.utterances)} utterances")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="datadir", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, run, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    for name, run, text in (
        ("validate", _validate, "List everything that is wrong with a directory"),
        ("fix", _fix, "Sort, drop what cannot be used, rebuild spk2utt; in place"),
    ):
        sub = command(name, run, text)
        sub.add_argument("folder", type=Path)
        sub.add_argument("--no_audio", action="store_true", help="tables only")
        _add_limits(sub)
    sub = command("copy", _copy, "Copy a directory, with longer ids if asked")
    sub.add_argument("source", type=Path)
    sub.add_argument("target", type=Path)
    sub.add_argument("--utt_prefix", default="")
    sub.add_argument("--spk_prefix", default="")
    sub = command(
        "speed", _speed, "Copy a directory once for each speed, which the dump applies"
    )
    sub.add_argument("source", type=Path)
    sub.add_argument("target", type=Path)
    sub.add_argument("--factors", type=float, nargs="+", default=[0.9, 1.0, 1.1])
    sub = command("subset", _subset, "Take some utterances")
    sub.add_argument("source", type=Path)
    sub.add_argument("target", type=Path)
    sub.add_argument("--utt_list", type=Path, help="file with an id at each line start")
    sub.add_argument("--first", type=int)
    sub.add_argument("--last", type=int)
    sub.add_argument("--random", type=int)
    sub.add_argument("--seed", type=int, default=0)
    sub = command("combine", _combine, "Join directories with the same tables")
    sub.add_argument("target", type=Path)
    sub.add_argument("sources", type=Path, nargs="+")
    sub = command(
        "filter",
        _filter,
        "Take utterances within limits; 'dropped' says of the others why",
    )
    sub.add_argument("source", type=Path)
    sub.add_argument("target", type=Path)
    sub.add_argument("--token_counts", type=Path, help="table of token counts")
    sub.add_argument("--max_tokens", type=int, default=600)
    _add_limits(sub)
    return parser


def _add_limits(parser: argparse.ArgumentParser) -> None:
    limits = AudioLimits()
    parser.add_argument("--fs", type=int, default=limits.sample_rate, help="Hz")
    parser.add_argument("--min_seconds", type=float, default=limits.min_seconds)
    parser.add_argument("--max_seconds", type=float, default=limits.max_seconds)


if __name__ == "__main__":
    sys.exit(main())
