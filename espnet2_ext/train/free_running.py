"""Validation of speech that the model makes from its own past.

Teacher-forced losses flatter: a decoder that only carries on the true past has a good
one and cannot speak.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from espnet2.torch_utils.device_funcs import to_device
from librosa.sequence import dtw

from espnet2_ext.inference.attention_scores import attention_scores
from espnet2_ext.inference.generation import generate
from espnet2_ext.inference.options import GenerationOptions
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.task_losses import language_of

UTTERANCES = 8
"""Enough for a curve, and a second or two of a small model."""

LONGEST = 1.5
"""Times the length of the recording after which a generation is stopped."""

Batch = tuple[list[str], dict[str, Any]]


class KeepFirst:
    """Pass batches on, and keep the first ones that are to be spoken."""

    def __init__(self, batches: Iterable[Batch], utterances: int = UTTERANCES):
        self.batches, self.utterances = batches, utterances
        self.kept: list[Batch] = []

    def __iter__(self) -> Iterator[Batch]:
        for ids, batch in self.batches:
            missing = self.utterances - sum(len(names) for names, _ in self.kept)
            if "tts_spembs" in batch and missing > 0:
                rows = {name: value[:missing] for name, value in batch.items()}
                self.kept.append((ids[:missing], rows))
            yield ids, batch


def free_running_stats(
    model: ESPnetSTTATTSModel, batches: Iterable[Batch]
) -> dict[str, float]:
    """Let the model speak, and compare with the recordings.

    Args:
        model: The model, which is put into evaluation mode.
        batches: Batches of ``tts`` with the ids of their rows.

    Returns:
        ``tts_free`` (mean L1 of the log-mel along the dynamic time warping path),
        ``tts_free_stops`` (share that ends by itself) and ``tts_free_covered`` (share
        of the text that attention passes); empty without batches.
    """
    model.eval()
    device = next(model.parameters()).device
    found: list[tuple[float, float, float]] = []
    for ids, rows in batches:
        batch = to_device(rows, device)
        language = language_of(batch, "tts")
        with torch.no_grad():
            memory, lengths = model.encode_text(
                batch["tts_text"], batch["tts_text_lengths"], language=language
            )
            mel, frames = model.log_mel(
                batch["tts_speech"], batch["tts_speech_lengths"]
            )
        longest = float((LONGEST * frames / lengths).max())
        spoken = generate(
            model,
            model.fuse(memory, "tts", language),
            lengths,
            batch["tts_spembs"],
            ids,
            GenerationOptions(maxlenratio=longest, attention=True),
            language=language,
        )
        for row, made in enumerate(spoken):
            truth = mel[row, : frames[row]].cpu().numpy()
            assert made.attention is not None
            scores = attention_scores(made.attention.cpu().numpy())
            distance = warped_l1(made.mel.cpu().numpy(), truth)
            found.append((distance, float(made.stopped), scores.coverage))
    if not found:
        return {}
    names = ("tts_free", "tts_free_stops", "tts_free_covered")
    return dict(zip(names, np.mean(found, axis=0).tolist(), strict=True))


def warped_l1(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference of (L1, F) and (L2, F) along their best warping path."""
    costs, path = dtw(one.T, other.T, metric="cityblock")
    return float(costs[-1, -1]) / (len(path) * one.shape[1])
