"""What a model makes of recordings, from their true past."""

import numpy as np
import pytest
import torch
from omniio import kaldi

from espnet2_ext.inference.api import STTATTS
from espnet2_ext.io.model_files import find_model
from espnet2_ext.sttatts.task_losses import teacher_forced_speech
from tests.factories import tiny_model
from tests.model_dirs import SPEAKERS, TEXTS, write_model, write_waves
from tools.vocoder.own_mels import write_own_mels


@pytest.fixture
def folder(tmp_path):
    """Data directory of anna's recordings."""
    paths = write_waves(tmp_path)
    names = [f"u{place}" for place in range(len(paths))]
    vectors = dict.fromkeys(names, SPEAKERS["anna"])
    kaldi.save_ark(
        str(tmp_path / "spembs.ark"), vectors, scp=str(tmp_path / "spembs.scp")
    )
    for table, values in (("wav.scp", paths), ("text", TEXTS)):
        lines = [f"{name} {value}\n" for name, value in zip(names, values, strict=True)]
        (tmp_path / table).write_text("".join(lines))
    return tmp_path


def test_they_are_the_models_predictions(folder, tmp_path):
    files = find_model(write_model(tmp_path / "model"))
    assert write_own_mels(files, folder, tmp_path / "own", "cpu", 4) == len(TEXTS)
    model = STTATTS(files)
    for place, text in enumerate(TEXTS):
        wave = model.inputs.speech(tmp_path / f"{place}.wav", 0, None)
        speech, lengths = model.inputs.pad_speech([wave])
        tokens, counts = model.inputs.pad_text([model.inputs.tokenizer.encode(text)])
        batch = {
            "tts_speech": speech,
            "tts_speech_lengths": lengths,
            "tts_text": tokens,
            "tts_text_lengths": counts,
            "tts_spembs": torch.from_numpy(SPEAKERS["anna"])[None],
        }
        torch.manual_seed(0)
        with torch.no_grad():
            forced = teacher_forced_speech(model.model, "tts", batch)
        own = np.load(tmp_path / "own" / f"u{place}.npy")
        assert own.dtype == np.float16
        assert np.allclose(own, forced.output.after[0].numpy(), atol=2e-2)


def test_what_is_there_is_kept(folder, tmp_path):
    files, own = find_model(write_model(tmp_path / "model")), tmp_path / "own"
    write_own_mels(files, folder, own, "cpu")
    for path in own.glob("*.npy"):
        path.unlink()
    np.save(own / "u3.npy", np.zeros((2, 80)))
    assert write_own_mels(files, folder, own, "cpu") == len(TEXTS) - 1
    assert np.load(own / "u3.npy").shape == (2, 80)
    (folder / "text").write_text("u0 abc\n")
    with pytest.raises(ValueError, match="no text or no speaker vector of u1"):
        write_own_mels(files, folder, tmp_path / "own", "cpu")


def test_those_of_a_model_before_its_further_training_are_made_again(folder, tmp_path):
    files, own = find_model(write_model(tmp_path / "model")), tmp_path / "own"
    write_own_mels(files, folder, own, "cpu")
    assert write_own_mels(files, folder, own, "cpu") == 0
    before = np.load(own / "u0.npy")
    torch.save(tiny_model(seed=1).state_dict(), files.model_file)
    assert write_own_mels(files, folder, own, "cpu") == len(TEXTS)
    assert not np.array_equal(before, np.load(own / "u0.npy"))
