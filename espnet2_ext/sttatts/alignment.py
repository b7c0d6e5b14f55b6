"""When each letter is spoken: the CTC head's own alignment of text and speech.

The half of the model that listens tells the half that speaks which letter it should
be looking at.  Without it a small decoder learns to look at the place in the text
where an average speaker would be (which satisfies the usual diagonal guide), is a few
letters off, and finds that letters do not matter.

Where the configuration has an ``attention_window``, the guided heads see only letters
beside the one that was spoken a step ago: in training by the alignment, in generation
by what the heads themselves looked at.  So the decoder knows where it is, which a
transformer without recurrence otherwise has to infer, and finds the next letter by
how it sounds.  Where speech is converted, frames of the source stand for letters
(:mod:`espnet2_ext.sttatts.warping`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.layers import valid_mask
from espnet2_ext.sttatts.viterbi import best_states
from espnet2_ext.sttatts.warping import matching_frames

if TYPE_CHECKING:
    from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel


class LetterTimes(NamedTuple):
    """Where in the speech the letters of a text are."""

    centres: Tensor
    """(B, L) middle of each letter, in encoder frames; anything on padding."""
    scores: Tensor
    """(B,) mean log-probability of the letters' frames, without the blanks, which are
    likely everywhere in an untrained head; -inf where there is no path."""


class Reading(NamedTuple):
    """Where in its text, or in its source, a recording is, L decoder steps."""

    place: Tensor
    """(B, L) letter that is spoken, from 0; between two letters in proportion."""
    trusted: Tensor
    """(B,) bool, False where the alignment is not to be relied on."""


@torch.no_grad()
def letter_times(
    ctc_logits: Tensor, frame_lengths: Tensor, text: Tensor, text_lengths: Tensor
) -> LetterTimes:
    """Find the most likely CTC path of each text.

    Args:
        ctc_logits: (B, T, V).
        frame_lengths: (B,) real frames.
        text: (B, L) token ids without start or end symbols.
        text_lengths: (B,).

    Returns:
        Times and scores; a text that does not fit into its frames has none.
    """
    log_probs = ctc_logits.float().log_softmax(dim=-1)
    (rows, length), device = text.shape, text.device
    real = valid_mask(text_lengths, length)
    states = best_states(log_probs, frame_lengths, text, text_lengths)
    heard = valid_mask(frame_lengths, states.size(1)) & (states % 2 == 1)
    # The letter of each frame; a column behind the last one takes the blanks.
    letter = torch.where(heard, states // 2, length)
    frame = torch.arange(states.size(1), device=device).expand(rows, -1)
    first, last = (
        torch.zeros(rows, length + 1, dtype=torch.long, device=device).scatter_reduce(
            1, letter, frame, reduce, include_self=False
        )
        for reduce in ("amin", "amax")
    )
    centres = ((first + last)[:, :length] / 2).masked_fill(~real, 0.0)
    labels = F.pad(text, (0, 1)).gather(1, letter)
    spoken = log_probs.gather(2, labels.unsqueeze(2)).squeeze(2) * heard
    scores = spoken.sum(dim=1) / heard.sum(dim=1).clamp(min=1)
    repeated = (text[:, 1:] == text[:, :-1]) & real[:, 1:]  # need a blank in between
    fits = (text_lengths > 0) & (frame_lengths >= text_lengths + repeated.sum(dim=1))
    return LetterTimes(centres, scores.masked_fill(~fits, float("-inf")))


def spoken_letter(times: Tensor, letters: Tensor, moments: Tensor) -> Tensor:
    """Which letter is spoken when, between two letters in proportion.

    Args:
        times: (B, T) ascending middles of the letters.
        letters: (B,) how many of them are real.
        moments: (L,) in the unit of ``times``.

    Returns:
        (B, L) from 0, before the first letter's middle, to the number of letters - 1.
    """
    real = valid_mask(letters, times.size(1))
    times = times.masked_fill(~real, float("inf"))
    moments = moments.expand(times.size(0), -1).contiguous()
    after = torch.searchsorted(times.contiguous(), moments, right=True)
    after = torch.minimum(after, letters.unsqueeze(1))
    before = (after - 1).clamp(min=0)
    last = (letters - 1).clamp(min=0).unsqueeze(1)
    start = times.gather(1, before)
    stop = times.gather(1, torch.minimum(after, last))
    share = ((moments - start) / (stop - start).clamp(min=1e-3)).clamp(0.0, 1.0)
    place = before + torch.where(after > before, share, torch.zeros_like(share))
    return torch.minimum(place, last.to(place.dtype))


@contextmanager
def listening(*modules: nn.Module) -> Iterator[None]:
    """Switch dropout and masking of ``modules`` off for a moment."""
    before = [module.training for module in modules]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for module, mode in zip(modules, before, strict=True):
            module.train(mode)


def reading_window(
    previous: Tensor, letters: int, heads: int, guided: int, window: tuple[int, int]
) -> Tensor:
    """Letters that the guided heads may see.

    Args:
        previous: (B, L) int64, the letter that was spoken a step before each step.
        letters: T, columns of the mask.
        heads: H.
        guided: the first so many heads are confined.
        window: letters back and ahead.

    Returns:
        (B, H, L, T) bool.
    """
    back, ahead = window
    offset = torch.arange(letters, device=previous.device) - previous.unsqueeze(2)
    near = (offset >= -back) & (offset <= ahead)
    near = near.unsqueeze(1).expand(-1, heads, -1, -1).clone()
    near[:, guided:] = True
    return near


def previous_letters(place: Tensor, jitter: int) -> Tensor:
    """Letter that was spoken a step before.

    Args:
        place: (B, L) from :func:`spoken_letter`.
        jitter: move each by up to so many letters, so that a generation whose own
            place is a little off finds back.

    Returns:
        (B, L) int64, zero in the first step.
    """
    previous = F.pad(place[:, :-1].round().long(), (1, 0))
    if jitter:
        previous = previous + torch.randint_like(previous, -jitter, jitter + 1)
    return previous.clamp(min=0)


def aligned_attention_loss(
    attentions: tuple[Tensor, ...],
    place: Tensor,
    trusted: Tensor,
    step_lengths: Tensor,
    heads: int,
    sigma: float,
) -> Tensor:
    """Ask for attention where the spoken letter is.

    The guide of Tachibana et al. bent along the alignment (Zhu et al. 2019,
    "Pre-alignment guided attention"), as a log-likelihood: minus the logarithm of the
    weight that a step puts near its letter.

    Args:
        attentions: per decoder layer (B, H, L, T); the first ``heads`` are guided.
        place: (B, L) letter that is spoken at each step.
        trusted: (B,) bool; rows whose alignment does not count are left out.
        step_lengths: (B,) real decoder steps.
        heads: number of guided heads per layer.
        sigma: tolerated distance, in letters.

    Returns:
        Scalar mean over trusted steps, heads and layers; zero where there are none.
    """
    if not attentions or not trusted.any():
        return torch.zeros((), device=place.device)
    guided = torch.cat([weights[:, :heads] for weights in attentions], dim=1).float()
    steps, letters = guided.shape[2:]
    distance = torch.arange(letters, device=place.device) - place.unsqueeze(2)
    near = torch.exp(-(distance**2) / (2 * sigma**2))
    mass = (guided * near.unsqueeze(1)).sum(dim=3)
    real = valid_mask(step_lengths, steps) & trusted.unsqueeze(1)
    total = -(mass.clamp(min=1e-4).log() * real.unsqueeze(1)).sum()
    return total / (real.sum() * guided.size(1)).clamp(min=1)


@torch.no_grad()
def find_reading(
    model: "ESPnetSTTATTSModel",
    task: str,
    batch: dict[str, Any],
    language: Tensor | None,
    steps: Tensor,
    length: int,
) -> Reading:
    """Find which letter, or which frame of the source, is said at each decoder step.

    Args:
        model: Its encoder and CTC head listen, without dropout.
        task: ``tts`` or ``vc``.
        batch: As for ``model.forward``.
        language: (B,) indices, or None.
        steps: (B,) real decoder steps.
        length: L, their padded number.
    """

    def hear(name: str, task: str) -> tuple[Tensor, Tensor]:
        wave, lengths = batch[name], batch[f"{name}_lengths"]
        padding = model.config.padding
        with listening(model.speech_encoder_prenet, model.encoder):
            return model.encode_speech(wave, lengths, task, language, padding)

    middles = torch.arange(length, device=steps.device) + 0.5
    if task == "tts":
        memory, frames = hear("tts_speech", "asr")
        text, letters = batch["tts_text"], batch["tts_text_lengths"]
        logits = model.ctc_head(memory)
        times, scores = letter_times(logits, frames, text, letters)
        place = spoken_letter(times * (steps / frames).unsqueeze(1), letters, middles)
        return Reading(place, scores > model.config.loss.aligned_attention_trust)
    heard = (*hear("vc_speech", "vc"), *hear("vc_target", "vc"))
    source, frames = matching_frames(*heard), heard[3]
    target = (middles * (frames / steps).unsqueeze(1)).long()
    target = torch.minimum(target, frames.unsqueeze(1) - 1)
    return Reading(source.gather(1, target), torch.ones_like(steps, dtype=torch.bool))


def visible_letters(
    config: ModelConfig, task: str, reading: Reading, letters: int, jitter: bool
) -> Tensor:
    """Mark what the heads may see in training: (B, H, L, T) bool.

    Rows whose alignment is not to be trusted see everything.
    """
    window = config.window_of(task)
    visible = reading_window(
        previous_letters(reading.place, max(window[0], 1) if jitter else 0),
        letters,
        config.heads,
        config.loss.guided_attention_heads,
        window,
    )
    return visible | ~reading.trusted[:, None, None, None]
