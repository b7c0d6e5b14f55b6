"""A vocoder that is trained on recordings and on what a model makes of them."""

import numpy as np
import pytest
import torch

from espnet2_ext.inference.vocoders.loading import load_vocoder
from espnet2_ext.io.files import write_wav
from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.sttatts.front_ends import LogMelSpectrogram
from tests.inference.vocoder_files import harmonic_tone, log_mel
from tools.vocoder.__main__ import main
from tools.vocoder.corpus import BESIDE, Segments, mel_of_segment
from tools.vocoder.options import VocoderOptions
from tools.vocoder.training import generator_params, train_vocoder

AUDIO = AudioConfig()
SMALL = VocoderOptions(
    channels=16,
    discriminator_channels=4,
    batch_size=2,
    frames=8,
    interval=1,
    num_workers=0,
    steps=2,
    alone=0.5,
)


@pytest.fixture
def folder(tmp_path):
    """Data directory of three gliding tones."""
    names = []
    for place, pitch in enumerate((120.0, 150.0, 210.0)):
        path = tmp_path / f"u{place}.wav"
        write_wav(path, harmonic_tone(1.0, pitch).numpy(), AUDIO.sample_rate)
        names.append(f"u{place} {path}\n")
    (tmp_path / "wav.scp").write_text("".join(names))
    return tmp_path


def test_a_segments_mel_is_that_of_the_whole(folder):
    corpus, log_mel = Segments(folder, AUDIO, 8), LogMelSpectrogram(AUDIO)
    torch.manual_seed(0)
    for place in range(len(corpus)):
        segment = corpus[place]
        assert len(segment.wave) == (8 + 2 * BESIDE) * AUDIO.hop_length
        whole = torch.from_numpy(read(corpus, place))
        mel, _ = log_mel(whole[None], torch.tensor([len(whole)]))
        piece = mel_of_segment(segment.wave[None], log_mel)[0]
        found = mel[0].unfold(0, 8, 1).transpose(1, 2)
        assert ((found - piece).abs().amax(dim=(1, 2)) < 1e-4).sum() == 1


def read(corpus: Segments, place: int) -> np.ndarray:
    import soundfile

    wave, _ = soundfile.read(corpus.paths[corpus.names[place]], dtype="float32")
    return wave


def test_own_mels_stand_beside_their_samples(folder, tmp_path):
    """A mel whose frames say where they are tells which samples it should have."""
    own = tmp_path / "own"
    own.mkdir()
    frames = np.arange(60, dtype=np.float16)[:, None].repeat(AUDIO.n_mels, 1)
    np.save(own / "u0.npy", frames)
    corpus = Segments(folder, AUDIO, 8, own, 1.0)
    wave = read(corpus, 0)
    for seed in range(5):
        torch.manual_seed(seed)
        segment = corpus[0]
        assert segment.is_own
        start = (int(segment.own[0, 0]) - BESIDE) * AUDIO.hop_length
        expected = wave[start : start + len(segment.wave)]
        assert np.array_equal(segment.wave.numpy(), expected)
    assert not corpus[1].is_own  # there is none of it


def test_it_learns_and_goes_on(folder, tmp_path, caplog):
    caplog.set_level("INFO")
    last = train_vocoder(folder, folder, tmp_path / "out", SMALL)
    assert last.name == "checkpoint-2steps.pkl"
    longer = VocoderOptions(**{**vars(SMALL), "steps": 3})
    last = train_vocoder(folder, folder, tmp_path / "out", longer)
    assert last.name == "checkpoint-3steps.pkl"
    assert "going on after 2 updates" in caplog.text
    assert len(list((tmp_path / "out").glob("*.pkl"))) == 2
    wave = load_vocoder(tmp_path / "out", "cpu", AUDIO)(log_mel(harmonic_tone()))
    assert wave.shape == (63 * AUDIO.hop_length,)
    assert wave.abs().max() > 0
    assert train_vocoder(folder, folder, tmp_path / "out", longer) == last


def test_the_mel_distance_falls(folder, tmp_path, caplog):
    caplog.set_level("INFO")
    options = VocoderOptions(
        **{**vars(SMALL), "steps": 60, "alone": 1.0, "interval": 20, "lr": 2e-3}
    )
    train_vocoder(folder, folder, tmp_path / "out", options)
    told = [
        float(record.message.split("valid_mel=")[1].split(",")[0])
        for record in caplog.records
        if "valid_mel=" in record.message
    ]
    assert len(told) == 3
    assert told[-1] < 0.9 * told[0]


def test_what_is_wrong_is_one_line(folder, tmp_path, capsys):
    once = VocoderOptions(**{**vars(SMALL), "steps": 1, "alone": 1.0})
    train_vocoder(folder, folder, tmp_path / "out", once)
    words = ["train", str(folder), "--valid", str(folder), "--num_workers", "0"]
    small = [*words, "--channels", "16", "--frames", "8"]
    assert main([*small, "--output_dir", str(tmp_path / "out")]) == 1
    assert "not a state of these networks" in capsys.readouterr().err
    assert main([*words, "--channels", "20", "--output_dir", str(tmp_path / "a")]) == 1
    assert "channels=20: a multiple of 16 is needed" in capsys.readouterr().err
    assert main([*words, "--frames", "90", "--output_dir", str(tmp_path / "b")]) == 1
    assert "no recording has 95 frames" in capsys.readouterr().err
    (folder / "wav.scp").write_text("u0 nowhere.wav\n")
    assert main([*words, "--output_dir", str(tmp_path / "c")]) == 1
    assert "no recordings of u0" in capsys.readouterr().err


def test_the_default_has_less_than_three_million_parameters():
    from espnet2.gan_tts.hifigan import HiFiGANGenerator

    params = generator_params(VocoderOptions().channels, AUDIO)
    generator = HiFiGANGenerator(**params, use_weight_norm=False)
    assert 2.2e6 < sum(p.numel() for p in generator.parameters()) < 2.4e6
