"""What can be chosen for the training of a vocoder. Nothing here imports torch."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from espnet2_ext.io.options import Checked, count, option

type Number = Annotated[int, Interval(ge=1, le=100_000_000)]
type Share = Annotated[float, Interval(ge=0, le=1)]
type Positive = Annotated[float, Interval(gt=0, le=1000)]


@dataclass(frozen=True)
class VocoderOptions(Checked):
    """Size and training; most defaults are HiFi-GAN's (Kong et al. 2020)."""

    channels: Number = option(
        208, "of the first layer; 208 make 2.3 M parameters", count
    )
    steps: Number = option(200_000, "updates of the generator", count)
    alone: Share = option(
        0.05, "share of them without discriminators, which learn from then on", float
    )
    batch_size: Number = option(16, "segments of an update", count)
    frames: Number = option(32, "of a segment", count)
    own_share: Share = option(
        0.5,
        "of the segments whose mel is the model's, where --own_mels are given",
        float,
    )
    lr: Positive = option(
        2e-4, "learning rate, which falls in the second half to nothing", float
    )
    mel_weight: Positive = option(45.0, "of the mel distance in the loss", float)
    feature_weight: Positive = option(2.0, "of the discriminators' features", float)
    discriminator_channels: Number = option(
        32, "of the first layer of the discriminators by period", count
    )
    interval: Number = option(2000, "updates between two checkpoints", count)
    seed: int = option(0, "of weights and segments", int)
    device: str = option("cpu", "cpu or cuda")
    num_workers: Annotated[int, Interval(ge=0, le=256)] = option(
        2, "processes that read recordings", int
    )
