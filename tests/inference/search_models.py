"""Tiny models and memories for the tests of the recognition search."""

import pytest
import torch

from espnet2_ext.inference.options import SearchOptions
from espnet2_ext.inference.search.beam_search import (
    Hypothesis,
)
from espnet2_ext.sttatts.config import PRESETS
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.symbols import build_token_list

MODES = [
    SearchOptions(beam_size=1, ctc_weight=0.0),
    SearchOptions(beam_size=1, ctc_weight=0.5),
    SearchOptions(beam_size=4, ctc_weight=0.0, nbest=3),
    SearchOptions(beam_size=4, ctc_weight=0.4, nbest=3),
    SearchOptions(beam_size=4, ctc_weight=0.4, nbest=3, mode="official"),
]


def random_model(characters: str = "abcdefgh", seed: int = 0) -> ESPnetSTTATTSModel:
    """A tiny model with opinions: weights far larger than initial ones."""
    torch.manual_seed(seed)
    model = ESPnetSTTATTSModel(PRESETS["tiny"], build_token_list(list(characters)))
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.35)
    torch.nn.init.zeros_(model.ctc_head.bias)
    model.ctc_head.bias.data[-1] = 5.0  # mostly blanks, as after training
    return model.eval()


def random_memory(*lengths: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Memories (U, T, D) whose padding is anything but zero."""
    generator = torch.Generator().manual_seed(seed)
    memory = torch.randn(len(lengths), max(lengths), 32, generator=generator)
    for row, length in enumerate(lengths):
        memory[row, length:] = 50.0
    return memory, torch.tensor(lengths)


def assert_same(
    one: list[Hypothesis], other: list[Hypothesis], tolerance: float = 1e-5
) -> None:
    assert [h.token_ids for h in one] == [h.token_ids for h in other]
    for a, b in zip(one, other, strict=True):
        assert a.score == pytest.approx(b.score, abs=tolerance)
        assert a.token_scores == pytest.approx(b.token_scores, abs=10 * tolerance)
