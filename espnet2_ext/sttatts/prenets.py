"""The four pre-nets: from speech or text to what the encoder or the decoder reads."""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from espnet2_ext.sttatts.config import ModelConfig, Padding
from espnet2_ext.sttatts.front_ends import FRONT_ENDS, MEL_MEAN, MEL_STD
from espnet2_ext.sttatts.layers import (
    ScaledPositions,
    SinusoidalPositions,
    valid_mask,
)
from espnet2_ext.sttatts.symbols import PAD


class TokenEmbedding(nn.Embedding):
    """Rows of the table, times sqrt(D) where the configuration says so.

    The table is an output layer too, so its rows are short (1 / sqrt(D) at the
    start); scaled by sqrt(D) (Vaswani et al., 2017, section 3.4), they weigh as much
    as the positions that are added to them. Pre-trained SpeechT5 goes without.
    """

    def __init__(self, vocabulary: int, config: ModelConfig):
        super().__init__(vocabulary, config.d_model, PAD)
        self.scale = math.sqrt(config.d_model) if config.scale_embedding else 1.0

    def forward(self, tokens: Tensor) -> Tensor:
        """Map token ids (B, L) to vectors (B, L, D)."""
        return super().forward(tokens) * self.scale


def draw_span_mask(
    rows: int,
    max_length: int,
    prob: float,
    span: int,
    min_spans: int = 0,
    lengths: list[int] | None = None,
    rng: Any = np.random,
) -> np.ndarray:
    """Draw spans of fixed length that may overlap, equally many positions per row.

    The order of draws is fairseq's ``compute_mask_indices`` (static lengths,
    overlap allowed, same count in every row), so that the same seed gives the
    same mask.

    Args:
        rows: number of rows B.
        max_length: padded length L.
        prob: expected share of masked positions if spans never overlapped.
        span: length of a span.
        min_spans: least number of spans per row.
        lengths: real positions of each row (spans stay inside them), or None when
            every row is full.
        rng: ``numpy.random`` or a ``RandomState``.

    Returns:
        (B, L) bool, True where masked.
    """

    def count(length: int) -> int:
        return max(min_spans, int(prob * length / span + rng.rand()))

    batch_count = count(max_length)
    masked = []
    for row in range(rows):
        length = max_length if lengths is None else lengths[row]
        spans = batch_count if lengths is None else count(length)
        if spans == 0:
            masked.append(np.empty(0, dtype=int))
            continue
        starts_below = length - span
        if starts_below <= spans:
            starts_below = spans + 1
        starts = rng.choice(starts_below, spans, replace=False)
        covered = (starts[:, None] + np.arange(span)).ravel()
        masked.append(np.unique(covered[covered < length]))
    smallest = min(len(positions) for positions in masked)
    mask = np.zeros((rows, max_length), dtype=bool)
    for row, positions in enumerate(masked):
        if len(positions) > smallest:
            positions = rng.choice(positions, smallest, replace=False)
        mask[row, positions] = True
    return mask


class SpeechEncoderPrenet(nn.Module):
    """From samples to encoder inputs."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        d_model, kernel = config.d_model, config.pos_conv_kernel
        self.config = config.span_mask
        self.front_end = FRONT_ENDS[config.front_end.kind](config)
        self.dropout = nn.Dropout(config.dropout)
        self.mask_embedding = nn.Parameter(torch.empty(d_model).uniform_())
        self.pos_conv = nn.Conv1d(
            d_model,
            d_model,
            kernel,
            padding=kernel // 2,
            groups=config.pos_conv_groups,
        )
        for name, value in self.pos_conv.named_parameters():
            std = math.sqrt(4 / (kernel * d_model)) if name == "weight" else 0.0
            nn.init.normal_(value, std=std)
        weight_norm(self.pos_conv, dim=2)
        self.positions = SinusoidalPositions(d_model)

    def forward(
        self, wave: Tensor, lengths: Tensor, padding: Padding
    ) -> tuple[Tensor, Tensor]:
        """Prepare speech for the encoder.

        Args:
            wave: (B, N) samples at 16 kHz.
            lengths: (B,) real samples.
            padding: ``exact`` keeps padded frames out of the positional convolution;
                ``official`` lets them in, as the released code does.

        Returns:
            (B, T, D) and (B,) real frames.

        Raises:
            ValueError: an utterance too short for one frame.
        """
        if int(lengths.min()) < self.front_end.min_samples:
            raise ValueError(
                f"an utterance has {int(lengths.min())} samples; this front end needs "
                f"at least {self.front_end.min_samples}"
            )
        x, frames = self.front_end(wave, lengths, padding)
        return self.of_frames(x, frames, padding)

    def of_frames(
        self, x: Tensor, frames: Tensor, padding: Padding
    ) -> tuple[Tensor, Tensor]:
        """Prepare what the front end made of speech, (B, T, D) and (B,)."""
        x = self.dropout(x)
        if self.training:
            x = self._hide_spans(x, frames)
        mask = valid_mask(frames, x.size(1))
        if padding == "exact":
            x = x * mask.unsqueeze(2)
        local = self._convolve(x.transpose(1, 2))[:, :, : x.size(1)]
        x = x + F.gelu(local).transpose(1, 2)
        return x + self.positions(mask), frames

    def _convolve(self, x: Tensor) -> Tensor:
        """Positional convolution of ``x`` (B, D, T)."""
        narrow = self.pos_conv.in_channels // self.pos_conv.groups < 16
        if x.device.type != "cpu" or not narrow:
            return self.pos_conv(x)
        # torch 2.11 (oneDNN) computes narrow groups wrongly in bf16 on processors with
        # AMX: errors as large as the result.
        with torch.autocast("cpu", enabled=False):
            return self.pos_conv(x.float())

    def _hide_spans(self, x: Tensor, frames: Tensor) -> Tensor:
        """Replace spans of frames by ``mask_embedding`` and zero spans of channels."""
        config, (rows, time, channels) = self.config, x.shape
        if config.time_prob > 0:
            drawn = draw_span_mask(
                rows,
                time,
                config.time_prob,
                config.time_length,
                config.time_min_spans,
                frames.tolist(),
            )
            hidden = torch.from_numpy(drawn).to(x.device).unsqueeze(2)
            x = torch.where(hidden, self.mask_embedding.to(x.dtype), x)
        if config.channel_prob > 0:
            drawn = draw_span_mask(
                rows, channels, config.channel_prob, config.channel_length
            )
            x = x.masked_fill(torch.from_numpy(drawn).to(x.device).unsqueeze(1), 0.0)
        return x


class TextEncoderPrenet(nn.Module):
    """From token embeddings to encoder inputs."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.positions = ScaledPositions(config.d_model, config.positional_dropout)

    def forward(self, embedded: Tensor) -> Tensor:
        """Add positions to ``embedded`` (B, L, D); padding is left to the masks."""
        return self.positions(embedded)


