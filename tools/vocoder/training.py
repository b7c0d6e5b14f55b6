"""Adversarial training of a HiFi-GAN with ESPnet's networks (Kong et al. 2020)."""

import inspect
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from espnet2.gan_tts.hifigan import (
    HiFiGANGenerator,
    HiFiGANMultiScaleMultiPeriodDiscriminator,
)
from espnet2.gan_tts.hifigan.loss import (
    DiscriminatorAdversarialLoss,
    FeatureMatchLoss,
    GeneratorAdversarialLoss,
    MelSpectrogramLoss,
)
from torch import Tensor
from torch.utils.data import DataLoader, RandomSampler

from espnet2_ext.inference.vocoders.loading import checkpoints_by_age, load_vocoder
from espnet2_ext.inference.vocoders.neural import HIFIGAN
from espnet2_ext.io.files import only_writer, replacing, write_array, write_text
from espnet2_ext.io.progress import progress_bar
from espnet2_ext.io.safe_reading import read_data
from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.sttatts.front_ends import LogMelSpectrogram
from tools.vocoder.corpus import (
    Segment,
    Segments,
    mel_of_segment,
    recordings,
    statistics,
    whole,
)
from tools.vocoder.options import VocoderOptions

STATE = "state.pth"
"""All that a killed training goes on from."""

VALIDATED = 16
"""Recordings that each checkpoint is measured on."""


def train_vocoder(
    folder: Path,
    valid: Path,
    output_dir: Path,
    options: VocoderOptions,
    own_mels: Path | None = None,
) -> Path:
    """Train a vocoder, or go on with it.

    Args:
        folder: data directory of the recordings.
        valid: of others, on which the mel distance is measured.
        output_dir: gets the checkpoints, ``config.yml`` and ``stats.npy``.
        options: size and training.
        own_mels: folder of ``<id>.npy`` that a model made of the recordings.

    Returns:
        The last checkpoint, in parallel_wavegan's format.

    Raises:
        FileNotFoundError: no recordings.
        ValueError: unusable recordings, or a state of other networks.
    """
    with only_writer(output_dir):
        training = _Training(folder, output_dir, options)
        corpus = Segments(
            folder, training.audio, options.frames, own_mels, options.own_share
        )
        training.go_on()
        left = options.steps - training.step
        if left > 0:
            log_mel = LogMelSpectrogram(training.audio)
            held_out = whole(recordings(valid), log_mel, VALIDATED)
            sampler = RandomSampler(corpus, True, left * options.batch_size)
            loader = DataLoader(
                corpus,
                options.batch_size,
                sampler=sampler,
                num_workers=options.num_workers,
            )
            training.run(loader, held_out)
        return checkpoints_by_age(output_dir)[-1]


