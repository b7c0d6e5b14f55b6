"""Kaldi-style data directories: python -m tools.recipe.datadir --help."""

import argparse
import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from espnet2_ext.data.audio_dump import SPEEDS
from espnet2_ext.data.kaldi_checks import (
    DROPPED,
    REQUIRED,
    AudioLimits,
    length_problem,
    unusable,
    validate,
    write_reasons,
)
from espnet2_ext.data.kaldi_dir import KaldiDir
from espnet2_ext.io.options import add_command, add_options, options_of, run_command
from espnet2_ext.io.tables import read_table, read_values, whole_number

COPIED = ("source", "target")


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 if all is well, 1 if not."""
    args = _parser().parse_args(argv)
    return run_command("datadir", lambda: args.run(args))


def _limits(args: argparse.Namespace) -> AudioLimits | None:
    return None if args.no_audio else options_of(args, AudioLimits)


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
    data = renamed(KaldiDir.read(args.source), args.utt_prefix, args.spk_prefix)
    return _write(data, args.target)


def _speed(args: argparse.Namespace) -> int:
    data = KaldiDir.read(args.source)
    parts = []
    for factor in args.factors:
        if not 0.5 <= factor <= 2:
            raise ValueError(f"speed {factor:g}: from 0.5 to 2 are possible")
        prefix = "" if factor == 1 else f"sp{factor:g}-"
        part = renamed(data, prefix, prefix)
        # Counted before the change of speed; the dump counts anew.
        part.tables.pop("utt2num_samples", None)
        part.tables[SPEEDS] = dict.fromkeys(part.utterances, f"{factor:g}")
        parts.append(part)
    return _write(combine(parts), args.target)


def _subset(args: argparse.Namespace) -> int:
    data = KaldiDir.read(args.source)
    uids = data.complete
    if args.utt_list:
        wanted = set(read_values(args.utt_list))
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
    limits = options_of(args, AudioLimits)
    dropped = {}
    for uid in data.utterances:
        problem = data.lacking(uid)
        if problem is None:
            tokened = tokens.get(uid, "0").partition(",")[0]
            problem = length_problem(
                whole_number(samples[uid], f"{args.source}/utt2num_samples: '{uid}'"),
                limits,
                whole_number(tokened, f"{args.token_counts}: '{uid}'"),
                args.max_tokens,
            )
        if problem:
            dropped[uid] = problem
    for line in write_reasons(args.target, DROPPED, dropped):
        print(line, file=sys.stderr)
    total = len(data.utterances)
    print(f"{args.source}: {len(dropped)} of {total} utterances dropped")
    return _write(data.keep(set(data.utterances) - set(dropped)), args.target)


def fix(folder: Path, limits: AudioLimits | None) -> list[str]:
    """Sort, drop what cannot be used, rebuild ``spk2utt``; in place.

    Args:
        folder: the directory.
        limits: also drop utterances whose audio does not meet these.

    Returns:
        One line per utterance that was dropped or repaired.

    Raises:
        FileNotFoundError: no such directory.
        ValueError: nothing would be left, or what is wrong cannot be repaired.
    """
    data = KaldiDir.read(folder)
    for name in REQUIRED:
        if name not in data.tables:
            raise ValueError(f"{folder / name}: missing, which cannot be repaired")
    notes = list(data.problems)
    utt2spk = data.tables["utt2spk"]
    for uid, speaker in utt2spk.items():
        utt2spk[uid] = "_".join(speaker.split())
        if utt2spk[uid] != speaker:
            notes.append(f"utterance '{uid}': speaker '{speaker}' has a space; '_' now")
    bad, kept = unusable(data, limits), []
    for uid in data.utterances:
        if problem := data.lacking(uid) or bad.get(uid):
            notes.append(f"utterance '{uid}': {problem}; dropped")
        else:
            kept.append(uid)
    if not kept:
        raise ValueError(f"{folder}: no utterance would be left")
    data.keep(kept).write(folder)
    left = validate(folder, None)
    if left:
        raise ValueError(f"{left[0]} ({len(left)} such), which cannot be repaired")
    return notes


def combine(parts: Iterable[KaldiDir]) -> KaldiDir:
    """Join directories that hold the same tables.

    Raises:
        ValueError: tables that only some parts have, or repeated utterance ids.
    """
    parts = list(parts)
    names = set(parts[0].tables)
    for part in parts[1:]:
        if set(part.tables) != names:
            odd = sorted(set(part.tables) ^ names)
            raise ValueError(f"tables in some directories only: {odd}")
    tables: dict[str, dict[str, str]] = {name: {} for name in names}
    for part in parts:
        for name, values in part.tables.items():
            repeated = sorted(set(values) & set(tables[name]))
            if repeated:
                raise ValueError(
                    f"{name}: utterance '{repeated[0]}' is in two directories "
                    f"({len(repeated)} such); give them prefixes first"
                )
            tables[name].update(values)
    return KaldiDir(tables)


def renamed(data: KaldiDir, utt_prefix: str = "", spk_prefix: str = "") -> KaldiDir:
    """Give the same data with longer utterance and speaker ids."""
    tables = {}
    for name, values in data.tables.items():
        prefix = spk_prefix if name == "utt2spk" else ""
        tables[name] = {utt_prefix + u: prefix + v for u, v in values.items()}
    return KaldiDir(tables)


def _write(data: KaldiDir, target: Path) -> int:
    if not data.utterances:
        raise ValueError(f"{target}: nothing to write, no utterance is left")
    data.write(target)
    print(f"{target}: {len(data.utterances)} utterances")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="datadir", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        run: Callable[..., int], text: str, *folders: str
    ) -> argparse.ArgumentParser:
        name = run.__name__.removeprefix("_")
        sub = add_command(commands, name, run, text, text)
        for folder in folders:
            sub.add_argument(folder, type=Path)
        return sub

    for run, text in (
        (_validate, "List everything that is wrong with a directory"),
        (_fix, "Sort, drop what cannot be used, rebuild spk2utt; in place"),
    ):
        sub = command(run, text, "folder")
        sub.add_argument("--no_audio", action="store_true", help="tables only")
        add_options(sub, AudioLimits)
    sub = command(_copy, "Copy a directory, with longer ids if asked", *COPIED)
    sub.add_argument("--utt_prefix", default="")
    sub.add_argument("--spk_prefix", default="")
    text = "Copy a directory once for each speed, which the dump applies"
    sub = command(_speed, text, *COPIED)
    sub.add_argument("--factors", type=float, nargs="+", default=[0.9, 1.0, 1.1])
    sub = command(_subset, "Take some utterances", *COPIED)
    sub.add_argument("--utt_list", type=Path, help="file with an id at each line start")
    sub.add_argument("--first", type=int)
    sub.add_argument("--last", type=int)
    sub.add_argument("--random", type=int)
    sub.add_argument("--seed", type=int, default=0)
    sub = command(_combine, "Join directories with the same tables", "target")
    sub.add_argument("sources", type=Path, nargs="+")
    text = "Take utterances within limits; 'dropped' says of the others why"
    sub = command(_filter, text, *COPIED)
    sub.add_argument("--token_counts", type=Path, help="table of token counts")
    sub.add_argument("--max_tokens", type=int, default=600)
    add_options(sub, AudioLimits)
    return parser


if __name__ == "__main__":
    sys.exit(main())
