"""Micro-batches of one task: which utterances, by ``--batch_type``."""

import argparse
import logging
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from espnet2.fileio.read_text import load_num_sequence_text
from espnet2.samplers.build_batch_sampler import BATCH_TYPES, build_batch_sampler

from espnet2_ext.data.buckets import LengthBuckets, bucket_batches
from espnet2_ext.data.names import SIZE_OF
from espnet2_ext.io.messages import listed
from espnet2_ext.patches import register

Batches = list[tuple[str, ...]]

BUCKETS = "buckets"
"""The batch type that is ours."""

register(
    BATCH_TYPES,
    BUCKETS,
    "Batches of up to --batch_bins samples, padding counted, whose waves are padded to "
    "one of a few lengths (--bucket_multiple, --bucket_growth), so that shapes repeat. "
    "With --bucket_multiple 0 the same as 'numel'.\n",
)

_COUNTED_IN_ROWS = ("unsorted", "sorted", "folded")
"""Batch types that read ``--batch_size``."""

_DEFAULT_BATCH_SIZE = 20
"""ESPnet's."""


def speech_buckets(args: argparse.Namespace) -> LengthBuckets | None:
    """Allowed padded wave lengths, or None where batches keep their own length."""
    if not args.bucket_multiple:
        return None
    return LengthBuckets(args.bucket_multiple, args.bucket_growth)


def text_buckets(args: argparse.Namespace) -> LengthBuckets | None:
    """Allowed padded text lengths, or None."""
    return LengthBuckets(args.text_multiple) if args.text_multiple else None


def unused_options(args: argparse.Namespace) -> list[str]:
    """Options that somebody set and that ``--batch_type`` does not read."""
    remarks = []
    changed = args.batch_size != _DEFAULT_BATCH_SIZE
    if changed and args.batch_type not in _COUNTED_IN_ROWS:
        remarks.append(
            f"--batch_size {args.batch_size} does nothing with --batch_type "
            f"{args.batch_type}, whose batches have up to --batch_bins "
            f"{args.batch_bins} samples; it counts with --batch_type sorted, unsorted "
            "or folded"
        )
    if args.batch_type != "folded" and args.fold_length:
        remarks.append(
            f"--fold_length does nothing with --batch_type {args.batch_type}; it "
            "counts with --batch_type folded"
        )
    return remarks


def task_batches(
    task: str, args: argparse.Namespace, options: Any, mode: str
) -> Batches:
    """Micro-batches of one task, over all processes.

    Args:
        task: whose shape files are read.
        args: arguments of the run.
        options: ESPnet's ``IteratorOptions``.
        mode: ``train``, ``valid`` or ``plot_att``.

    Raises:
        ValueError: a shape file is missing, or holds too little; ``--fold_length``
            does not fit.
    """
    shapes = {
        Path(file).name.removesuffix("_shape"): file
        for file in options.shape_files
        if Path(file).name.startswith(f"{task}_")
    }
    size_file = shapes.get(SIZE_OF[task])
    if size_file is None:
        raise ValueError(
            f"--{'train' if mode == 'train' else 'valid'}_shape_file lacks a file "
            f"named '{SIZE_OF[task]}_shape' for task '{task}'"
        )
    lengths = _read_lengths(size_file)
    if mode == "train":
        lengths = _within_limits(task, lengths, shapes, args)
    if not lengths:
        raise ValueError(f"no utterance of task '{task}' is left in {size_file}")
    rows = (
        torch.distributed.get_world_size()
        if options.distributed
        else args.min_batch_size
    )
    if len(lengths) < rows:
        raise ValueError(
            f"task '{task}' has {len(lengths)} utterances ({size_file}), fewer than "
            f"the {rows} that a batch needs"
        )
    if mode == "plot_att":
        return [(uid,) for uid in sorted(lengths)[: options.num_batches]]
    buckets = speech_buckets(args)
    if options.batch_type == BUCKETS and buckets is not None:
        return bucket_batches(
            lengths,
            buckets,
            options.batch_bins,
            rows,
            longest_first=args.sort_in_batch == "descending",
            drop_last=args.drop_last_iter,
        )
    sizes, folds = {SIZE_OF[task]: size_file}, list[int]()
    if options.batch_type == "folded":
        sizes, folds = _folded(sizes, shapes, args.fold_length, options.shape_files)
    return _espnet_batches(list(sizes.values()), folds, lengths, rows, args, options)


def _folded(
    size: dict[str, str],
    shapes: dict[str, str],
    fold_lengths: list[int],
    files: list[str],
) -> tuple[dict[str, str], list[int]]:
    """Shape files that folding counts, and the length that belongs to each."""
    if len(fold_lengths) == 1:
        return size, fold_lengths
    if len(fold_lengths) != len(files):
        raise ValueError(
            f"--batch_type folded: {len(fold_lengths)} --fold_length for {len(files)} "
            "shape files; give one (samples of waves), or one for each file in their "
            "order"
        )
    by_file = dict(zip(files, fold_lengths, strict=True))
    ordered = {**size, **shapes}  # ESPnet sorts by the first.
    return ordered, [by_file[file] for file in ordered.values()]


def _espnet_batches(
    files: list[str],
    fold_lengths: list[int],
    lengths: Mapping[str, int],
    rows: int,
    args: argparse.Namespace,
    options: Any,
) -> Batches:
    """Batches of ESPnet's samplers, without what the limits left out."""
    with ExitStack() as stack:
        kept = []
        for file in files:
            # The samplers read files.
            copy = stack.enter_context(
                tempfile.NamedTemporaryFile("w", suffix="_shape", encoding="utf-8")
            )
            known = _read_lengths(file)
            copy.writelines(f"{uid} {known[uid]}\n" for uid in lengths)
            copy.flush()
            kept.append(copy.name)
        sampler = build_batch_sampler(
            type="numel" if options.batch_type == BUCKETS else options.batch_type,
            shape_files=kept,
            fold_lengths=fold_lengths,
            batch_size=options.batch_size,
            batch_bins=options.batch_bins,
            sort_in_batch=args.sort_in_batch,
            sort_batch=args.sort_batch,
            drop_last=args.drop_last_iter,
            min_batch_size=rows,
        )
        return [tuple(batch) for batch in sampler]


def _read_lengths(file: str) -> dict[str, int]:
    """First dimension of every utterance of a shape file."""
    shapes = load_num_sequence_text(file, loader_type="csv_int")
    return {uid: shape[0] for uid, shape in shapes.items()}


def _within_limits(
    task: str,
    lengths: dict[str, int],
    shapes: dict[str, str],
    args: argparse.Namespace,
) -> dict[str, int]:
    """Leave out utterances that are too short or too long, and say so."""
    limits = {"speech": (args.min_speech_samples, args.max_speech_samples)}
    limits["target"] = limits["speech"]
    limits["text"] = (1, args.max_text_tokens)
    dropped: dict[str, str] = {}
    for name, file in shapes.items():
        low, high = limits.get(name.removeprefix(f"{task}_"), (0, None))
        for uid, length in _read_lengths(file).items():
            if length < low or (high is not None and length > high):
                dropped.setdefault(uid, f"{name} has length {length}")
    dropped = {uid: why for uid, why in dropped.items() if uid in lengths}
    if dropped:
        shown = listed([f"{uid}: {why}" for uid, why in dropped.items()], 5)
        logging.warning(
            "[%s] %d of %d utterances are outside the length limits and left out (%s)",
            *(task, len(dropped), len(lengths), shown),
        )
    return {uid: n for uid, n in lengths.items() if uid not in dropped}
