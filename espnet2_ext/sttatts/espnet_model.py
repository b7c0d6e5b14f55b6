"""The unified model: encode, fuse, decode, loss (figure 1 of the paper).

B batch, N samples, T memory frames, L target length, D width, V vocabulary, F mel
bins.  ``memory`` is the encoder output; :meth:`ESPnetSTTATTSModel.fuse` tells it the
task before a decoder sees it.  Variants of the paper (a Y with two decoders, adapters,
a token instead of fusion) differ in :meth:`ESPnetSTTATTSModel.decoder_of` alone.
"""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from espnet2.torch_utils.device_funcs import force_gatherable
from espnet2.train.abs_espnet_model import AbsESPnetModel
from torch import Tensor, nn

from espnet2_ext.sttatts.config import SPEECH_OUTPUT, ModelConfig, Padding
from espnet2_ext.sttatts.decoder import Decoder, TaskDecoder, task_adapters
from espnet2_ext.sttatts.encoder import Encoder, TaskFusion
from espnet2_ext.sttatts.front_ends import LogMelSpectrogram
from espnet2_ext.sttatts.layers import initialize, valid_mask
from espnet2_ext.sttatts.postnet import SpeechDecoderOutput, SpeechDecoderPostnet
from espnet2_ext.sttatts.prenets import (
    SpeechDecoderPrenet,
    SpeechEncoderPrenet,
    TextDecoderPrenet,
    TextEncoderPrenet,
    TokenEmbedding,
)
from espnet2_ext.sttatts.symbols import PAD, check_token_list
from espnet2_ext.sttatts.task_losses import batch_loss


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
        self.config, self.token_list = config, list(token_list)
        vocabulary, tasks = len(self.token_list), config.fusion.tasks

        if config.hears:
            self.speech_encoder_prenet = SpeechEncoderPrenet(config)
        # One table serves the text encoder, the text decoder and its output layer.
        self.token_embedding = TokenEmbedding(vocabulary, config)
        if "tts" in tasks:
            self.text_encoder_prenet = TextEncoderPrenet(config)
        self.encoder = Encoder(config)
        self.ctc_dropout = nn.Dropout(config.dropout)
        # Where nothing is heard, too: the released models for speaking have one.
        self.ctc_head = nn.Linear(config.d_model, vocabulary)
        self.task_fusion: TaskFusion | None = None
        if config.fusion.mode != "none":
            self.task_fusion = TaskFusion(config.fusion, config.d_model)
        self.text_decoder_prenet = TextDecoderPrenet(config)
        if config.speaks:
            self.speech_decoder_prenet = SpeechDecoderPrenet(config)
        self.decoder = Decoder(config)
        if config.speaks:
            self.speech_decoder_postnet = SpeechDecoderPostnet(config)
            self.log_mel = LogMelSpectrogram(config.audio)
        self.speech_decoder: Decoder | None = None
        if config.decoders == "separate":
            self.speech_decoder = Decoder(config)
        self.adapters = task_adapters(config)
        initialize(self, config.init)
        if config.init == "xavier" and config.speaks:
            # Small models learn faster from it: a bias that has to get to -2.3 in steps
            # of 1e-3 is a long way off.
            self.speech_decoder_prenet.normalise_mels()
            self.speech_decoder_postnet.normalise_mels()

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
        """Encode token ids (B, L) without start or end symbols: (B, L, D), (B,)."""
        text = text.masked_fill(~valid_mask(text_lengths, text.size(1)), PAD)
        x = self.text_encoder_prenet(self.token_embedding(text))
        return self._encode(x, text_lengths, task, language), text_lengths

    def _encode(
        self, x: Tensor, lengths: Tensor, task: str, language: Tensor | None
    ) -> Tensor:
        x = self._fuse_at("pre_encoder", x, task, language)
        return self.encoder(x, valid_mask(lengths, x.size(1)))

    # ---- fuse ------------------------------------------------------------------

    def fuse(self, memory: Tensor, task: str, language: Tensor | None = None) -> Tensor:
        """Tell ``memory`` (B, T, D) its task; unchanged where no fusion follows."""
        return self._fuse_at("post_encoder", memory, task, language)

    def _fuse_at(
        self, position: str, x: Tensor, task: str, language: Tensor | None
    ) -> Tensor:
        if self.task_fusion is None or self.config.fusion.position != position:
            return x
        return self.task_fusion(x, task, language)

    # ---- decode ----------------------------------------------------------------

    def decoder_of(
        self, task: str, rows: int, language: Tensor | None = None
    ) -> TaskDecoder:
        """Give the decoder of a task, for B ``rows`` with their ``language`` (B,)."""
        stack = self.decoder
        if self.speech_decoder is not None and task in SPEECH_OUTPUT:
            stack = self.speech_decoder
        adapters: Any = self.adapters[task] if self.adapters else None
        token = None
        if self.task_fusion and self.config.fusion.position == "decoder_start":
            token = self.task_fusion.token(rows, task, language)
        return TaskDecoder(stack, adapters, token)

    def ctc_logits(self, memory: Tensor) -> Tensor:
        """Frame-wise label logits (B, T, V) from the memory before fusion."""
        return self.ctc_head(self.ctc_dropout(memory))

    def decode_text(
        self,
        memory: Tensor,
        memory_lengths: Tensor,
        prev_tokens: Tensor,
        task: str = "asr",
        language: Tensor | None = None,
    ) -> Tensor:
        """Predict each next token: logits (B, L, V).

        ``memory`` (B, T, D) is fused, with ``memory_lengths`` (B,).  ``prev_tokens``
        (B, L) start with ``</s>`` and are padded with ``<pad>``.
        """
        mask = prev_tokens != PAD
        x = self.text_decoder_prenet(self.token_embedding(prev_tokens), mask)
        decoder = self.decoder_of(task, len(memory), language)
        x, _ = decoder(x, mask, memory, valid_mask(memory_lengths, memory.size(1)))
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
        task: str = "tts",
        language: Tensor | None = None,
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
            task: ``tts`` or ``vc``; matters to :meth:`decoder_of`.
            language: (B,) indices; matters as ``task`` does.

        Returns:
            Frames before and after the post-net, stop logits, attentions.
        """
        if prev_mel_lengths is None:
            rows, steps = prev_mel.shape[:2]
            prev_mel_lengths = memory_lengths.new_full((rows,), steps)
        x, attentions = self.speech_states(
            memory,
            memory_lengths,
            prev_mel,
            spembs,
            prev_mel_lengths,
            prenet_dropout,
            window,
            task,
            language,
        )
        exact = (padding or self.config.padding) == "exact"
        frames = prev_mel_lengths * self.config.reduction_factor if exact else None
        return self.speech_decoder_postnet(x, attentions, frames)

    def speech_states(
        self,
        memory: Tensor,
        memory_lengths: Tensor,
        prev_mel: Tensor,
        spembs: Tensor,
        prev_mel_lengths: Tensor,
        prenet_dropout: float | None = None,
        window: Tensor | None = None,
        task: str = "tts",
        language: Tensor | None = None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Decoder states (B, L, D) and attentions of :meth:`decode_speech`."""
        x = self.speech_decoder_prenet(prev_mel, spembs, prenet_dropout)
        return self.decoder_of(task, len(memory), language)(
            x,
            valid_mask(prev_mel_lengths, prev_mel.size(1)),
            memory,
            valid_mask(memory_lengths, memory.size(1)),
            need_weights=True,
            window=window,
        )

    # ---- train -----------------------------------------------------------------

    def forward(self, **batch: Any) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Compute loss, statistics and weight of a ``batch`` of one or several tasks.

        It holds ``asr_speech``, ``asr_text``; ``tts_text``, ``tts_speech`` (wave),
        ``tts_spembs``; ``vc_speech``, ``vc_target`` (wave), ``vc_spembs``; each
        sequence with ``…_lengths``; optionally ``<task>_language``.  Text carries no
        start or end symbols.  Any padding value will do.
        """
        total, stats, weight = batch_loss(self, batch)
        return force_gatherable((total, stats, weight), total.device)

    def collect_feats(self, **batch: Any) -> dict[str, Tensor]:
        """Nothing to collect: SpeechT5 normalises neither waveforms nor mels."""
        return {}
