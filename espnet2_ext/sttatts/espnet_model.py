"""The unified model: encode, fuse, decode, loss (figure 1 of the paper).

B batch, N samples, T memory frames, L target length, D width, V vocabulary, F mel
bins.  ``memory`` is the encoder output; :meth:`ESPnetSTTATTSModel.fuse` tells it the
task before a decoder sees it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from espnet2.torch_utils.device_funcs import force_gatherable
from espnet2.train.abs_espnet_model import AbsESPnetModel
from torch import Tensor, nn

from espnet2_ext.sttatts.alignment import (
    Reading,
    letter_times,
    listening,
    previous_letters,
    reading_window,
    spoken_letter,
)
from espnet2_ext.sttatts.config import TASKS, ModelConfig, Padding
from espnet2_ext.sttatts.decoder import Decoder
from espnet2_ext.sttatts.encoder import Encoder
from espnet2_ext.sttatts.initialize import initialize
from espnet2_ext.sttatts.lengths import valid_mask
from espnet2_ext.sttatts.losses import (
    aligned_attention_loss,
    cross_entropy_sum,
    ctc_loss_sum,
    guided_attention_loss,
    mel_losses,
)
from espnet2_ext.sttatts.mel import LogMelSpectrogram
from espnet2_ext.sttatts.speech_decoder_postnet import (
    SpeechDecoderOutput,
    SpeechDecoderPostnet,
)
from espnet2_ext.sttatts.speech_decoder_prenet import (
    SpeechDecoderPrenet,
    teacher_forcing_input,
)
from espnet2_ext.sttatts.speech_encoder_prenet import SpeechEncoderPrenet
from espnet2_ext.sttatts.symbols import EOS, PAD, check_token_list
from espnet2_ext.sttatts.task_fusion import TaskFusion
from espnet2_ext.sttatts.text_decoder_prenet import TextDecoderPrenet
from espnet2_ext.sttatts.text_encoder_prenet import TextEncoderPrenet
from espnet2_ext.sttatts.token_embedding import TokenEmbedding


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


class ESPnetSTTATTSModel(AbsESPnetModel):
    """SpeechT5's encoder-decoder with task fusion, for ASR, TTS and VC."""

    extract_feats_in_collect_stats = False

    def __init__(self, config: ModelConfig, token_list: Sequence[str]):
        """Build the model with random weights.

        Args:
            config: sizes and switches.
            token_list: symbols in SpeechT5's order; the index is the token id.

        Raises:
            ValueError: special symbols are not where they belong.
        """
        super().__init__()
        check_token_list(token_list)
        self.config = config
        self.token_list = list(token_list)
        vocabulary = len(self.token_list)

        self.speech_encoder_prenet = SpeechEncoderPrenet(config)
        # One table serves the text encoder, the text decoder and its output layer.
        self.token_embedding = TokenEmbedding(vocabulary, config)
        self.text_encoder_prenet = TextEncoderPrenet(config)
        self.encoder = Encoder(config)
        self.ctc_dropout = nn.Dropout(config.dropout)
        self.ctc_head = nn.Linear(config.d_model, vocabulary)
        self.task_fusion = (
            None
            if config.fusion.mode == "none"
            else TaskFusion(config.fusion, config.d_model)
        )
        self.text_decoder_prenet = TextDecoderPrenet(config)
        self.speech_decoder_prenet = SpeechDecoderPrenet(config)
        self.decoder = Decoder(config)
        self.speech_decoder_postnet = SpeechDecoderPostnet(config)
        self.log_mel = LogMelSpectrogram(config.audio)
        initialize(self, config.init)

    # ---- encode ----------------------------------------------------------------

    def encode_speech(
        self,
        speech: Tensor,
        speech_lengths: Tensor,
        task: str = "asr",
        language: Tensor | None = None,
        padding: Padding = "exact",
    ) -> tuple[Tensor, Tensor]:
        """Encode waveforms.

        Args:
            speech: (B, N) samples.
            speech_lengths: (B,) real samples; anything may stand behind them.
            task: matters only where fusion comes before the encoder.
            language: (B,) indices; matters as ``task`` does.
            padding: ``exact`` or ``official`` treatment of padded rows.

        Returns:
            (B, T, D) memory before task fusion, and (B,) real frames.
        """
        samples = valid_mask(speech_lengths, speech.size(1))
        speech = speech.masked_fill(~samples, 0.0)
        x, lengths = self.speech_encoder_prenet(speech, speech_lengths, padding)
        return self._encode(x, lengths, task, language), lengths

    def encode_text(
        self,
        text: Tensor,
        text_lengths: Tensor,
        task: str = "tts",
        language: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Encode token ids (B, L) without start or end symbols.

        Returns:
            (B, L, D) memory before task fusion, and (B,) lengths.
        """
        text = text.masked_fill(~valid_mask(text_lengths, text.size(1)), PAD)
        x = self.text_encoder_prenet(self.token_embedding(text))
        return self._encode(x, text_lengths, task, language), text_lengths

    def _encode(
        self, x: Tensor, lengths: Tensor, task: str, language: Tensor | None
    ) -> Tensor:
        if self.config.fusion.position == "pre_encoder":
            x = self._apply_fusion(x, task, language)
        return self.encoder(x, valid_mask(lengths, x.size(1)))

    # ---- fuse ------------------------------------------------------------------

    def fuse(self, memory: Tensor, task: str, language: Tensor | None = None) -> Tensor:
        """Tell ``memory`` (B, T, D) its task; unchanged where no fusion follows."""
        if self.config.fusion.position == "post_encoder":
            return self._apply_fusion(memory, task, language)
        return memory

    def _apply_fusion(self, x: Tensor, task: str, language: Tensor | None) -> Tensor:
        return x if self.task_fusion is None else self.task_fusion(x, task, language)

    # ---- decode ----------------------------------------------------------------

    def ctc_logits(self, memory: Tensor) -> Tensor:
        """Frame-wise label logits (B, T, V) from the memory before fusion."""
        return self.ctc_head(self.ctc_dropout(memory))

    def decode_text(
        self, memory: Tensor, memory_lengths: Tensor, prev_tokens: Tensor
    ) -> Tensor:
        """Predict each next token.

        Args:
            memory: (B, T, D) after fusion.
            memory_lengths: (B,).
            prev_tokens: (B, L) starting with ``</s>``, padded with ``<pad>``.

        Returns:
            (B, L, V) logits.
        """
        mask = prev_tokens != PAD
        x = self.text_decoder_prenet(self.token_embedding(prev_tokens), mask)
        memory_mask = valid_mask(memory_lengths, memory.size(1))
        x, _ = self.decoder(x, mask, memory, memory_mask)
        return self.text_logits(x)

    def text_logits(self, states: Tensor) -> Tensor:
        """Text decoder post-net: decoder states (B, L, D) to logits (B, L, V)."""
        return F.linear(states, self.token_embedding.weight)

    def decode_speech(
        self,
        memory: Tensor,
        memory_lengths: Tensor,
        prev_mel: Tensor,
        spembs: Tensor,
        prev_mel_lengths: Tensor | None = None,
        prenet_dropout: float | None = None,
        padding: Padding | None = None,
        window: Tensor | None = None,
    ) -> SpeechDecoderOutput:
        """Predict each next group of mel frames.

        Args:
            memory: (B, T, D) after fusion.
            memory_lengths: (B,).
            prev_mel: (B, L, F) frames thinned by r and shifted right by one.
            spembs: (B, E) speaker embeddings.
            prev_mel_lengths: (B,) real steps; all L when missing.
            prenet_dropout: overrides the always-on pre-net dropout.
            padding: overrides the configured rule for the post-net.
            window: (B, H, L, T) bool, True where cross-attention may look.

        Returns:
            Frames before and after the post-net, stop logits, attentions.
        """
        rows, steps = prev_mel.shape[:2]
        if prev_mel_lengths is None:
            prev_mel_lengths = memory_lengths.new_full((rows,), steps)
        x = self.speech_decoder_prenet(prev_mel, spembs, prenet_dropout)
        x, attentions = self.decoder(
            x,
            valid_mask(prev_mel_lengths, steps),
            memory,
            valid_mask(memory_lengths, memory.size(1)),
            need_weights=True,
            window=window,
        )
        exact = (padding or self.config.padding) == "exact"
        frames = prev_mel_lengths * self.config.reduction_factor if exact else None
        return self.speech_decoder_postnet(x, attentions, frames)

    # ---- train -----------------------------------------------------------------

    def forward(self, **batch: Any) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Compute the loss of one batch of one or several tasks.

        Args:
            batch: ``asr_speech``, ``asr_text``; ``tts_text``, ``tts_speech`` (wave),
                ``tts_spembs``; ``vc_speech``, ``vc_target`` (wave), ``vc_spembs``;
                each sequence with ``…_lengths``; optionally ``<task>_language``.
                Text carries no start or end symbols.  Any padding value will do.

        Returns:
            loss, statistics and weight, each of one element.  For a single task the
            weight is what the loss was divided by (characters or frames), so that
            the mean over processes is that of the whole batch; for several tasks
            the losses are added and every process counts the same.

        Raises:
            ValueError: the batch holds no task that this model knows.
        """
        tasks = [task for task in TASKS if f"{task}_speech" in batch]
        if not tasks:
            raise ValueError(f"no task found in a batch with the keys {sorted(batch)}")
        total = torch.zeros((), device=batch[f"{tasks[0]}_speech"].device)
        stats: dict[str, Tensor] = {}
        weight = torch.ones((), device=total.device)
        for task in tasks:
            loss, task_stats, normaliser = (
                self._asr_loss(batch)
                if task == "asr"
                else self._speech_loss(task, batch)
            )
            total = total + getattr(self.config.loss, task) * loss
            stats.update(task_stats)
            if len(tasks) == 1:
                weight = normaliser.float()
        stats = {name: value.detach() for name, value in stats.items()}
        # A copy: the Trainer divides the loss in place before it logs the statistics.
        stats["loss"] = total.detach().clone()
        return force_gatherable((total, stats, weight), total.device)

    def _asr_loss(self, batch: dict[str, Any]) -> TaskLoss:
        language = _language(batch, "asr")
        text, text_lengths = batch["asr_text"], batch["asr_text_lengths"]
        memory, memory_lengths = self.encode_speech(
            batch["asr_speech"],
            batch["asr_speech_lengths"],
            "asr",
            language,
            self.config.padding,
        )
        ctc = ctc_loss_sum(self.ctc_logits(memory), memory_lengths, text, text_lengths)
        prev_tokens, targets = teacher_forcing_tokens(text, text_lengths)
        memory = self.fuse(memory, "asr", language)
        logits = self.decode_text(memory, memory_lengths, prev_tokens)
        weights = self.config.loss
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
        self, task: str, batch: dict[str, Any], reading: Reading | None = None
    ) -> TeacherForced:
        """Predict the target wave of a ``tts`` or ``vc`` batch from its true past.

        ``reading`` is found by the CTC head unless it is given.
        """
        language = _language(batch, task)
        if task == "tts":
            target = "tts_speech"
            memory, memory_lengths = self.encode_text(
                batch["tts_text"], batch["tts_text_lengths"], task, language
            )
        else:
            target = "vc_target"
            memory, memory_lengths = self.encode_speech(
                batch["vc_speech"],
                batch["vc_speech_lengths"],
                task,
                language,
                self.config.padding,
            )
        mel, mel_lengths = self.log_mel(batch[target], batch[f"{target}_lengths"])
        r = self.config.reduction_factor
        steps = torch.div(mel_lengths, r, rounding_mode="floor")
        prev_mel = teacher_forcing_input(mel, r)
        if reading is None:
            reading = self._reading(task, batch, steps, prev_mel.size(1))
        output = self.decode_speech(
            self.fuse(memory, task, language),
            memory_lengths,
            prev_mel,
            batch[f"{task}_spembs"],
            steps,
            window=self._window(reading, memory.size(1)),
        )
        return TeacherForced(
            output, mel[:, : prev_mel.size(1) * r], steps, memory_lengths, reading
        )

    def _reading(
        self, task: str, batch: dict[str, Any], steps: Tensor, length: int
    ) -> Reading | None:
        """Where in its text a recording is at each of ``length`` decoder steps."""
        config = self.config
        if task != "tts" or not (config.loss.aligned_attention or self.reads_on):
            return None
        with listening(self.speech_encoder_prenet, self.encoder), torch.no_grad():
            memory, frames = self.encode_speech(
                batch["tts_speech"],
                batch["tts_speech_lengths"],
                language=_language(batch, "tts"),
                padding=config.padding,
            )
            logits = self.ctc_head(memory)
        text, letters = batch["tts_text"], batch["tts_text_lengths"]
        times, scores = letter_times(logits, frames, text, letters)
        middles = torch.arange(length, device=times.device) + 0.5
        place = spoken_letter(times * (steps / frames).unsqueeze(1), letters, middles)
        return Reading(place, scores > config.loss.aligned_attention_trust)

    @property
    def reads_on(self) -> bool:
        """True if a speaking decoder sees only letters beside the last one."""
        return any(self.config.attention_window)

    def _window(self, reading: Reading | None, letters: int) -> Tensor | None:
        """What the heads may see, (B, H, L, T); where none is to be trusted, all."""
        if reading is None or not self.reads_on:
            return None
        window = reading_window(
            previous_letters(reading.place, jitter=self.training),
            letters,
            self.config.heads,
            self.config.loss.guided_attention_heads,
            self.config.attention_window,
        )
        return window | ~reading.trusted[:, None, None, None]

    def _speech_loss(self, task: str, batch: dict[str, Any]) -> TaskLoss:
        forced = self.teacher_forced_speech(task, batch)
        output, weights = forced.output, self.config.loss
        frames = forced.steps * self.config.reduction_factor
        l1, bce = mel_losses(
            output.before,
            output.after,
            output.stop_logits,
            forced.mel,
            frames,
            weights.bce_pos_weight,
        )
        attention = guided_attention_loss(
            output.attentions,
            forced.memory_lengths,
            forced.steps,
            weights.guided_attention_heads,
            weights.guided_attention_sigma,
        )
        loss = weights.l1 * l1 + weights.bce * bce
        loss = loss + weights.guided_attention * attention
        parts = {"l1": l1, "bce": bce, "attn": attention}
        if forced.reading is not None:
            aligned = aligned_attention_loss(
                output.attentions,
                forced.reading.place,
                forced.reading.trusted,
                forced.steps,
                weights.guided_attention_heads,
                weights.aligned_attention_sigma,
            )
            loss = loss + weights.aligned_attention * aligned
            parts |= {"align": aligned, "trust": forced.reading.trusted.float().mean()}
        if task == "tts" and not self.training:
            parts["reads"] = self._reads(forced, batch)
        stats = {f"{task}_{name}": value for name, value in parts.items()}
        return loss, {f"{task}_loss": loss, **stats}, frames.sum()

    def _reads(self, forced: TeacherForced, batch: dict[str, Any]) -> Tensor:
        """L1 of the mel with the letters of each text shuffled, minus that with them.

        Near zero in a model that lives by its own past and by its place in the text.
        """
        real = valid_mask(batch["tts_text_lengths"], batch["tts_text"].size(1))
        draws = torch.rand(real.shape, generator=torch.Generator().manual_seed(0))
        order = draws.to(real.device).masked_fill(~real, 2.0).argsort(dim=1)
        shuffled = {**batch, "tts_text": batch["tts_text"].gather(1, order)}
        other = self.teacher_forced_speech("tts", shuffled, forced.reading)
        frames = forced.steps * self.config.reduction_factor
        real = valid_mask(frames, forced.mel.size(1))
        errors = [
            F.l1_loss(output.before.float()[real], forced.mel[real])
            for output in (forced.output, other.output)
        ]
        return errors[1] - errors[0]

    def train(self, mode: bool = True) -> "ESPnetSTTATTSModel":
        """Switch the mode; frozen batch norms stay in evaluation mode."""
        super().train(mode)
        if self.config.freeze_batch_norm:
            self.speech_decoder_postnet.norms.eval()
        return self

    def collect_feats(self, **batch: Any) -> dict[str, Tensor]:
        """Nothing to collect: SpeechT5 normalises neither waveforms nor mels."""
        return {}


def _language(batch: dict[str, Any], task: str) -> Tensor | None:
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
