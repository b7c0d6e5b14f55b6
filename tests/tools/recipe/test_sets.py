"""What the template's stages leave to Python: which files belong to a set."""

import argparse

import pytest

from espnet2_ext.data.entries import data_entries, data_words
from tools.recipe import check_data, decode_sets, pack

NAMES = ("wav.scp", "text", "utt2spk", "target.scp", "spembs.scp")


@pytest.fixture
def raw(tmp_path):
    """Two sets for three tasks; the set "bare" has recordings alone."""
    for name, tables in {"test": NAMES, "bare": ("wav.scp", "utt2spk")}.items():
        for task in ("asr", "tts", "vc"):
            folder = tmp_path / name / task
            folder.mkdir(parents=True)
            for table in tables:
                (folder / table).write_text("u1 a\nu2 b\nu3 c\n")
    return tmp_path


def test_the_data_of_each_task(raw):
    entries = data_entries(raw / "test" / "vc")
    assert [entry.removeprefix(f"{raw}/test/vc/") for entry in entries] == [
        "wav.scp,vc_speech,sound",
        "target.scp,vc_target,sound",
        "spembs.scp,vc_spembs,kaldi_ark",
    ]
    entries = data_entries(raw / "test" / "tts", named_speakers=True)
    assert entries[-1] == f"{raw}/test/tts/utt2spk,tts_spembs,text"
    entries = data_entries(raw / "bare" / "asr")
    assert entries == [f"{raw}/bare/asr/wav.scp,asr_speech,sound"]


def test_options_of_a_training(raw):
    shape = raw / "stats" / "test" / "asr" / "asr_speech_shape"
    shape.parent.mkdir(parents=True)
    shape.touch()
    words = data_words("train", [raw / "test" / "asr"], raw / "stats")
    assert words + data_words("valid", [raw / "bare" / "asr"], raw / "stats") == [
        f"--train_data_path_and_name_and_type={raw}/test/asr/wav.scp,asr_speech,sound",
        f"--train_data_path_and_name_and_type={raw}/test/asr/text,asr_text,text",
        f"--train_shape_file={shape}",
        f"--valid_data_path_and_name_and_type={raw}/bare/asr/wav.scp,asr_speech,sound",
    ]


def test_missing_tables(raw, capsys):
    bare = str(raw / "bare" / "tts")
    assert (
        check_data.main(["--learnt", str(raw / "test" / "vc"), "--tested", bare]) == 0
    )
    assert check_data.main(["--learnt", bare]) == 1
    error = capsys.readouterr().err
    assert f"{bare}/text: missing; TTS needs wav.scp, text, utt2spk" in error


def test_the_weights_before_training_decode_the_first_utterances(raw, monkeypatch):
    runs = []
    monkeypatch.setattr(decode_sets, "decode", lambda words: runs.append(words))
    (raw / "init.pth").touch()
    words = ["--task=asr", "--sets=test bare", f"--raw={raw}", f"--decoded={raw}/out"]
    words += [f"--untrained={raw}/init.pth", "--untrained_utts=2", "--beam_size=3"]
    assert decode_sets.main(words) == 0
    folders = [argparse.Namespace(**_options(run)).output_dir for run in runs]
    places = ["out/test", "out_untrained/test", "out/bare"]
    assert folders == [f"{raw}/{place}" for place in places]
    assert all("--beam_size=3" in run for run in runs)
    first = raw / "out_untrained" / "test" / "first_utterances"
    assert first.read_text() == "u1 a\nu2 b\n"
    assert f"--key_file={first}" in runs[1]
    assert f"--model_file={raw}/init.pth" in runs[1]


def test_the_first_failure_ends_the_decoding(raw, monkeypatch):
    runs = []

    def fail(words):
        runs.append(words)
        return 3

    monkeypatch.setattr(decode_sets, "decode", fail)
    words = ["--task=tts", "--sets=test bare", f"--raw={raw}", f"--decoded={raw}/out"]
    assert decode_sets.main(words) == 3
    assert len(runs) == 1


def _options(words):
    return dict(word.removeprefix("--").split("=", 1) for word in words)


def test_a_card_has_the_tables_of_the_results():
    page = "# RESULTS\n## Environments\n- git\n\n## exp\n### WER\n|a|\n### How\n- /x\n"
    assert "".join(pack.tables(page)) == "## exp\n### WER\n|a|\n"
