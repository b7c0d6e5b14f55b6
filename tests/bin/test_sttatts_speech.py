"""The command ``sttatts``: speak and convert."""

import time

import numpy as np
import pytest
import soundfile

from espnet2_ext.bin.sttatts import main
from espnet2_ext.cli import _output_paths
from tests.bin.command import SEARCH, SHORT, one_line
from tests.model_dirs import SPEAKERS, write_model


def test_speak_writes_a_wav(sttatts, folder, tmp_path, api):
    path = tmp_path / "new" / "out.wav"
    words = ("--speaker", "anna", "--seed", 3, *SHORT)
    assert sttatts("speak", "a bad cab", "-o", path, *words) == (0, "", "")
    expected = api.synthesize(
        "a bad cab", "anna", seed=3, minlenratio=1, maxlenratio=2, attention=False
    )
    wave, rate = soundfile.read(path)
    assert soundfile.info(path).subtype == "PCM_16"
    assert rate == 16000
    np.testing.assert_allclose(wave, expected.wav.clip(-1, 1), atol=1e-4)
    assert list(path.parent.iterdir()) == [path]


def test_speech_that_is_cut_gives_a_warning(sttatts, tmp_path):
    path = tmp_path / "out.wav"
    words = ("--speaker", "anna", "--threshold", 1.1, "--maxlenratio", 1)
    code, _, err = sttatts("speak", "abc", "-o", path, *words)
    assert code == 0
    assert f"warning: {path}: the model did not stop by itself" in one_line(err)


def test_what_stays_misheard_is_reported(sttatts, tmp_path, monkeypatch):
    from espnet2_ext.scoring import judges

    asked = []

    def judge_ear(name, options):
        asked.append((name, options.language))
        return lambda waves, rate: ["xyz"] * len(waves)

    monkeypatch.setattr(judges, "judge_ear", judge_ear)
    path = tmp_path / "out.wav"
    words = ("--speaker", "anna", "--check-tries", 2, *SHORT)
    code, _, err = sttatts(
        "speak", "abc", "-o", path, "--check", "whisper:base", *words
    )
    assert code == 0
    assert "100 % of the letters are misheard in the best of 2 tries: 'xyz'" in (
        one_line(err)
    )
    assert asked == [("whisper:base", "en")]
    limit = ("--check-threshold", 1)
    assert sttatts("speak", "abc", "-o", path, "--check", *limit, *words)[2] == ""


def test_speak_reads_lines_from_stdin(sttatts, tmp_path):
    lines = "abc\n\nfaded\n"
    words = ("--speaker", "omar", "--quiet", *SHORT)
    code, out, err = sttatts("speak", "-o", f"{tmp_path}/", *words, stdin=lines)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{tmp_path}/0001.wav\tabc",
        f"{tmp_path}/0002.wav\tfaded",
    ]
    pattern = tmp_path / "line{name}.wav"
    sttatts("speak", "-", "-o", pattern, *words, stdin=lines)
    assert (tmp_path / "line0002.wav").read_bytes() == (
        tmp_path / "0002.wav"
    ).read_bytes()
    code, _, err = sttatts("speak", "-o", "one.wav", *words, stdin=lines)
    assert code == 1
    assert "2 outputs do not fit into one file" in one_line(err)


@pytest.mark.parametrize("speaker", ["file", "name"])
def test_speakers_by_name_or_file(sttatts, tmp_path, speaker):
    vector = tmp_path / "voice.npy"
    np.save(vector, SPEAKERS["omar"])
    given = vector if speaker == "file" else "omar"
    out = tmp_path / "out.wav"
    assert sttatts("speak", "abc", "-o", out, "--speaker", given, *SHORT)[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--speaker", "nobody"), "unknown speaker 'nobody'"),
        ((), "anna, omar"),
        (("--speaker", "anna", "--language", "en"), "no languages"),
        (
            ("--speaker", "anna", "--maxlenratio", "-1"),
            "maxlenratio=-1.0: input",
        ),
        (("--speaker", "anna", "--vocoder", "none/at/all"), "no vocoder"),
        (("--speaker", "anna", "--device", "toaster"), "unknown device 'toaster'"),
    ],
)
def test_wrong_words_to_speak(sttatts, tmp_path, words, message):
    out = tmp_path / "out.wav"
    code, _, err = sttatts("speak", "abc", "-o", out, *words)
    assert code == 1
    assert message in one_line(err)
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "message"), [("", "no text"), ("  ", "empty after cleaning")]
)
def test_nothing_to_say(sttatts, tmp_path, text, message):
    words = ("-o", tmp_path / "out.wav", "--speaker", "anna")
    code, _, err = sttatts("speak", text, *words)
    assert code == 1
    assert message in one_line(err)


