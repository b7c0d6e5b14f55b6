"""Options of ``sttatts_train`` beside ESPnet's, and the paper's values for ESPnet's."""

import argparse
from functools import partial
from typing import Any

from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import int_or_none, str2bool, str_or_none

from espnet2_ext.data.batches import BUCKETS
from espnet2_ext.sttatts.config import PRESETS, TASKS
from espnet2_ext.text.cleaners import CLEANERS

# The paper's optimisation (section 4.2 and the released script).  The rule from updates
# to epochs: updates = max_epoch * num_iters_per_epoch / accum_grad
DEFAULTS = {
    "iterator_type": "task",
    "valid_iterator_type": "task",
    "batch_type": BUCKETS,
    "batch_bins": 3_200_000,
    # Ours: room for every task in every update.
    "accum_grad": 4,
    "optim": "adamw",
    "optim_conf": {"lr": 1e-4, "betas": [0.9, 0.98], "eps": 1e-8, "weight_decay": 0.1},
    "scheduler": "tristagelr_official",
    "scheduler_conf": {
        "max_steps": 150000,
        "warmup_ratio": 0.25,
        "hold_ratio": 0.4,
        "decay_ratio": 0.35,
        "init_lr_scale": 0.01,
        "final_lr_scale": 0.05,
    },
    "grad_clip": 25.0,
    "resume": True,
    # Single-task micro-batches leave the other task's parameters unused.
    "unused_parameters": True,
    "best_model_criterion": [
        ("valid", "joint_loss", "min"),
        *(("valid", f"{task}_loss", "min") for task in TASKS),
        ("valid", "tts_free", "min"),
    ],
    "early_stopping_criterion": ("valid", "joint_loss", "min"),
    "keep_nbest_models": [5],
}


_TYPES = {bool: str2bool, type(None): str_or_none}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add our options to ESPnet's parser, and set the defaults of its own."""
    required: list[str] = parser.get_default("required")
    required.append("token_list")

    add = partial(_add, parser.add_argument_group("Model"))
    add(
        "token_list",
        None,
        "Text file, one symbol a line, in SpeechT5's order: <s> <pad> </s> <unk> … "
        "<mask> <ctc_blank>",
    )
    add("preset", "base", "Sizes that --model_conf changes", choices=sorted(PRESETS))
    add(
        "model_conf",
        {},
        "Changes to the preset, e.g. --model_conf fusion.mode=learned",
        action=NestedDictAction,
    )
    add(
        "trained_tasks",
        [],
        "Written into config.yaml: tasks whose data the run and earlier phases saw",
        type=str,
        nargs="*",
    )
    add(
        "ctc_head_trained",
        True,
        "Written into config.yaml: false after the import of a checkpoint without a "
        "CTC head, until ASR is trained",
    )
    add(
        "speaker_tool",
        None,
        "Written into config.yaml: extractor of the speaker embeddings",
    )
    add(
        "keep_untrained",
        False,
        "Write the weights before the first update, too (init.pth)",
    )

    add = partial(_add, parser.add_argument_group("Text"))
    add(
        "token_type",
        "char",
        "'char' or a SentencePiece model ('bpe')",
        choices=["char", "bpe"],
    )
    add("bpemodel", None, "SentencePiece model file for --token_type bpe")
    add("cleaner", None, f"Text cleaner: {', '.join(CLEANERS)}, or one of ESPnet's")

    add = partial(_add, parser.add_argument_group("Phases"))
    add(
        "phases",
        None,
        "YAML of trainings that follow each other, with tasks, data, epochs and frozen "
        "modules; see espnet2_ext/train/phases.py",
    )
    add("phase", None, "Written into config.yaml: which of the phases it was")
    add(
        "schedule_epochs",
        None,
        "Set by --phases: epochs that the schedule spans (default: --max_epoch)",
        type=int_or_none,
    )

    add = partial(_add, parser.add_argument_group("Task mixing"))
    add(
        "task_ratio",
        {},
        f"Proportion of micro-batches per task ({', '.join(TASKS)}), e.g. "
        "--task_ratio asr=1 --task_ratio tts=2; default: as the corpora are, as far as "
        "every update can hold every task",
        action=NestedDictAction,
    )
    add(
        "mix_mode",
        "alternate",
        "Single-task micro-batches, or one batch of every task per step",
        choices=["alternate", "zip"],
    )

    add = partial(_add, parser.add_argument_group("Batch shapes and limits"))
    add(
        "bucket_multiple",
        8192,
        "Padded waves are multiples of this many samples; 0 keeps each batch's own "
        "length",
    )
    add("bucket_growth", 1.1, "Least ratio between neighbouring padded wave lengths")
    add(
        "text_multiple",
        16,
        "Padded texts are multiples of this many tokens; 0: no padding",
    )
    add("min_speech_samples", 1056, "Shorter utterances are left out of training")
    add(
        "max_speech_samples",
        480256,
        "Longer utterances are left out of training (30 s)",
    )
    add(
        "max_text_tokens",
        600,
        "Utterances with longer texts are left out, where a text shape file is given",
    )
    add(
        "asr_speeds",
        [],
        "Play each training recording of ASR at one of these speeds, drawn anew each "
        "time, e.g. 0.9 1.0 1.1",
        type=float,
        nargs="*",
        metavar="FACTOR",
    )
    parser.set_defaults(**DEFAULTS)


def _add(group: Any, name: str, default: Any, text: str, **settings: Any) -> None:
    """Add ``--name``, of its default's type unless another is said."""
    if "action" not in settings:
        kind = type(default)
        settings.setdefault("type", _TYPES.get(kind, kind))
    group.add_argument(f"--{name}", default=default, help=text, **settings)
