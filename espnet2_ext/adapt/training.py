"""The training itself: data directories, the task's own trainer, the weights."""

import logging
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from espnet2_ext.adapt.checks import Good
from espnet2_ext.adapt.plan import ACCUM_GRAD, Plan
from espnet2_ext.data.entries import data_words
from espnet2_ext.data.kaldi_dir import KaldiDir
from espnet2_ext.data.sequence_lengths import write_lengths
from espnet2_ext.data.speaker_embeddings import EmbeddingOptions, write_embeddings
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.io.extras import how_to_install
from espnet2_ext.io.files import write_text
from espnet2_ext.io.model_files import ModelFiles
from espnet2_ext.text.cleaners import build_cleaner
from espnet2_ext.text.token_lists import write_tokens
from espnet2_ext.train.phases import START_WEIGHTS

TASKS = ("asr", "tts")

MODEL_SETTINGS = (
    *("preset", "model_conf", "frontend", "token_type", "cleaner", "trained_tasks"),
    *("ctc_head_trained", "speaker_tool", "bucket_multiple"),
)
"""What the training takes from the model's ``config.yaml``."""


def write_data(
    folder: Path,
    sets: Mapping[str, Sequence[Good]],
    model: STTATTS,
    tool: str,
    known: dict[str, np.ndarray],
) -> None:
    """Write a data directory for each set and task, with lengths and voices.

    Args:
        folder: gets ``<set>/<task>`` and ``stats/<set>/<task>``.
        sets: recordings by name of the set.
        model: whose tokens count.
        tool: extractor of the speaker embeddings.
        known: embeddings (E,) of speakers that keep theirs; gets those of the others.
    """
    clean = build_cleaner(model.config.get("cleaner"))
    for name, clips in sets.items():
        tables = {
            "wav.scp": {clip.uid: str(Path(clip.path).resolve()) for clip in clips},
            "text": {clip.uid: clip.text for clip in clips},
            "utt2spk": {clip.uid: clip.speaker for clip in clips},
            "utt2num_samples": {clip.uid: str(clip.samples) for clip in clips},
        }
        for task in TASKS:
            place = folder / name / task
            KaldiDir(tables).write(place)
            target = folder / "stats" / name / task
            write_lengths(place, target, model.inputs.tokenizer, clean)
            if task == "tts":
                write_embeddings(place, EmbeddingOptions(tool, per="speaker"), known)


def train(
    data: Path,
    folder: Path,
    files: ModelFiles,
    model: STTATTS,
    plan: Plan,
    lora: int | None = None,
) -> None:
    """Train, or go on with a training that was stopped.

    Args:
        data: what :func:`write_data` wrote: ``train`` and ``valid``.
        folder: of the training.
        files: of the model that it starts from.
        model: the same, loaded.
        plan: how long.
        lora: rank of the matrices that are trained alone; None: all weights are.

    Raises:
        OtherTrainingError: the folder holds a training on other data.
        KeyboardInterrupt: stopped; epochs that were done stay.
    """
    from espnet2_ext.tasks.sttatts import STTATTSTask

    tokens, settings = folder / "tokens.txt", folder / "settings.yaml"
    write_tokens(tokens, model.token_list)
    config = _settings(model, plan) | (_low_rank(model, lora) if lora else {})
    write_text(settings, yaml.safe_dump(config, sort_keys=False))
    words = [
        f"--config={settings}",
        f"--token_list={tokens}",
        f"--init_param={files.model_file}",
        f"--output_dir={folder}",
        f"--ngpu={int(model.device.type == 'cuda')}",
    ]
    bpemodel = files.bpemodel or model.config.get("bpemodel")
    if bpemodel is not None:
        words.append(f"--bpemodel={bpemodel}")
    for part in ("train", "valid"):
        folders = [data / part / task for task in TASKS]
        words += data_words(part, folders, data / "stats")
    logging.info("training: sttatts_train %s", " ".join(words))
    STTATTSTask.main(args=STTATTSTask.get_parser().parse_args(words))


def _settings(model: STTATTS, plan: Plan) -> dict[str, Any]:
    config = {k: model.config[k] for k in MODEL_SETTINGS if k in model.config}
    if model.model.config.padding == "official":
        config["bucket_multiple"] = 0
    return {
        **config,
        "max_epoch": plan.epochs,
        "num_iters_per_epoch": plan.updates_per_epoch * ACCUM_GRAD,
        "accum_grad": ACCUM_GRAD,
        "task_ratio": dict.fromkeys(TASKS, 1),
        "batch_bins": plan.batch_bins,
        "optim": "adamw",
        "optim_conf": {"lr": plan.lr, "betas": [0.9, 0.98], "weight_decay": 0.01},
        "grad_clip": 5.0,
        "scheduler": "tristagelr_official",
        "scheduler_conf": {
            "max_steps": plan.updates,
            "warmup_ratio": 0.1,
            "hold_ratio": 0.4,
            "decay_ratio": 0.5,
            "init_lr_scale": 0.01,
            "final_lr_scale": 0.05,
        },
        "use_amp": plan.use_amp,
        "num_workers": 1,
        "num_att_plot": 0,
        "use_tensorboard": False,
        "use_matplotlib": False,
        "keep_nbest_models": [2],
    }


def require_loralib() -> None:
    """Stop before any work where LoRA's package is missing.

    Raises:
        ImportError: says how to install it.
    """
    if find_spec("loralib") is None:
        raise ImportError(f"LoRA needs loralib: {how_to_install('adapters')}")


def _low_rank(model: STTATTS, rank: int) -> dict[str, Any]:
    """Settings that train LoRA's matrices in all attention, scaled by 2, alone."""
    return {
        "use_adapter": True,
        "adapter": "lora",
        "adapter_conf": {
            "rank": rank,
            "alpha": 2 * rank,
            "target_modules": ["attn.q_proj", "attn.v_proj"],
        },
        "freeze_param": sorted({k.split(".")[0] for k in model.model.state_dict()}),
    }


def newest_weights(folder: Path) -> Path | None:
    """Averaged weights of a whole training, else those of its newest epoch, if any."""
    if (folder / START_WEIGHTS).exists():
        return folder / START_WEIGHTS
    epochs = [p for p in folder.glob("*epoch.pth") if p.name[:-9].isdigit()]
    return max(epochs, key=lambda path: int(path.name[:-9]), default=None)
