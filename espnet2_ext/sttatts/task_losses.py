"""What a batch of one task costs: predictions from the true past, and their losses."""

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from espnet2_ext.sttatts.alignment import (
    Reading,
    letter_times,
    listening,
    previous_letters,
    reading_window,
    spoken_letter,
)
from espnet2_ext.sttatts.lengths import valid_mask
from espnet2_ext.sttatts.losses import (
    aligned_attention_loss,
    cross_entropy_sum,
    ctc_loss_sum,
    guided_attention_loss,
    mel_losses,
)
from espnet2_ext.sttatts.speech_decoder_postnet import SpeechDecoderOutput
from espnet2_ext.sttatts.speech_decoder_prenet import teacher_forcing_input
from espnet2_ext.sttatts.symbols import EOS, PAD

if TYPE_CHECKING:
    from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel


class TeacherForced(NamedTuple):
    """A prediction of speech from its own past, beside the truth."""

    output: SpeechDecoderOutput
    mel: Tensor
    """(B, L, F) target, cut to the length of the prediction."""
    steps: Tensor
    """(B,) real decoder steps, r frames each."""
    memory_lengths: Tensor
    """(B,) real memory frames."""
    reading: Reading | None = None
    """Where in the text the recording is, if that was asked for."""


TaskLoss = tuple[Tensor, dict[str, Tensor], Tensor]
"""Normalised loss, statistics, and the normaliser (characters or frames)."""


def asr_loss(model: "ESPnetSTTATTSModel", batch: dict[str, Any]) -> TaskLoss:
    """Cross-entropy and CTC of an ``asr`` batch, by characters."""
    language = language_of(batch, "asr")
    text, text_lengths = batch["asr_text"], batch["asr_text_lengths"]
    memory, memory_lengths = model.encode_speech(
        batch["asr_speech"],
        batch["asr_speech_lengths"],
        "asr",
        language,
        model.config.padding,
    )
    ctc = ctc_loss_sum(model.ctc_logits(memory), memory_lengths, text, text_lengths)
    prev_tokens, targets = teacher_forcing_tokens(text, text_lengths)
    memory = model.fuse(memory, "asr", language)
    logits = model.decode_text(memory, memory_lengths, prev_tokens)
    weights = model.config.loss
    ce = cross_entropy_sum(logits, targets, weights.label_smoothing)
    characters = text_lengths.sum()
    real = targets != PAD
    correct = (logits.argmax(dim=2) == targets)[real].float().mean()
    loss = (weights.ce * ce + weights.ctc * ctc) / characters
    stats = {
        "asr_loss": loss,
        "asr_ce": ce / characters,
        "asr_ctc": ctc / characters,
        "asr_acc": correct,
    }
    return loss, stats, characters


def teacher_forced_speech(
    model: "ESPnetSTTATTSModel",
    task: str,
    batch: dict[str, Any],
    reading: Reading | None = None,
) -> TeacherForced:
    """Predict the target wave of a ``tts`` or ``vc`` batch from its true past.

    ``reading`` is found by the CTC head unless it is given.
    """
    language = language_of(batch, task)
    if task == "tts":
        target = "tts_speech"
        memory, memory_lengths = model.encode_text(
            batch["tts_text"], batch["tts_text_lengths"], task, language
        )
    else:
        target = "vc_target"
        memory, memory_lengths = model.encode_speech(
            batch["vc_speech"],
            batch["vc_speech_lengths"],
            task,
            language,
            model.config.padding,
        )
    mel, mel_lengths = model.log_mel(batch[target], batch[f"{target}_lengths"])
    r = model.config.reduction_factor
    steps = torch.div(mel_lengths, r, rounding_mode="floor")
    prev_mel = teacher_forcing_input(mel, r)
    if reading is None:
        reading = _find_reading(model, task, batch, steps, prev_mel.size(1))
    output = model.decode_speech(
        model.fuse(memory, task, language),
        memory_lengths,
        prev_mel,
        batch[f"{task}_spembs"],
        steps,
        window=_window(model, reading, memory.size(1)),
    )
    return TeacherForced(
        output, mel[:, : prev_mel.size(1) * r], steps, memory_lengths, reading
    )


def _find_reading(
    model: "ESPnetSTTATTSModel",
    task: str,
    batch: dict[str, Any],
    steps: Tensor,
    length: int,
) -> Reading | None:
    """Where in its text a recording is at each of ``length`` decoder steps."""
    config = model.config
    if task != "tts" or not (
        config.loss.aligned_attention or config.has_attention_window
    ):
        return None
    with listening(model.speech_encoder_prenet, model.encoder), torch.no_grad():
        memory, frames = model.encode_speech(
            batch["tts_speech"],
            batch["tts_speech_lengths"],
            language=language_of(batch, "tts"),
            padding=config.padding,
        )
        logits = model.ctc_head(memory)
    text, letters = batch["tts_text"], batch["tts_text_lengths"]
    times, scores = letter_times(logits, frames, text, letters)
    middles = torch.arange(length, device=times.device) + 0.5
    place = spoken_letter(times * (steps / frames).unsqueeze(1), letters, middles)
    return Reading(place, scores > config.loss.aligned_attention_trust)


