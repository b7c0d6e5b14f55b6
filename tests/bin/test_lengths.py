"""Lengths without reading the recordings are those that ESPnet collects."""

import numpy as np
import pytest
import soundfile

from espnet2_ext.bin.lengths import main
from espnet2_ext.bin.sttatts_train import main as train
from espnet2_ext.data.audio_dump import dump_audio
from espnet2_ext.data.kaldi_dir import KaldiDir
from espnet2_ext.io.tables import read_table
from espnet2_ext.sttatts.symbols import build_token_list
from tests.corpora import LETTERS, RATE, random_texts, speak

DATA = {
    "asr": ["wav.scp,asr_speech,sound", "text,asr_text,text"],
    "tts": ["text,tts_text,text", "wav.scp,tts_speech,sound"],
    "vc": ["wav.scp,vc_speech,sound", "target.scp,vc_target,sound"],
}
SPOKEN = {"tts": ["spembs.scp,tts_spembs,npy"], "vc": ["spembs.scp,vc_spembs,npy"]}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Dumped directories of three tasks, and a token list."""
    root = tmp_path_factory.mktemp("lengths")
    tokens = build_token_list(["\u2581", *LETTERS])
    (root / "tokens.txt").write_text("\n".join(tokens) + "\n")
    np.save(root / "voice.npy", np.ones(16, np.float32))
    texts = dict(zip("uvw", random_texts(3, None, seed=1), strict=True))
    tables = {"wav.scp": {}, "target.scp": {}, "utt2spk": dict.fromkeys(texts, "s")}
    for uid, text in texts.items():
        for table, pitch in (("wav.scp", 1), ("target.scp", 1.2)):
            path = root / f"{uid}{pitch}.wav"
            wave = speak(text, seconds_per_letter=0.1 * pitch)
            soundfile.write(path, np.stack([wave, wave], axis=1), RATE // 2)
            tables[table][uid] = str(path)
    # What the cleaner removes is not counted.
    tables["text"] = {uid: f"{text.upper()}  a" for uid, text in texts.items()}
    tables["spembs.scp"] = dict.fromkeys(texts, str(root / "voice.npy"))
    for task in DATA:
        own = {k: v for k, v in tables.items() if k != "target.scp" or task == "vc"}
        KaldiDir(own).write(root / "data" / task)
        dump_audio(root / "data" / task, root / "dump" / task)
    return root


def lengths(root, folder, target, *options):
    words = [str(folder), str(target), f"--token_list={root / 'tokens.txt'}"]
    return main([*words, "--cleaner=english", *options])


def test_as_espnet_collects_them(root, tmp_path):
    for task, data in DATA.items():
        folder = root / "dump" / task
        assert lengths(root, folder, tmp_path / task) == 0
        words = [
            f"--{part}_data_path_and_name_and_type={folder}/{item}"
            for part in ("train", "valid")
            for item in [*data, *SPOKEN.get(task, [])]
        ]
        words += ["--preset=tiny", "--cleaner=english", "--collect_stats=true"]
        words += [f"--token_list={root / 'tokens.txt'}", "--num_workers=0"]
        train([*words, f"--output_dir={tmp_path / 'espnet'}"])
        made = sorted(path.name for path in (tmp_path / task).iterdir())
        assert made == sorted(f"{item.split(',')[1]}_shape" for item in data)
        for name in made:
            theirs = read_table(tmp_path / "espnet" / "train" / name).values
            assert read_table(tmp_path / task / name).values == theirs


def test_without_the_dumps_numbers(root, tmp_path):
    """As for a dump that ESPnet or an older version has made."""
    assert lengths(root, root / "dump" / "vc", tmp_path / "one") == 0
    data = KaldiDir.read(root / "dump" / "vc")
    for name in ("utt2num_samples", "utt2num_target_samples"):
        del data.tables[name]
    data.write(tmp_path / "vc")
    assert lengths(root, tmp_path / "vc", tmp_path / "other") == 0
    for path in (tmp_path / "one").iterdir():
        assert (tmp_path / "other" / path.name).read_text() == path.read_text()


def test_what_is_refused(root, tmp_path, capsys):
    data = KaldiDir.read(root / "dump" / "asr")
    data.tables["text"]["v"] = "'"
    data.write(tmp_path / "asr")
    assert lengths(root, tmp_path / "asr", tmp_path / "out") == 1
    assert "text: 1 texts are empty after cleaning: v" in capsys.readouterr().err
    assert lengths(root, tmp_path, tmp_path / "out") == 1
    assert "is not named after a task: asr, tts, vc" in capsys.readouterr().err
