"""Every size and switch of the model in one dataclass, and the named presets.

The dataclasses hold plain values only, so that a configuration goes into
``config.yaml`` and back without loss.  They are checked by
:func:`espnet2_ext.sttatts.configuration.build_model_config`.
"""

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

TASKS = ("asr", "tts", "vc")
"""Tasks with data and losses of their own; the order fixes the task identity."""

Padding = Literal["exact", "official"]
"""``exact``: a row gives the same result in every batch.  ``official``: the
arithmetic of the released code, in which padding touches its neighbours."""

SPEECH_OUTPUT = ("tts", "vc")
"""Tasks that give speech; the others give text."""

Init = Literal["bert", "xavier"]
"""How a model without pre-trained weights starts; see ``initialize``."""


MOST = 2**18
"""Largest of anything in a model: of sizes, and of the sampling rate (Hz)."""

_MOST_WEIGHTS = 2**28
"""Of a convolution; the largest one of the paper's model has 5 million."""

_POSITIVE = {
    *("sample_rate", "n_fft", "hop_length", "n_mels", "channels", "d_model", "ffn"),
    *("heads", "pos_conv_kernel", "pos_conv_groups", "speaker_dim"),
    *("reduction_factor", "prenet_units", "postnet_channels", "postnet_kernel"),
}


class _Strict:
    """Pydantic refuses names that a configuration does not have."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Refuse numbers that nobody can mean."""
        for name, value in vars(self).items():
            if isinstance(value, int) and not 0 <= value <= MOST:
                raise ValueError(f"{name} is not in 0..{MOST}")
            if isinstance(value, float) and not _is_meant(name, value):
                raise ValueError(f"{name}={value} is no number")
            if value == 0 and name in _POSITIVE:
                raise ValueError(f"{name}=0 must be positive")


def _is_meant(name: str, value: float) -> bool:
    return math.isfinite(value) or (name == "aligned_attention_trust" and value < 0)


@dataclass(frozen=True)
class AudioConfig(_Strict):
    """Sampling rate (Hz), STFT sizes (samples) and mel range (Hz)."""

    sample_rate: int = 16000
    n_fft: int = 1024
    hop_length: int = 256
    n_mels: int = 80
    fmin: float = 80.0
    fmax: float = 7600.0


@dataclass(frozen=True)
class FrontEndConfig(_Strict):
    """How speech becomes encoder frames.

    ``waveform`` is the convolution stack of wav2vec 2.0 (one frame per 20 ms), for
    pre-trained weights; ``log_mel`` is a log-mel spectrogram with two strided
    convolutions (one frame per 40 ms), cheaper and faster to learn from scratch.
    ``band_masks`` of up to ``band_mask_width`` mel bands each are blotted out of the
    latter in training (SpecAugment, Park et al. 2019).
    """

    kind: Literal["waveform", "log_mel"] = "waveform"
    channels: int = 512
    band_masks: int = 0
    band_mask_width: int = 20


@dataclass(frozen=True)
class FusionConfig(_Strict):
    """Task fusion (paper section 3.2): which tasks, which vector, where it is added.

    ``tasks`` are those that the model has: pre-nets and post-nets that none of them
    needs are not built.  ``fixed`` are the seeded unit vectors of the released code,
    ``learned`` are trained, ``none`` removes the layer.  ``decoder_start`` makes a
    token of the vector, which the decoder reads before everything else.  ``languages``
    adds a learned language vector beside the task vector.
    """

    mode: Literal["fixed", "learned", "none"] = "fixed"
    position: Literal["post_encoder", "pre_encoder", "decoder_start"] = "post_encoder"
    tasks: tuple[str, ...] = TASKS
    task_dim: int = 128
    languages: tuple[str, ...] = ()
    language_dim: int = 32


@dataclass(frozen=True)
class SpanMaskConfig(_Strict):
    """Masking of encoder frames while training on speech input (wav2vec 2.0)."""

    time_prob: float = 0.75
    time_length: int = 10
    time_min_spans: int = 2
    channel_prob: float = 0.5
    channel_length: int = 64


