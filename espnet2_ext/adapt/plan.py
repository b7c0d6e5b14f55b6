"""How long to train on this machine, in batches of which size: it is measured."""

import copy
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from espnet2_ext.adapt.checks import Good
from espnet2_ext.adapt.options import AdaptOptions
from espnet2_ext.audio import load_speech
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.io.files import write_text
from espnet2_ext.io.settings import read_yaml

ACCUM_GRAD = 2
"""Micro-batches of an update: one of each task."""

MOST_PASSES = 30
"""Times that a recording is heard and spoken; more is learning by heart."""

OVERHEAD = 0.85
"""Share of the time that updates get; validation and checkpoints have the rest."""

SAVES = 10
"""Checkpoints of a training, as far as its updates allow."""

SMALL = 30_000_000
"""Parameters up to which a model bears the rate of the demo's fine-tuning, a fifth of
its first training's; pre-trained models of the paper's size are tuned with less."""

RATES = (3e-4, 5e-5)

SECONDS_AT_ONCE = {"cpu": 50.0, "cuda": 200.0}


@dataclass(frozen=True)
class Plan:
    """Of one training; kept, so that a stopped one goes on with it."""

    seconds_per_update: float
    updates_per_epoch: int
    epochs: int
    batch_bins: int
    use_amp: bool
    lr: float

    @property
    def updates(self) -> int:
        """Of the whole training."""
        return self.updates_per_epoch * self.epochs

    def line(self) -> str:
        """Say it in one line."""
        minutes = self.updates * self.seconds_per_update / 60
        kind = ", bf16" if self.use_amp else ""
        return (
            f"{self.updates} updates of {self.batch_bins / 16000:.0f} s of speech, "
            f"{self.seconds_per_update:.2f} s each{kind}: about {minutes:.0f} min"
        )


def read_or_make(
    path: Path, model: STTATTS, clips: Sequence[Good], options: AdaptOptions
) -> Plan:
    """Take the plan of an earlier call, or measure and make one."""
    if path.is_file():
        return Plan(**read_yaml(path))
    plan = make_plan(model, clips, options)
    write_text(path, yaml.safe_dump(asdict(plan)))
    return plan


def make_plan(model: STTATTS, clips: Sequence[Good], options: AdaptOptions) -> Plan:
    """Measure an update in float32 and in bf16, and plan with the faster.

    Args:
        model: on the device of the training; stays as it is.
        clips: all that is to be learned.
        options: time and, if chosen, the batch.
    """
    rate, whole = model.audio.sample_rate, sum(clip.samples for clip in clips)
    chosen = options.batch_seconds or SECONDS_AT_ONCE[model.device.type]
    longest = max(clip.samples for clip in clips)
    # A batch of everything would be one update a pass: at least eight.
    bins = int(max(longest, min(chosen * rate, whole / 8)))
    batch = _batch(model, clips, bins)
    timed = {amp: _seconds(model, batch, amp) for amp in (False, True)}
    amp = timed[True] < timed[False]
    affordable = options.minutes * 60 * OVERHEAD / timed[amp]
    updates = max(2, int(min(affordable, MOST_PASSES * whole / bins)))
    epochs = min(SAVES, updates)
    size = sum(weight.numel() for weight in model.model.parameters())
    return Plan(
        round(timed[amp], 3),
        updates // epochs,
        epochs,
        bins,
        amp,
        RATES[size > SMALL],
    )


def _batch(model: STTATTS, clips: Sequence[Good], bins: int) -> dict[str, torch.Tensor]:
    """Recordings of about ``bins`` samples, of both tasks."""
    chosen: list[Good] = []
    for clip in sorted(clips, key=lambda clip: clip.samples)[len(clips) // 2 :]:
        if (len(chosen) + 1) * clip.samples > bins and chosen:
            break
        chosen.append(clip)
    rate = model.audio.sample_rate
    waves = [load_speech(clip.path, rate, rate) for clip in chosen]
    speech, lengths = model.inputs.pad_speech(waves)
    text, text_lengths = model.inputs.pad_text(
        [model.inputs.text(clip.text) for clip in chosen]
    )
    vectors = np.ones((len(chosen), model.model.config.speaker_dim), np.float32)
    return {
        "asr_speech": speech,
        "asr_speech_lengths": lengths,
        "asr_text": text,
        "asr_text_lengths": text_lengths,
        "tts_text": text,
        "tts_text_lengths": text_lengths,
        "tts_speech": speech,
        "tts_speech_lengths": lengths,
        "tts_spembs": torch.from_numpy(vectors).to(model.device),
    }


def _seconds(model: STTATTS, batch: dict[str, Any], amp: bool) -> float:
    """Seconds of one update; the first one, which warms up, does not count."""
    network = copy.deepcopy(model.model).train()
    took = 0.0
    for _ in range(2):
        began = time.perf_counter()
        for task in ("asr", "tts"):
            part = {name: x for name, x in batch.items() if name.startswith(task)}
            with torch.autocast(model.device.type, torch.bfloat16, enabled=amp):
                loss = network(**part)[0]
            loss.sum().backward()
        network.zero_grad()
        if model.device.type == "cuda":
            torch.cuda.synchronize()
        took = time.perf_counter() - began
    return took