class TextDecoderPrenet(nn.Module):
    """From embeddings of the previous tokens to decoder inputs."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.positions = SinusoidalPositions(config.d_model)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, embedded: Tensor, mask: Tensor, offset: int | Tensor = 0
    ) -> Tensor:
        """Add positions.

        Args:
            embedded: (B, L, D) embeddings of the previous tokens.
            mask: (B, L) bool, True where a token is real.
            offset: index of the first token, for decoding step by step; or (B,).

        Returns:
            (B, L, D).
        """
        return self.dropout(embedded + self.positions(mask, offset))


def teacher_forcing_input(mel: Tensor, reduction_factor: int) -> Tensor:
    """Thin the target mel and shift it right by one all-zero frame.

    Args:
        mel: (B, L, F).
        reduction_factor: r, frames that one decoder step predicts.

    Returns:
        (B, L // r, F): a zero frame, then every r-th frame from index r - 1 on.
    """
    thinned = mel[:, reduction_factor - 1 :: reduction_factor]
    return F.pad(thinned, (0, 0, 1, 0))[:, : thinned.size(1)]


class SpeechDecoderPrenet(nn.Module):
    """From previous mel frames and a speaker vector to decoder inputs.

    The dropout between the first layers is always on, in training and inference, as
    in Tacotron 2.  Set the attribute ``prenet_dropout`` to 0 to switch it off.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.prenet_dropout = config.prenet_dropout
        self.speaker_gain = config.speaker_gain
        inputs = (
            config.audio.n_mels,
            *[config.prenet_units] * (config.prenet_layers - 1),
        )
        self.layers = nn.ModuleList(nn.Linear(i, config.prenet_units) for i in inputs)
        self.projection = nn.Linear(config.prenet_units, config.d_model)
        self.positions = ScaledPositions(config.d_model, config.positional_dropout)
        self.speaker_layer = nn.Linear(
            config.d_model + config.speaker_dim, config.d_model
        )

    @torch.no_grad()
    def normalise_mels(self) -> None:
        """Make the first layer see mels as if they were normalised."""
        first = self.layers[0]
        assert isinstance(first, nn.Linear)
        first.weight.div_(MEL_STD)
        first.bias.sub_(first.weight.sum(dim=1) * MEL_MEAN)

    def forward(
        self,
        prev_mel: Tensor,
        speaker_embedding: Tensor,
        prenet_dropout: float | None = None,
        offset: int = 0,
        keep_masks: list[Tensor] | None = None,
    ) -> Tensor:
        """Prepare previous frames for the decoder.

        Args:
            prev_mel: (B, L, F) thinned and shifted frames.
            speaker_embedding: (B, E); brought to the length ``speaker_gain`` here.
            prenet_dropout: overrides the attribute of the same name.
            offset: index of the first frame, for decoding step by step.
            keep_masks: one (B, L, U) bool per layer, True where a unit is kept;
                drawn from the global generator when missing.

        Returns:
            (B, L, D).
        """
        p = self.prenet_dropout if prenet_dropout is None else prenet_dropout
        x = prev_mel
        for i, layer in enumerate(self.layers):
            x = F.relu(layer(x))
            x = _dropout(x, p) if keep_masks is None else x * keep_masks[i] / (1 - p)
        x = self.positions(self.projection(x), offset)
        speaker = F.normalize(speaker_embedding.to(x.dtype), dim=1) * self.speaker_gain
        speaker = speaker.unsqueeze(1).expand(-1, x.size(1), -1)
        return F.relu(self.speaker_layer(torch.cat([x, speaker], dim=2)))


def _dropout(x: Tensor, p: float) -> Tensor:
    if x.dtype != torch.bfloat16:
        return F.dropout(x, p, training=True)
    # On CPUs twice as fast as F.dropout, which draws its masks in bf16.
    return x * (torch.rand_like(x, dtype=torch.float32) >= p) / (1 - p)
