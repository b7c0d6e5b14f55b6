"""Segments of recordings, and of what a model makes of them."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import torch
from torch import Tensor
from torch.utils.data import Dataset

from espnet2_ext.audio import load_speech
from espnet2_ext.io.arrays import read_array
from espnet2_ext.io.messages import listed
from espnet2_ext.io.tables import read_table
from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.sttatts.front_ends import LogMelSpectrogram

BESIDE = 2
"""Frames to each side of a segment, whose samples its outer mel frames look at."""


class Segment(NamedTuple):
    """Piece of n frames of one recording."""

    wave: Tensor
    """((n + 2 * BESIDE) * hop,) samples."""
    own: Tensor
    """(n, F) log10 mel of a model; anything where ``is_own`` is false."""
    is_own: Tensor
    """() bool."""


class Segments(Dataset[Segment]):
    """A random piece of each recording that is long enough."""

    def __init__(
        self,
        folder: Path,
        audio: AudioConfig,
        frames: int,
        own_mels: Path | None = None,
        own_share: float = 0.0,
    ):
        """Find out how long the recordings are.

        Args:
            folder: data directory with a ``wav.scp`` of files.
            audio: settings of the mel spectrograms; recordings have its rate.
            frames: of a segment.
            own_mels: folder of ``<id>.npy`` (L, F), for some recordings or all.
            own_share: of the segments that have their model's mel.

        Raises:
            FileNotFoundError: no such table or recording.
            ValueError: another rate, or no recording long enough.
        """
        self.audio, self.frames = audio, frames
        self.own_mels, self.own_share = own_mels, own_share
        self.paths = recordings(folder)
        needed, self.lengths = frames + 2 * BESIDE + 1, {}
        for name, path in self.paths.items():
            about = soundfile.info(path)
            if about.samplerate != audio.sample_rate:
                raise ValueError(
                    f"utterance '{name}': {path} has {about.samplerate} Hz, the mel "
                    f"spectrograms {audio.sample_rate}"
                )
            length = about.frames // audio.hop_length
            if length >= needed:
                self.lengths[name] = length
        self.names = list(self.lengths)
        short = self.paths.keys() - self.lengths.keys()
        if not self.names:
            raise ValueError(f"{folder}: no recording has {needed} frames")
        if short:
            logging.info("too short for a segment: %s", listed(sorted(short)))

    def __len__(self) -> int:
        """Recordings that are long enough."""
        return len(self.names)

    def __getitem__(self, place: int) -> Segment:
        """Read a piece of a recording, drawn by torch's own generator."""
        name, hop = self.names[place], self.audio.hop_length
        most = self.lengths[name]
        own = self._own_mel(name)
        if own is not None:
            most = min(most, len(own) - 1)
        is_own = most > self.frames + 2 * BESIDE and own is not None
        if not is_own:
            most = self.lengths[name]
        last = most - self.frames - BESIDE
        first = int(torch.randint(BESIDE, last + 1, ()))
        start, stop = first - BESIDE, first + self.frames + BESIDE
        wave, _ = soundfile.read(
            self.paths[name], start=start * hop, stop=stop * hop, dtype="float32"
        )
        mel = torch.zeros(self.frames, self.audio.n_mels)
        if is_own:
            assert own is not None
            piece = np.asarray(own[first : first + self.frames], dtype=np.float32)
            mel = torch.from_numpy(piece)
        return Segment(torch.from_numpy(wave), mel, torch.tensor(is_own))

    def _own_mel(self, name: str) -> np.ndarray | None:
        """What the model makes of a recording, in a share of the draws."""
        if self.own_mels is None or torch.rand(()) >= self.own_share:
            return None
        path = self.own_mels / f"{name}.npy"
        return read_array(path) if path.is_file() else None


def recordings(folder: Path) -> Mapping[str, str]:
    """Paths of a data directory's recordings.

    Raises:
        FileNotFoundError: no such table, or it names a file that is not there.
    """
    paths = read_table(folder / "wav.scp").values
    missing = [name for name, path in paths.items() if not Path(path).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder / 'wav.scp'}: no recordings of {listed(missing)}; take the "
            "directory that stage 4 of a recipe made"
        )
    return paths


def mel_of_segment(wave: Tensor, log_mel: LogMelSpectrogram) -> Tensor:
    """Mels (B, n, F) of the middle of segments (B, (n + 2 * BESIDE) * hop)."""
    lengths = torch.full((len(wave),), wave.size(1), device=wave.device)
    mel, _ = log_mel(wave, lengths)
    return mel[:, BESIDE : -BESIDE - 1]


def whole(
    paths: Mapping[str, str], log_mel: LogMelSpectrogram, most: int
) -> list[tuple[Tensor, Tensor]]:
    """Waves (N,) and mels (L, F) of the first recordings, at most ``most``."""
    rate, found = log_mel.config.sample_rate, []
    for path in list(paths.values())[:most]:
        wave = torch.from_numpy(load_speech(path, 0, rate, max_seconds=None))
        mel, _ = log_mel(wave[None], torch.tensor([len(wave)]))
        found.append((wave, mel[0]))
    return found


def statistics(
    paths: Mapping[str, str], log_mel: LogMelSpectrogram, most: int = 500
) -> tuple[Tensor, Tensor]:
    """Mean and deviation (F,) of each mel band, from evenly drawn recordings."""
    names = list(paths)
    chosen = names[:: max(1, len(names) // most)][:most]
    mels = whole({name: paths[name] for name in chosen}, log_mel, most)
    frames = torch.cat([mel for _, mel in mels])
    return frames.mean(dim=0), frames.std(dim=0).clamp(min=1e-3)
