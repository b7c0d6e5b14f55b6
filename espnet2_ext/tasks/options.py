"""Options of ``sttatts_train`` beside ESPnet's, and the paper's values for ESPnet's."""

import argparse

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


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add our options to ESPnet's parser, and set the defaults of its own."""
    required: list[str] = parser.get_default("required")
    required.append("token_list")
    _add_model_options(parser.add_argument_group("Model"))
    _add_text_options(parser.add_argument_group("Text"))
    _add_phase_options(parser.add_argument_group("Phases"))
    _add_mixing_options(parser.add_argument_group("Task mixing"))
    _add_batch_options(parser.add_argument_group("Batch shapes and limits"))
    parser.set_defaults(**DEFAULTS)


def _add_model_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--token_list",
        type=str_or_none,
        help="Text file, one symbol a line, in SpeechT5's order: <s> <pad> </s> "
        "<unk> … <mask> <ctc_blank>",
    )
    group.add_argument(
        "--preset",
        choices=sorted(PRESETS),
        default="base",
        help="Named sizes that --model_conf changes",
    )
    group.add_argument(
        "--model_conf",
        action=NestedDictAction,
        default={},
        help="Changes to the preset, e.g. --model_conf fusion.mode=learned",
    )
    group.add_argument(
        "--trained_tasks",
        nargs="*",
        default=[],
        help="Written into config.yaml: tasks whose data the run and earlier "
        "phases saw",
    )
    group.add_argument(
        "--ctc_head_trained",
        type=str2bool,
        default=True,
        help="Written into config.yaml: false after the import of a checkpoint "
        "without a CTC head, until ASR is trained",
    )
    group.add_argument(
        "--speaker_tool",
        type=str_or_none,
        help="Written into config.yaml: extractor of the speaker embeddings",
    )
    group.add_argument(
        "--keep_untrained",
        type=str2bool,
        default=False,
        help="Write the weights before the first update, too (init.pth)",
    )


def _add_text_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--token_type",
        choices=["char", "bpe"],
        default="char",
        help="'char' or a SentencePiece model ('bpe')",
    )
    group.add_argument(
        "--bpemodel",
        type=str_or_none,
        help="SentencePiece model file for --token_type bpe",
    )
    group.add_argument(
        "--cleaner",
        type=str_or_none,
        help=f"Text cleaner: {', '.join(CLEANERS)}, or one of ESPnet's",
    )


def _add_phase_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--phases",
        type=str_or_none,
        help="YAML of trainings that follow each other, with tasks, data, epochs "
        "and frozen modules; see espnet2_ext/train/phases.py",
    )
    group.add_argument(
        "--phase",
        type=str_or_none,
        help="Written into config.yaml: which of the phases it was",
    )
    group.add_argument(
        "--schedule_epochs",
        type=int_or_none,
        help="Set by --phases: epochs that the schedule spans (default: --max_epoch)",
    )


def _add_mixing_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--task_ratio",
        action=NestedDictAction,
        default={},
        help=f"Proportion of micro-batches per task ({', '.join(TASKS)}), e.g. "
        "--task_ratio asr=1 --task_ratio tts=2; default: as the corpora are, as "
        "far as every update can hold every task",
    )
    group.add_argument(
        "--mix_mode",
        choices=["alternate", "zip"],
        default="alternate",
        help="Single-task micro-batches, or one batch of every task per step",
    )


def _add_batch_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--bucket_multiple",
        type=int,
        default=8192,
        help="Padded waves are multiples of this many samples; 0 keeps each "
        "batch's own length",
    )
    group.add_argument(
        "--bucket_growth",
        type=float,
        default=1.1,
        help="Least ratio between neighbouring padded wave lengths",
    )
    group.add_argument(
        "--text_multiple",
        type=int,
        default=16,
        help="Padded texts are multiples of this many tokens; 0: no padding",
    )
    group.add_argument(
        "--min_speech_samples",
        type=int,
        default=1056,
        help="Shorter utterances are left out of training",
    )
    group.add_argument(
        "--max_speech_samples",
        type=int,
        default=480256,
        help="Longer utterances are left out of training (30 s)",
    )
    group.add_argument(
        "--max_text_tokens",
        type=int,
        default=600,
        help="Utterances with longer texts are left out, where a text shape "
        "file is given",
    )
    group.add_argument(
        "--asr_speeds",
        type=float,
        nargs="*",
        default=[],
        metavar="FACTOR",
        help="Play each training recording of ASR at one of these speeds, drawn "
        "anew each time, e.g. 0.9 1.0 1.1",
    )
