"""Where in its text a generation is: what a model with an attention window may see."""

import torch
from torch import Tensor

from espnet2_ext.sttatts.alignment import reading_window
from espnet2_ext.sttatts.config import ModelConfig

LONGEST = 0.5
"""Seconds that a generation may dwell on a letter, the space of a pause included. Then
the window moves on, and at the end of the text the speech ends: a decoder that feeds on
its own sound otherwise holds it now and then for ever."""

HURRIED = 0.07
"""Seconds for each further letter, about as many as speech takes, until the decoder
goes on by itself: who is lost on one letter mostly stays on the next ones, too."""


class Reader:
    """The letter that each utterance spoke last, by the guided heads' attention."""

    def __init__(self, config: ModelConfig, task: str, lengths: Tensor):
        """Begin before the first letter.

        Args:
            config: Sizes of the model, and its attention window.
            task: ``tts``, or ``vc``, where frames of the source stand for letters.
            lengths: (B,) letters of each text.
        """
        self.config, self.reach = config, config.window_of(task)
        self.last = lengths - 1
        self.letter = torch.zeros_like(lengths)
        self.dwelt = torch.zeros_like(lengths)
        self.lost = torch.zeros_like(lengths, dtype=torch.bool)
        audio = config.audio
        step = config.reduction_factor * audio.hop_length / audio.sample_rate
        self.patience = max(1, round(LONGEST / step))
        self.hurry = max(1, round(HURRIED / step))

    def window(self, letters: int) -> Tensor:
        """What the heads may see in the next step: (B, H, 1, ``letters``)."""
        return reading_window(
            self.letter.unsqueeze(1),
            letters,
            self.config.heads,
            self.config.loss.guided_attention_heads,
            self.reach,
        )

    def move(self, weights: tuple[Tensor, ...]) -> None:
        """Go on to where the heads look on average; reading does not go back.

        Args:
            weights: per layer (B, H, 1, T).
        """
        guided = self.config.loss.guided_attention_heads
        mean = torch.stack([w[:, :guided, 0] for w in weights]).float().mean(dim=(0, 2))
        letters = torch.arange(mean.size(1), device=mean.device, dtype=mean.dtype)
        seen = torch.maximum(self.letter, (mean @ letters).round().long())
        self.dwelt = torch.where(seen > self.letter, 0, self.dwelt + 1)
        self.lost = self.lost & (seen == self.letter)
        patience = torch.where(self.lost, self.hurry, self.patience)
        stuck = (self.dwelt >= patience) & (seen < self.last)
        self.letter = seen + stuck.long()
        self.dwelt = self.dwelt.masked_fill(stuck, 0)
        self.lost = self.lost | stuck

    @property
    def finished(self) -> Tensor:
        """(B,) bool: the last letter has been spoken for long enough."""
        return (self.letter >= self.last) & (self.dwelt >= self.patience)

    def keep(self, rows: Tensor) -> None:
        """Forget the utterances that are done."""
        self.last, self.letter, self.dwelt, self.lost = (
            value.index_select(0, rows)
            for value in (self.last, self.letter, self.dwelt, self.lost)
        )
