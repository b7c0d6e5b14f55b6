"""Small models and batches that tests share."""

from dataclasses import fields, replace
from typing import Any

import torch

from espnet2_ext.sttatts.config import PRESETS, ModelConfig, SpanMaskConfig
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.symbols import build_token_list


def without_randomness(config: ModelConfig) -> ModelConfig:
    """Copy ``config`` with every dropout, layer drop and span mask switched off."""
    off: dict[str, Any] = {
        f.name: 0.0
        for f in fields(config)
        if f.name.endswith(("dropout", "layerdrop")) and f.default is not None
    }
    mask = SpanMaskConfig(time_prob=0.0, channel_prob=0.0, time_min_spans=0)
    return replace(config, **off, span_mask=mask)


TINY = without_randomness(PRESETS["tiny"])
TOKENS = build_token_list(list("\u2581abcdefghijklmnopqrstuvwxyz'"))


def tiny_model(seed: int = 0, **changes: Any) -> ESPnetSTTATTSModel:
    """The ``tiny`` preset without dropout, changed as asked."""
    torch.manual_seed(seed)
    return ESPnetSTTATTSModel(replace(TINY, **changes), TOKENS)


def make_batch(
    rows: int,
    tasks: tuple[str, ...] = ("asr", "tts"),
    speaker_dim: int = TINY.speaker_dim,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Random waves and texts of falling lengths, in the names of ``forward``."""
    generator = torch.Generator().manual_seed(seed)
    samples = torch.tensor([8000 - 1500 * i for i in range(rows)])
    tokens = torch.tensor([9 - i for i in range(rows)])

    def wave() -> torch.Tensor:
        return torch.randn(rows, 8000, generator=generator) * 0.1

    def text() -> torch.Tensor:
        return torch.randint(4, len(TOKENS) - 2, (rows, 9), generator=generator)

    def speaker() -> torch.Tensor:
        return torch.randn(rows, speaker_dim, generator=generator)

    batch: dict[str, torch.Tensor] = {}
    if "asr" in tasks:
        batch |= {"asr_speech": wave(), "asr_speech_lengths": samples}
        batch |= {"asr_text": text(), "asr_text_lengths": tokens}
    if "tts" in tasks:
        batch |= {"tts_text": text(), "tts_text_lengths": tokens}
        batch |= {"tts_speech": wave(), "tts_speech_lengths": samples}
        batch["tts_spembs"] = speaker()
    if "vc" in tasks:
        batch |= {"vc_speech": wave(), "vc_speech_lengths": samples}
        batch |= {"vc_target": wave(), "vc_target_lengths": samples}
        batch["vc_spembs"] = speaker()
    return batch
