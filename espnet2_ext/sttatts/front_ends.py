"""From waveforms to frames: the log-mel spectrogram and the two speech front ends."""

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
import torchaudio
from torch import Tensor, nn

from espnet2_ext.sttatts.config import AudioConfig, ModelConfig, Padding
from espnet2_ext.sttatts.layers import valid_mask

LOG_FLOOR = 1e-10
"""Smallest magnitude before the logarithm (SpeechT5, ESPnet)."""

MEL_MEAN, MEL_STD = -2.3, 0.85
"""Of log10 mels of speech at an ordinary level, all bands; three speakers measured were
within 0.2 and 0.06."""


class LogMelSpectrogram(nn.Module):
    """log10 of an 80-band Slaney mel magnitude spectrogram (SpeechT5's target).

    Gives the numbers of ESPnet's ``LogMelFbank`` on a single utterance.  In a padded
    batch that class reflects the padding instead of the signal at the end of short
    rows; here each row is reflected at its own end.
    """

    window: Tensor
    mel_basis: Tensor

    def __init__(self, config: AudioConfig):
        super().__init__()
        self.config = config
        # A constant, also in a model of sizes alone (device "meta").
        with torch.device("cpu"):
            basis = torchaudio.functional.melscale_fbanks(
                n_freqs=config.n_fft // 2 + 1,
                f_min=config.fmin,
                f_max=config.fmax,
                n_mels=config.n_mels,
                sample_rate=config.sample_rate,
                norm="slaney",
                mel_scale="slaney",
            )
        self.register_buffer("mel_basis", basis, persistent=False)
        window = torch.hann_window(config.n_fft)
        self.register_buffer("window", window, persistent=False)

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Frames of ``lengths`` (B,) samples: one per hop, both ends included."""
        return 1 + torch.div(lengths, self.config.hop_length, rounding_mode="floor")

    def forward(self, wave: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the spectrogram in float32.

        Args:
            wave: (B, N) samples.
            lengths: (B,) real samples per row, more than n_fft / 2 each.

        Returns:
            (B, L, F) log10 mel magnitudes, zero on padding, and (B,) frame counts.

        Raises:
            ValueError: a row too short to be reflected at its ends.
        """
        config = self.config
        if int(lengths.min()) <= config.n_fft // 2:
            raise ValueError(
                f"a log-mel spectrogram needs more than {config.n_fft // 2} samples; "
                f"got {int(lengths.min())}"
            )
        with torch.autocast(wave.device.type, enabled=False):
            padded = _reflect_ends(wave.float(), lengths, config.n_fft // 2)
            spectrum = torch.stft(
                padded,
                config.n_fft,
                config.hop_length,
                window=self.window,
                center=False,
                return_complex=True,
            )
            # On CPUs more than twice as fast as abs() of complex numbers.
            real, imaginary = torch.view_as_real(spectrum.transpose(1, 2)).unbind(3)
            magnitude = (real.square() + imaginary.square()).sqrt()
            mel = magnitude @ self.mel_basis
            mel = mel.clamp(min=LOG_FLOOR).log10()
        frames = self.frame_lengths(lengths)
        return mel * valid_mask(frames, mel.size(1)).unsqueeze(2), frames


def _reflect_ends(wave: Tensor, lengths: Tensor, pad: int) -> Tensor:
    """Extend each row by ``pad`` mirrored samples at its start and its own end."""
    if int(lengths.min()) == wave.size(1):
        return F.pad(wave.unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
    index = torch.arange(-pad, wave.size(1) + pad, device=wave.device).abs()
    last = (lengths - 1).unsqueeze(1)
    index = last - (last - index).abs()  # mirrors what lies beyond the end
    return wave.gather(1, index.clamp(min=0))


def conv_lengths(lengths: Tensor, kernel: int, stride: int, padding: int = 0) -> Tensor:
    """Output length of a convolution, per row: floor((n + 2p - k) / s) + 1."""
    return torch.div(lengths + 2 * padding - kernel, stride, rounding_mode="floor") + 1


def official_frame_lengths(
    sample_lengths: Tensor, max_samples: int, max_frames: int
) -> Tensor:
    """Frames that the released code counts as real in a padded batch.

    It drops the last N mod T samples of the sample mask, folds the rest into T
    groups of N // T samples, and calls a frame padding only if its whole group is
    padding (fairseq's HuBERT ``forward_padding_mask``).  This differs from the
    convolution formula whenever a row is shorter than the batch.

    Args:
        sample_lengths: (B,) real samples per row.
        max_samples: padded length N.
        max_frames: frames T that the convolutions give for N samples.

    Returns:
        (B,) real frames per row.
    """
    group = max_samples // max_frames
    frames = torch.div(sample_lengths + group - 1, group, rounding_mode="floor")
    return frames.clamp(max=max_frames)


WAVEFORM_KERNELS = (10, 3, 3, 3, 3, 2, 2)
WAVEFORM_STRIDES = (5, 2, 2, 2, 2, 2, 2)


class WaveformFrontEnd(nn.Module):
    """Feature extractor of wav2vec 2.0: 320 samples a frame (20 ms at 16 kHz).

    The paper writes six layers; the released code has seven.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        channels = config.front_end.channels
        inputs = (1, *[channels] * (len(WAVEFORM_KERNELS) - 1))
        self.convs = nn.ModuleList(
            nn.Conv1d(i, channels, kernel, stride, bias=False)
            for i, kernel, stride in zip(
                inputs, WAVEFORM_KERNELS, WAVEFORM_STRIDES, strict=True
            )
        )
        for weight in self.convs.parameters():
            nn.init.kaiming_normal_(weight)
        self.group_norm = nn.GroupNorm(channels, channels)
        self.layer_norm = nn.LayerNorm(channels)
        self.projection = nn.Linear(channels, config.d_model)

    @property
    def min_samples(self) -> int:
        """Fewest samples that give one frame."""
        samples = 1
        for kernel, stride in zip(
            reversed(WAVEFORM_KERNELS), reversed(WAVEFORM_STRIDES), strict=True
        ):
            samples = (samples - 1) * stride + kernel
        return samples

    @property
    def frame_step(self) -> int:
        """Samples from one frame to the next."""
        return math.prod(WAVEFORM_STRIDES)

    @property
    def first_centre(self) -> int:
        """Sample that the first frame is about."""
        return self.min_samples // 2

    def forward(
        self, wave: Tensor, lengths: Tensor, padding: Padding
    ) -> tuple[Tensor, Tensor]:
        """Map samples to frames.

        Args:
            wave: (B, N) samples, not normalised.
            lengths: (B,) real samples.
            padding: which padding rule to follow.

        Returns:
            (B, T, D) frames and (B,) frame counts.
        """
        x = self.convs[0](wave.unsqueeze(1))
        first_lengths = conv_lengths(lengths, WAVEFORM_KERNELS[0], WAVEFORM_STRIDES[0])
        x = F.gelu(self._normalise(x, first_lengths, padding))
        for conv in list(self.convs)[1:]:
            x = F.gelu(conv(x))
        if padding == "official":
            frames = official_frame_lengths(lengths, wave.size(1), x.size(2))
        else:
            frames = lengths
            for kernel, stride in zip(WAVEFORM_KERNELS, WAVEFORM_STRIDES, strict=True):
                frames = conv_lengths(frames, kernel, stride)
            frames = frames.clamp(min=0)
        return self.projection(self.layer_norm(x.transpose(1, 2))), frames

    def _normalise(self, x: Tensor, lengths: Tensor, padding: Padding) -> Tensor:
        """Normalise each channel over time in float32; ``exact`` skips padding."""
        norm = self.group_norm
        x = x.float()
        if padding == "official" or int(lengths.min()) == x.size(2):
            return F.group_norm(x, norm.num_groups, norm.weight, norm.bias, norm.eps)
        mask = valid_mask(lengths, x.size(2)).unsqueeze(1)
        count = lengths[:, None, None]
        mean = (x * mask).sum(dim=2, keepdim=True) / count
        variance = ((x - mean).square() * mask).sum(dim=2, keepdim=True) / count
        x = (x - mean) * torch.rsqrt(variance + norm.eps)
        return x * norm.weight[:, None] + norm.bias[:, None]


class LogMelFrontEnd(nn.Module):
    """One frame per 4 hops (40 ms).  Learns from scratch within minutes.

    The mean of each mel band over the utterance is removed, so that the recording
    level and channel do not matter.
    """

    KERNEL, STRIDE, CONVS = 3, 2, 2
    N_FFT, HOP = 512, 160
    """Samples.  A finer hop than the mel of synthesis: CTC needs a frame per character,
    and English has 15 characters a second."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        channels = config.front_end.channels
        self.band_masks = config.front_end.band_masks
        self.band_mask_width = config.front_end.band_mask_width
        self.log_mel = LogMelSpectrogram(
            replace(config.audio, n_fft=self.N_FFT, hop_length=self.HOP)
        )
        inputs = (config.audio.n_mels, *[channels] * (self.CONVS - 1))
        self.convs = nn.ModuleList(
            nn.Conv1d(i, channels, self.KERNEL, self.STRIDE, padding=self.KERNEL // 2)
            for i in inputs
        )
        self.layer_norm = nn.LayerNorm(channels)
        self.projection = nn.Linear(channels, config.d_model)

    @property
    def min_samples(self) -> int:
        """Fewest samples whose spectrogram can be computed."""
        return self.log_mel.config.n_fft // 2 + 1

    @property
    def frame_step(self) -> int:
        """Samples from one frame to the next."""
        return self.HOP * self.STRIDE**self.CONVS

    @property
    def first_centre(self) -> int:
        """Sample that the first frame is about."""
        return 0  # spectrogram and convolutions reach as far back as forward

    def forward(
        self, wave: Tensor, lengths: Tensor, padding: Padding
    ) -> tuple[Tensor, Tensor]:
        """Map samples to frames.

        Args:
            wave: (B, N) samples.
            lengths: (B,) real samples.
            padding: accepted for the front ends' common interface.  There is no
                released code to imitate, so both rules treat padding exactly.

        Returns:
            (B, T, D) frames and (B,) frame counts.
        """
        return self.of_mels(*self.log_mel(wave, lengths))

    def of_mels(self, mel: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Map log mels (B, L, F), (B,) to frames as :meth:`forward` does."""
        mask = valid_mask(frames, mel.size(1)).unsqueeze(2)
        mean = mel.sum(dim=1, keepdim=True) / frames[:, None, None]
        x = ((mel - mean) * mask).transpose(1, 2)
        if self.training and self.band_masks:
            x = x * self._unmasked_bands(x)
        for conv in self.convs:
            x = F.gelu(conv(x).contiguous())
            frames = conv_lengths(frames, self.KERNEL, self.STRIDE, self.KERNEL // 2)
            x = x * valid_mask(frames, x.size(2)).unsqueeze(1)
        return self.projection(self.layer_norm(x.transpose(1, 2))), frames

    def _unmasked_bands(self, x: Tensor) -> Tensor:
        """Draw the bands of ``x`` (B, F, L) that stay: (B, F, 1)."""
        rows, bands = x.shape[:2]
        shape = (self.band_masks, rows, 1)
        width = torch.randint(0, self.band_mask_width + 1, shape, device=x.device)
        start = torch.rand(shape, device=x.device) * (bands - width + 1)
        offset = torch.arange(bands, device=x.device) - start.floor()
        masked = (offset >= 0) & (offset < width)
        return (~masked.any(dim=0)).unsqueeze(2)


FRONT_ENDS: dict[str, type[WaveformFrontEnd] | type[LogMelFrontEnd]] = {
    "waveform": WaveformFrontEnd,
    "log_mel": LogMelFrontEnd,
}