@dataclass(frozen=True)
class LossConfig(_Strict):
    """Weights of the losses; the defaults are the effective ones of the release.

    ``aligned_attention`` weighs the guide that follows the CTC head's alignment
    instead of the diagonal: the same heads, a tolerance in letters, and only for
    texts whose letters the head hears with a mean log-probability above
    ``aligned_attention_trust``. -2.5 is where a head with 55 % of errors stands: it
    places words within 50 ms already.  Where speech is converted, the guide follows the
    frames of the source, with a tolerance of ``aligned_attention_frames``.

    ``perceptual`` weighs how different generated speech is to the model's own ears,
    beside its mels; see :mod:`espnet2_ext.sttatts.perception`. For ears that hear mels.
    """

    ce: float = 0.5
    ctc: float = 0.5
    label_smoothing: float = 0.0
    l1: float = 1.0
    perceptual: float = 0.0
    bce: float = 1.0
    bce_pos_weight: float = 5.0
    guided_attention: float = 1.0
    guided_attention_sigma: float = 0.4
    guided_attention_heads: int = 2
    aligned_attention: float = 0.0
    aligned_attention_sigma: float = 1.0
    aligned_attention_trust: float = -2.5
    aligned_attention_frames: float = 3.0
    asr: float = 1.0
    tts: float = 1.0
    vc: float = 1.0


@dataclass(frozen=True)
class ModelConfig(_Strict):
    """The whole model.  Defaults are the paper's base size.

    ``decoders``: ``shared``, or ``separate`` ones for text and speech (the paper's
    Y-decoder, which has no fusion).  ``adapter_dim`` puts an adapter of that width for
    each task behind each decoder layer; 0 is without.

    ``generation_prenet_dropout`` replaces ``prenet_dropout`` where speech is generated;
    None keeps it, as in Tacotron 2 and the paper.

    ``speaker_gain`` is the length that speaker embeddings get; 1 as in SpeechT5. Of 256
    values, each is then a sixteenth, beside inputs of about 1, and a model that has not
    been pre-trained on thousands of voices learns slowly whose voice is asked for.

    ``scheduled_sampling`` (0 to 1) lets a speaking decoder learn from its own frames,
    too: up to so many of them stand for true ones; see ``with_own_frames``.

    ``attention_window`` (letters back, letters ahead) confines the guided heads of a
    speaking decoder to the letters beside the one that was spoken last; see
    :mod:`espnet2_ext.sttatts.alignment`.  ``conversion_window`` does so where speech is
    converted, in encoder frames.  (0, 0) leaves them free, as in the paper.
    """

    d_model: int = 768
    ffn: int = 3072
    heads: int = 12
    encoder_layers: int = 12
    decoder_layers: int = 6
    decoders: Literal["shared", "separate"] = "shared"
    adapter_dim: int = 0
    norm_first: bool = False
    scale_embedding: bool = False
    init: Init = "bert"
    max_relative_position: int = 160
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation_dropout: float = 0.1
    positional_dropout: float = 0.1
    encoder_layerdrop: float = 0.1
    decoder_layerdrop: float = 0.1
    pos_conv_kernel: int = 128
    pos_conv_groups: int = 16
    speaker_dim: int = 512
    speaker_gain: float = 1.0
    reduction_factor: int = 2
    prenet_layers: int = 2
    prenet_units: int = 256
    prenet_dropout: float = 0.5
    generation_prenet_dropout: float | None = None
    scheduled_sampling: float = 0.0
    attention_window: tuple[int, int] = (0, 0)
    conversion_window: tuple[int, int] = (0, 0)
    postnet_layers: int = 5
    postnet_channels: int = 256
    postnet_kernel: int = 5
    postnet_dropout: float = 0.5
    freeze_batch_norm: bool = False
    padding: Padding = "exact"
    audio: AudioConfig = field(default_factory=AudioConfig)
    front_end: FrontEndConfig = field(default_factory=FrontEndConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)
    span_mask: SpanMaskConfig = field(default_factory=SpanMaskConfig)
    loss: LossConfig = field(default_factory=LossConfig)

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        super().__post_init__()
        if self.d_model % self.heads:
            raise ValueError(
                f"d_model={self.d_model} is not a multiple of heads={self.heads}"
            )
        if self.d_model % self.pos_conv_groups:
            raise ValueError(
                f"d_model={self.d_model} is not a multiple of "
                f"pos_conv_groups={self.pos_conv_groups}"
            )
        convolutions = (
            self.postnet_channels**2 * self.postnet_kernel,
            self.d_model**2 // self.pos_conv_groups * self.pos_conv_kernel,
            self.front_end.channels**2,
        )
        if max(convolutions) > _MOST_WEIGHTS:
            raise ValueError(f"a convolution of {max(convolutions)} weights")
        if not self.fusion.tasks:
            raise ValueError("fusion.tasks is empty: a model has at least one task")
        if self.loss.perceptual and not (
            self.hears and self.front_end.kind == "log_mel"
        ):
            raise ValueError(
                f"loss.perceptual={self.loss.perceptual} compares what the model hears "
                "in mels: it needs a task that hears, and front_end.kind=log_mel"
            )
        if not self.hears and (
            self.loss.aligned_attention or any(self.attention_window)
        ):
            raise ValueError(
                f"fusion.tasks={self.fusion.tasks} hear nothing, but aligned_attention "
                "and attention_window follow what the model hears: set "
                "loss.aligned_attention=0 and attention_window=[0,0]"
            )

    @property
    def hears(self) -> bool:
        """Whether a task takes speech."""
        return any(task != "tts" for task in self.fusion.tasks)

    @property
    def speaks(self) -> bool:
        """Whether a task gives speech."""
        return any(task in SPEECH_OUTPUT for task in self.fusion.tasks)

    def window_of(self, task: str) -> tuple[int, int]:
        """How far back and ahead of its last letter (or frame) a decoder looks."""
        return self.attention_window if task == "tts" else self.conversion_window