def _window(
    model: "ESPnetSTTATTSModel", reading: Reading | None, letters: int
) -> Tensor | None:
    """What the heads may see, (B, H, L, T); where none is to be trusted, all."""
    config = model.config
    if reading is None or not config.has_attention_window:
        return None
    window = reading_window(
        previous_letters(reading.place, jitter=model.training),
        letters,
        model.config.heads,
        model.config.loss.guided_attention_heads,
        model.config.attention_window,
    )
    return window | ~reading.trusted[:, None, None, None]


def speech_loss(
    model: "ESPnetSTTATTSModel", task: str, batch: dict[str, Any]
) -> TaskLoss:
    """Mel, stop and attention losses of a ``tts`` or ``vc`` batch, by frames."""
    forced = teacher_forced_speech(model, task, batch)
    output, weights = forced.output, model.config.loss
    frames = forced.steps * model.config.reduction_factor
    l1, bce = mel_losses(
        output.before,
        output.after,
        output.stop_logits,
        forced.mel,
        frames,
        weights.bce_pos_weight,
    )
    loss = weights.l1 * l1 + weights.bce * bce
    parts = {"l1": l1, "bce": bce}
    guide, guide_parts = _guide(model, forced)
    loss, parts = loss + guide, parts | guide_parts
    if task == "tts" and not model.training:
        parts["reads"] = reads(model, forced, batch)
    stats = {f"{task}_{name}": value for name, value in parts.items()}
    return loss, {f"{task}_loss": loss, **stats}, frames.sum()


def _guide(
    model: "ESPnetSTTATTSModel", forced: TeacherForced
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted loss of the guided heads: along the alignment, else the diagonal."""
    weights, attentions = model.config.loss, forced.output.attentions
    diagonal = guided_attention_loss(
        attentions,
        forced.memory_lengths,
        forced.steps,
        weights.guided_attention_heads,
        weights.guided_attention_sigma,
    )
    if forced.reading is None:
        return weights.guided_attention * diagonal, {"attn": diagonal}
    aligned = aligned_attention_loss(
        attentions,
        forced.reading.place,
        forced.reading.trusted,
        forced.steps,
        weights.guided_attention_heads,
        weights.aligned_attention_sigma,
    )
    trust = forced.reading.trusted.float().mean()
    parts = {"attn": diagonal, "align": aligned, "trust": trust}
    return weights.aligned_attention * aligned, parts


def reads(
    model: "ESPnetSTTATTSModel", forced: TeacherForced, batch: dict[str, Any]
) -> Tensor:
    """L1 of the mel with the letters of each text shuffled, minus that with them.

    Near zero in a model that lives by its own past and by its place in the text.
    """
    real = valid_mask(batch["tts_text_lengths"], batch["tts_text"].size(1))
    draws = torch.rand(real.shape, generator=torch.Generator().manual_seed(0))
    order = draws.to(real.device).masked_fill(~real, 2.0).argsort(dim=1)
    shuffled = {**batch, "tts_text": batch["tts_text"].gather(1, order)}
    other = teacher_forced_speech(model, "tts", shuffled, forced.reading)
    frames = forced.steps * model.config.reduction_factor
    real = valid_mask(frames, forced.mel.size(1))
    errors = [
        F.l1_loss(output.before.float()[real], forced.mel[real])
        for output in (forced.output, other.output)
    ]
    return errors[1] - errors[0]


def language_of(batch: dict[str, Any], task: str) -> Tensor | None:
    """Language indices (B,) of a batch, if it carries any."""
    language = batch.get(f"{task}_language")
    return None if language is None else language.reshape(-1)


def teacher_forcing_tokens(text: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs and targets of the text decoder.

    Args:
        text: (B, L) ids without start or end symbols, any padding.
        lengths: (B,).

    Returns:
        ``</s>`` + text and text + ``</s>``, both (B, L + 1), padded with ``PAD``.
    """
    text = text.masked_fill(~valid_mask(lengths, text.size(1)), PAD)
    prev_tokens = F.pad(text, (1, 0), value=EOS)
    targets = F.pad(text, (0, 1), value=PAD)
    targets = targets.scatter(1, lengths.unsqueeze(1), EOS)
    return prev_tokens, targets