def test_unknown_symbols_are_shown_once(sttatts, tmp_path):
    words = ("-o", tmp_path / "out.wav", "--speaker", "anna")
    code, _, err = sttatts("speak", "aüb", *words, "--maxlenratio", 1)
    assert code == 0
    assert err.count("the model has no symbol for 'ü'") == 1


def test_only_wav_is_written(sttatts):
    code, _, err = sttatts("speak", "abc", "-o", "out.mp3", "--speaker", "anna")
    assert code == 1
    assert "end the name in .wav" in one_line(err)


def test_convert_one_and_many(sttatts, folder, tmp_path, api):
    paths = [folder / "wav" / name for name in ("0.wav", "2.wav")]
    words = ("--speaker", "anna", "--quiet", *SHORT)
    code, out, err = sttatts("convert", *paths, "-o", f"{tmp_path}/", *words)
    assert (code, err) == (0, "")
    assert out == f"{tmp_path}/0.wav\t{paths[0]}\n{tmp_path}/2.wav\t{paths[1]}\n"
    single = tmp_path / "single.wav"
    assert sttatts("convert", paths[1], "-o", single, *words) == (0, "", "")
    one, both = (soundfile.read(p)[0] for p in (single, tmp_path / "2.wav"))
    assert one.shape == both.shape
    expected = api.convert(
        paths[1], "anna", minlenratio=1, maxlenratio=2, attention=False
    )
    np.testing.assert_allclose(one, expected.wav.clip(-1, 1), atol=1e-4)


def test_thousands_of_outputs_are_checked_at_once(tmp_path):
    names = [f"{number:05d}" for number in range(20_000)]
    began = time.process_time()
    assert len(_output_paths(f"{tmp_path}/", names, ".wav")) == len(names)
    # Comparing each with all others took more than a minute.
    assert time.process_time() - began < 5


def test_a_broken_vocoder_is_said_once_and_only_to_those_who_speak(folder, capsys):
    model = folder / "no_voice"
    write_model(model)
    (model / "vocoder").mkdir()
    (model / "vocoder" / "config.json").write_text("{}")
    wave = str(folder / "wav" / "0.wav")
    assert main(["transcribe", "-m", str(model), *SEARCH, wave]) == 0
    assert main(["info", "-m", str(model)]) == 0
    out, err = capsys.readouterr()
    assert "does not load" in out
    assert not err
    words = ["-o", f"{folder}/out/", "--speaker", "anna", wave, wave.replace("0", "1")]
    assert main(["convert", "-m", str(model), *words]) == 1
    assert "vocoder" in one_line(capsys.readouterr().err)


def test_convert_never_writes_a_file_twice(sttatts, folder, tmp_path):
    path = folder / "wav" / "0.wav"
    words = ("-o", f"{tmp_path}/", "--speaker", "anna")
    code, _, err = sttatts("convert", path, path, *words)
    assert code == 1
    assert "would be written twice" in one_line(err)


def test_a_model_without_the_task(sttatts, tmp_path, folder):
    model = write_model(tmp_path / "model", trained_tasks=["asr"])
    words = ("-m", model, "-o", tmp_path / "o.wav", "--speaker", "anna")
    code, _, err = sttatts("convert", folder / "wav" / "0.wav", *words)
    assert code == 1
    assert "not trained for 'vc', only for asr" in one_line(err)