PRESETS: dict[str, ModelConfig] = {
    # The paper's model: SpeechT5 base with task fusion.
    "base": ModelConfig(),
    # About 15 M parameters, waveform input; for one small GPU.
    "small": ModelConfig(
        d_model=256,
        ffn=1024,
        heads=4,
        encoder_layers=10,
        decoder_layers=5,
        front_end=FrontEndConfig(channels=256),
    ),
    # About 6 M parameters, log-mel input; trains from scratch on two CPU cores.
    "mini": ModelConfig(
        d_model=256,
        ffn=1024,
        heads=4,
        encoder_layers=4,
        decoder_layers=2,
        norm_first=True,
        scale_embedding=True,
        init="xavier",
        pos_conv_kernel=32,
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
        speaker_dim=256,
        # With wider steps and a narrow pre-net the decoder cannot live by copying what
        # it has said: it has to read, and does so in hundreds of updates.
        reduction_factor=4,
        prenet_units=32,
        prenet_dropout=0.25,
        postnet_channels=128,
        front_end=FrontEndConfig(kind="log_mel", channels=256),
        span_mask=SpanMaskConfig(
            time_prob=0.1, time_length=5, time_min_spans=1, channel_prob=0.0
        ),
        loss=LossConfig(
            guided_attention=10.0, guided_attention_sigma=0.2, bce_pos_weight=10.0
        ),
    ),
    # For tests: every part is there, nothing is slow.
    "tiny": ModelConfig(
        d_model=32,
        ffn=64,
        heads=2,
        encoder_layers=2,
        decoder_layers=2,
        max_relative_position=20,
        pos_conv_kernel=16,
        pos_conv_groups=4,
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
        speaker_dim=16,
        prenet_units=16,
        postnet_channels=16,
        fusion=FusionConfig(task_dim=8),
        front_end=FrontEndConfig(kind="log_mel", channels=32),
        span_mask=SpanMaskConfig(time_prob=0.0, channel_prob=0.0, time_min_spans=0),
    ),
}