class _Training:
    """Networks, optimizers, and how far they are."""

    def __init__(self, folder: Path, output_dir: Path, options: VocoderOptions):
        self.options, self.folder = options, output_dir
        self.device, self.audio = torch.device(options.device), AudioConfig()
        torch.manual_seed(options.seed)
        self.params = generator_params(options.channels, self.audio)
        self.generator = HiFiGANGenerator(**self.params).to(self.device)
        discriminator = HiFiGANMultiScaleMultiPeriodDiscriminator(
            **discriminator_params(options.discriminator_channels)
        )
        self.discriminator = discriminator.to(self.device)
        self.optimizers = {
            name: torch.optim.AdamW(network.parameters(), options.lr, (0.8, 0.99))
            for name, network in self._networks().items()
        }
        self.log_mel = LogMelSpectrogram(self.audio).to(self.device)
        stats = output_dir / "stats.npy"
        if not stats.is_file():
            found = statistics(recordings(folder), LogMelSpectrogram(self.audio))
            write_array(stats, torch.stack(found).numpy())
        mean, scale = torch.from_numpy(np.load(stats)).to(self.device)
        self.mean, self.scale = mean, scale
        self.step = 0
        self.mel_distance = MelSpectrogramLoss(
            fs=self.audio.sample_rate,
            n_fft=self.audio.n_fft,
            hop_length=self.audio.hop_length,
            n_mels=self.audio.n_mels,
            fmin=round(self.audio.fmin),
            fmax=round(self.audio.fmax),
        ).to(self.device)
        self.fooled = GeneratorAdversarialLoss()
        self.told_apart = DiscriminatorAdversarialLoss()
        self.features = FeatureMatchLoss()

    def _networks(self) -> dict[str, torch.nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminator}

    # ---- steps ---------------------------------------------------------------------

    def run(self, loader: DataLoader, held_out: list[tuple[Tensor, Tensor]]) -> None:
        """Train, with a checkpoint now and then and at the end."""
        options = self.options
        with progress_bar(
            total=options.steps, initial=self.step, desc="vocoder", unit="updates"
        ) as bar:
            for segment in loader:  # of as many batches as updates are left
                self._set_rate()
                told = self._update(segment)
                self.step += 1
                bar.update()
                if self.step % options.interval == 0 or self.step == options.steps:
                    told["valid_mel"] = self._validate(held_out)
                    line = ", ".join(
                        f"{key}={value:.3f}" for key, value in told.items()
                    )
                    logging.info("update %d: %s", self.step, line)
                    self.save()

    def _set_rate(self) -> None:
        left = 2 * (1 - self.step / self.options.steps)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.options.lr * min(1.0, left)

    def _update(self, segment: Segment) -> dict[str, float]:
        """One update of each network."""
        wave, own, is_own = (value.to(self.device) for value in segment)
        hop = self.audio.hop_length
        edge = (wave.size(1) - own.size(1) * hop) // 2
        mel = torch.where(
            is_own[:, None, None], own, mel_of_segment(wave, self.log_mel)
        )
        true = wave[:, edge : edge + own.size(1) * hop].unsqueeze(1)
        fake = self.generator(((mel - self.mean) / self.scale).transpose(1, 2))
        mel_loss = self.mel_distance(fake, true)
        loss, told = self.options.mel_weight * mel_loss, {"mel": mel_loss}
        if self.step >= self.options.alone * self.options.steps:
            told["real_or_fake"] = self._teach_discriminator(true, fake.detach())
            heard = self.discriminator(fake)
            with torch.no_grad():
                wanted = self.discriminator(true)
            told["adversarial"] = self.fooled(heard)
            told["features"] = self.features(heard, wanted)
            loss = loss + told["adversarial"]
            loss = loss + self.options.feature_weight * told["features"]
        self._step("generator", loss)
        return {name: float(value.detach()) for name, value in told.items()}

    def _teach_discriminator(self, true: Tensor, fake: Tensor) -> Tensor:
        real, false = self.told_apart(
            self.discriminator(fake), self.discriminator(true)
        )
        self._step("discriminator", real + false)
        return real + false

    def _step(self, name: str, loss: Tensor) -> None:
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[name].step()

    @torch.no_grad()
    def _validate(self, held_out: list[tuple[Tensor, Tensor]]) -> float:
        """Mel distance of whole recordings that training has not seen."""
        distances = []
        for wave, mel in held_out:
            mel = (mel.to(self.device) - self.mean) / self.scale
            fake = self.generator(mel.t()[None])[:, :, : len(wave)]
            true = wave.to(self.device)[None, None, : fake.size(2)]
            distances.append(float(self.mel_distance(fake, true)))
        return sum(distances) / len(distances)

    # ---- files ---------------------------------------------------------------------

    def save(self) -> None:
        """Write the state, and what a vocoder needs of it."""
        weights = {name: each.state_dict() for name, each in self._networks().items()}
        optimizers = {name: each.state_dict() for name, each in self.optimizers.items()}
        with replacing(self.folder / STATE) as file:
            state = {"model": weights, "optimizer": optimizers, "steps": self.step}
            torch.save(state, file)
        write_text(self.folder / "config.yml", yaml.safe_dump(self._config()))
        last = self.folder / f"checkpoint-{self.step}steps.pkl"
        with replacing(last) as file:
            generator = {"generator": weights["generator"]}
            torch.save({"model": generator, "steps": self.step, "epochs": 0}, file)
        load_vocoder(last, "cpu", self.audio)  # only what loads again
        for old in checkpoints_by_age(self.folder)[:-2]:
            old.unlink()

    def _config(self) -> dict[str, Any]:
        """Settings as parallel_wavegan writes them."""
        audio = self.audio
        return {
            "version": "0.6.1",
            "format": "npy",
            "sampling_rate": audio.sample_rate,
            "fft_size": audio.n_fft,
            "hop_size": audio.hop_length,
            "win_length": None,
            "num_mels": audio.n_mels,
            "fmin": audio.fmin,
            "fmax": audio.fmax,
            "generator_type": HIFIGAN,
            "generator_params": {**self.params, "use_causal_conv": False},
        }

    def go_on(self) -> None:
        """Take what a former call left.

        Raises:
            ValueError: a state of other networks, or a damaged one.
        """
        path = self.folder / STATE
        if not path.is_file():
            return
        state = read_data(path)
        try:
            for name, network in self._networks().items():
                network.load_state_dict(state["model"][name])
                self.optimizers[name].load_state_dict(state["optimizer"][name])
            self.step = int(state["steps"])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: not a state of these networks; remove the folder, or give "
                "the options it was begun with"
            ) from error
        logging.info("going on after %d updates", self.step)


def generator_params(channels: int, audio: AudioConfig) -> dict[str, Any]:
    """Arguments of ESPnet's ``HiFiGANGenerator``: HiFi-GAN's V1, narrower.

    Raises:
        ValueError: a width that cannot be halved four times.
    """
    scales = [8, 8, 2, 2]
    if channels % 2 ** len(scales):
        raise ValueError(
            f"channels={channels}: a multiple of {2 ** len(scales)} is needed"
        )
    assert int(np.prod(scales)) == audio.hop_length
    return {
        "in_channels": audio.n_mels,
        "channels": channels,
        "upsample_scales": scales,
        "upsample_kernel_sizes": [2 * scale for scale in scales],
        "resblock_kernel_sizes": [3, 7, 11],
        "resblock_dilations": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    }


def discriminator_params(channels: int) -> dict[str, Any]:
    """ESPnet's own arguments of the discriminators, of another width."""
    known = inspect.signature(HiFiGANMultiScaleMultiPeriodDiscriminator).parameters
    widths = {"max_downsample_channels": 32 * channels}
    period = {"channels": channels}
    scale = {"channels": 4 * channels, "max_groups": min(16, channels)}
    return {
        name: {**known[name].default, **widths, **own}
        for name, own in (
            ("period_discriminator_params", period),
            ("scale_discriminator_params", scale),
        )
    }
