"""What a batch of one task costs: predictions from the true past, and their losses."""

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from espnet2_ext.sttatts.alignment import (
    Reading,
    aligned_attention_loss,
    find_reading,
    visible_letters,
)
from espnet2_ext.sttatts.config import SPEECH_OUTPUT
from espnet2_ext.sttatts.layers import valid_mask
from espnet2_ext.sttatts.losses import (
    cross_entropy_sum,
    ctc_loss_sum,
    guided_attention_loss,
    mel_losses,
    teacher_forcing_tokens,
)
from espnet2_ext.sttatts.perception import perceptual_loss
from espnet2_ext.sttatts.postnet import SpeechDecoderOutput
from espnet2_ext.sttatts.prenets import teacher_forcing_input
from espnet2_ext.sttatts.symbols import PAD

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
    """Where in the text or the source the recording is, if that was asked for."""


TaskLoss = tuple[Tensor, dict[str, Tensor], Tensor]
"""Normalised loss, statistics, and the normaliser (characters or frames)."""


def batch_loss(
    model: "ESPnetSTTATTSModel", batch: dict[str, Any]
) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """Loss of all tasks in a batch, statistics of each, and the weight of the batch.

    For a single task the weight is what the loss was divided by (characters or frames),
    so that the mean over processes is that of the whole batch; for several tasks the
    losses are added and every process counts the same.

    Raises:
        ValueError: no task of the model.
    """
    tasks = [t for t in model.config.fusion.tasks if f"{t}_speech" in batch]
    if not tasks:
        raise ValueError(
            f"no task of {model.config.fusion.tasks} found in a batch with the keys "
            f"{sorted(batch)}"
        )
    device = batch[f"{tasks[0]}_speech"].device
    total, weight = torch.zeros((), device=device), torch.ones((), device=device)
    stats: dict[str, Tensor] = {}
    for task in tasks:
        if task in SPEECH_OUTPUT:
            loss, parts, normaliser = speech_loss(model, task, batch)
        else:
            loss, parts, normaliser = asr_loss(model, batch)
        total = total + getattr(model.config.loss, task) * loss
        stats |= {name: value.detach() for name, value in parts.items()}
        if len(tasks) == 1:
            weight = normaliser.float()
    # A copy: the Trainer divides the loss in place before it logs the statistics.
    stats["loss"] = total.detach().clone()
    return total, stats, weight


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
    logits = model.decode_text(memory, memory_lengths, prev_tokens, language=language)
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

    ``reading`` is found by the model's own ears, where one is needed and none is given.
    """
    language, config = language_of(batch, task), model.config
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
            config.padding,
        )
    mel, mel_lengths = model.log_mel(batch[target], batch[f"{target}_lengths"])
    r = config.reduction_factor
    steps = torch.div(mel_lengths, r, rounding_mode="floor")
    prev_mel = teacher_forcing_input(mel, r)
    window = None
    confined = any(config.window_of(task))
    if config.loss.aligned_attention or confined:
        if reading is None:
            length = prev_mel.size(1)
            reading = find_reading(model, task, batch, language, steps, length)
        if confined:
            window = visible_letters(
                config, task, reading, memory.size(1), model.training
            )
    decode: dict[str, Any] = {"window": window, "task": task, "language": language}
    past = (model.fuse(memory, task, language), memory_lengths)
    spembs = batch[f"{task}_spembs"]
    if model.training and config.scheduled_sampling:
        prev_mel = with_own_frames(model, past, prev_mel, spembs, steps, decode)
    output = model.decode_speech(*past, prev_mel, spembs, steps, **decode)
    return TeacherForced(
        output, mel[:, : prev_mel.size(1) * r], steps, memory_lengths, reading
    )


@torch.no_grad()
def with_own_frames(
    model: "ESPnetSTTATTSModel",
    memory: tuple[Tensor, Tensor],
    prev_mel: Tensor,
    spembs: Tensor,
    steps: Tensor,
    decode: dict[str, Any],
) -> Tensor:
    """Put the decoder's own frames in the place of some true ones.

    A decoder that has only met the true past goes astray in its own. Transformers learn
    from it in two passes (Mihaylova and Martins 2019, "Scheduled sampling for
    transformers"): the first one, without gradients, says what the decoder would have
    said.

    Args:
        model: ``config.scheduled_sampling`` is the largest share of an utterance that
            is replaced; each draws its own.
        memory: (B, T, D) after fusion, and (B,) its lengths.
        prev_mel: (B, L, F) true past.
        spembs: (B, E).
        steps: (B,) real decoder steps.
        decode: window, task and language of the second pass.

    Returns:
        (B, L, F).
    """
    r, (rows, length) = model.config.reduction_factor, prev_mel.shape[:2]
    states, _ = model.speech_states(*memory, prev_mel, spembs, steps, **decode)
    frames, _ = model.speech_decoder_postnet.frames(states)
    own = teacher_forcing_input(frames.to(prev_mel), r)
    draws = torch.rand(2, rows, length, device=prev_mel.device)
    share = model.config.scheduled_sampling * draws[0, :, :1]
    return torch.where((draws[1] < share).unsqueeze(2), own, prev_mel)


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
    guide, guide_parts = _guide(model, task, forced)
    loss = weights.l1 * l1 + weights.bce * bce + guide
    parts = {"l1": l1, "bce": bce, **guide_parts}
    if weights.perceptual:
        heard = perceptual_loss(model, output.after, forced.mel, frames)
        loss = loss + weights.perceptual * heard
        parts["heard"] = heard
    if task == "tts" and not model.training:
        parts["reads"] = reads(model, forced, batch)
    stats = {f"{task}_{name}": value for name, value in parts.items()}
    return loss, {f"{task}_loss": loss, **stats}, frames.sum()


def _guide(
    model: "ESPnetSTTATTSModel", task: str, forced: TeacherForced
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted loss of the guided heads: along the alignment, else the diagonal."""
    weights, attentions = model.config.loss, forced.output.attentions
    if forced.reading is None:
        diagonal = guided_attention_loss(
            attentions,
            forced.memory_lengths,
            forced.steps,
            weights.guided_attention_heads,
            weights.guided_attention_sigma,
        )
        return weights.guided_attention * diagonal, {"attn": diagonal}
    aligned = aligned_attention_loss(
        attentions,
        forced.reading.place,
        forced.reading.trusted,
        forced.steps,
        weights.guided_attention_heads,
        weights.aligned_attention_sigma
        if task == "tts"
        else weights.aligned_attention_frames,
    )
    trust = forced.reading.trusted.float().mean()
    return weights.aligned_attention * aligned, {"align": aligned, "trust": trust}


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
