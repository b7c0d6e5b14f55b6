"""The command ``sttatts``, every sub-command and every complaint."""

import argparse
import json
import logging
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import espnet2_ext.cli as cli
from espnet2_ext.bin.sttatts import main
from espnet2_ext.inference import options
from espnet2_ext.io.options import options_of
from espnet2_ext.io.progress import ProgressLines
from tests.bin.command import SEARCH, one_line
from tests.model_dirs import TEXTS, write_model

# ---- the words of the command ----------------------------------------------------


def test_help_answers_without_torch():
    code = (
        "import sys; from espnet2_ext.bin import sttatts, sttatts_inference as i\n"
        "for main in (sttatts.main, i.main):\n"
        "    try: main(['--help'])\n"
        "    except SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "sttatts transcribe a.wav b.flac" in done.stdout
    assert "--data_path_and_name_and_type" in done.stdout


@pytest.mark.parametrize(("chosen", "expected"), [(None, "PASSIVE"), ("ACTIVE",) * 2])
def test_threads_sleep_between_operations(chosen, expected):
    """OpenMP reads it when torch is loaded; spinning took three times the CPU time."""
    code = (
        "import os, sys\n"
        "class Hook:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'torch':\n"
        "            print(os.environ['OMP_WAIT_POLICY'], flush=True)\n"
        "            os._exit(0)\n"
        "sys.meta_path.insert(0, Hook())\n"
        "from espnet2_ext.bin.sttatts import main\n"
        "main(['info', '-m', 'nowhere'])\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    if chosen is not None:
        environment["OMP_WAIT_POLICY"] = chosen
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.stdout.split() == [expected], done.stderr


@pytest.mark.parametrize("command", ["transcribe", "speak", "convert", "adapt", "info"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert "STTATTS_MODEL" in capsys.readouterr().out


def test_defaults_are_those_of_the_python_interface():
    """Keywords and options are made from the same objects."""
    parser = argparse.ArgumentParser()
    options.add_kinds(parser, [*options.TITLES])
    args = parser.parse_args([])
    for kind in options.TITLES:
        assert options_of(args, kind) == options_of({}, kind) == kind()
    assert args.max_seconds == 30.0


def test_a_model_comes_with_the_package(monkeypatch, capsys):
    monkeypatch.delenv("STTATTS_MODEL", raising=False)
    assert main(["info"]) == 0
    assert "joe, kathleen" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["nowhere.zip", "./nowhere", "model.pth"])
def test_a_model_that_is_not_there(sttatts, name):
    code, _, err = sttatts("info", "-m", name)
    assert code == 1
    assert name in one_line(err)


def test_debug_shows_where(sttatts):
    with pytest.raises(FileNotFoundError):
        sttatts("info", "-m", "nowhere.zip", "--debug")


# ---- transcribe ------------------------------------------------------------------


def test_transcribe_one_prints_its_text(sttatts, folder, api):
    path = folder / "wav" / "2.wav"
    code, out, err = sttatts("transcribe", path, *SEARCH)
    expected = api.transcribe(path, beam_size=2, ctc_weight=0.3)[0].text
    assert (code, out, err) == (0, f"{expected}\n", "")


def test_transcribe_many_keeps_the_order(sttatts, folder, api):
    paths = sorted((folder / "wav").glob("*.wav"), reverse=True)
    code, out, _ = sttatts("transcribe", *paths, *SEARCH, "--batch_size", 4)
    found = api.transcribe(paths, beam_size=2, ctc_weight=0.3)
    expected = [f"{p}\t{n[0].text}" for p, n in zip(paths, found, strict=True)]
    assert code == 0
    assert out.splitlines() == expected


def test_transcribe_reads_paths_from_stdin(sttatts, folder):
    paths = [folder / "wav" / name for name in ("1.wav", "0.wav")]
    _, expected, _ = sttatts("transcribe", *paths, *SEARCH)
    lines = "\n\n".join(map(str, paths))
    assert sttatts("transcribe", "-", *SEARCH, stdin=lines) == (0, expected, "")
    code, _, err = sttatts("transcribe", "-", stdin="\n")
    assert code == 1
    assert "no files on standard input" in one_line(err)


def test_transcribe_json(sttatts, folder):
    paths = [folder / "wav" / name for name in ("1.wav", "0.wav", "none.wav")]
    code, out, err = sttatts("transcribe", "--json", "--nbest=2", *paths, *SEARCH)
    first, second, failed = map(json.loads, out.splitlines())
    assert code == 1
    assert first["file"] == str(paths[0])
    assert second["file"] == str(paths[1])
    assert len(first["nbest"]) == 2
    assert first["nbest"][0]["text"] == first["text"]
    assert first["score"] >= first["nbest"][1]["score"]
    assert len(first["times"]) == len(first["tokens"]) == len(first["token_ids"])
    assert set(failed) == {"file", "error"}
    assert "none.wav: no such audio file" in err


def test_transcribe_nbest_prints_scores(sttatts, folder):
    path = folder / "wav" / "0.wav"
    _, out, _ = sttatts("transcribe", "--nbest", 3, path, *SEARCH[2:], "--beam-size=3")
    scores = [float(line.split("\t")[0]) for line in out.splitlines()]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


@pytest.fixture
def bad_files(tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is no sound")
    soundfile.write(tmp_path / "silence.wav", np.zeros(8000), 16000)
    soundfile.write(tmp_path / "short.wav", np.ones(20) / 2, 16000)
    soundfile.write(tmp_path / "long.wav", np.ones(31 * 8000) / 2, 8000)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.wav", "no such audio file"),
        ("empty.wav", "empty"),
        ("text.wav", "not readable as audio"),
        ("silence.wav", "silence"),
        ("short.wav", "too short"),
    ],
)
def test_a_bad_recording_is_one_line(sttatts, bad_files, name, message):
    code, out, err = sttatts("transcribe", bad_files / name)
    assert (code, out) == (1, "")
    assert message in one_line(err)
    assert str(bad_files / name) in err


def test_a_bad_recording_does_not_stop_the_others(sttatts, folder, bad_files):
    good = [folder / "wav" / "0.wav", folder / "wav" / "1.wav"]
    _, expected, _ = sttatts("transcribe", *good, *SEARCH)
    bad = bad_files / "empty.wav"
    code, out, err = sttatts("transcribe", good[0], bad, good[1], *SEARCH)
    assert (code, out) == (1, expected)
    assert err.splitlines() == [
        f"sttatts: {bad}: the file is empty",
        "sttatts: 1 of 3 failed",
    ]


def test_a_progress_bar_on_a_terminal_only(sttatts, folder, monkeypatch):
    paths = sorted((folder / "wav").glob("*.wav"))[:2]
    assert sttatts("transcribe", *paths, *SEARCH)[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    _, out, err = sttatts("transcribe", *paths, *SEARCH)
    assert "2/2" in err
    assert len(out.splitlines()) == 2
    assert sttatts("transcribe", paths[0], *SEARCH)[2] == ""
    assert sttatts("transcribe", *paths, *SEARCH, "--quiet")[2] == ""


def test_long_recordings_are_no_mistake(sttatts, bad_files):
    """Nobody speaks in this one."""
    assert sttatts("transcribe", bad_files / "long.wav") == (0, "\n", "")


def test_longer_recordings_in_one_piece_on_request(sttatts, bad_files):
    words = ("--max-seconds", 0, "--beam-size", 1, "--max-length-ratio", "0.01")
    assert sttatts("transcribe", bad_files / "long.wav", *words)[0] == 0


# ---- info ------------------------------------------------------------------------


def test_info(sttatts, folder):
    code, out, err = sttatts("info")
    assert (code, err) == (0, "")
    assert "tasks           asr, tts, vc" in out
    assert "speakers        anna, omar" in out
    code, out, _ = sttatts("info", "--json")
    content = json.loads(out)
    assert content["model"] == str(folder / "model")
    assert content["parameters"] == 89046
    assert content["speakers"] == ["anna", "omar"]
    assert content["vocoder"] == "griffin_lim"
    assert content["sample_rate"] == 16000
    assert set("".join(TEXTS)) - {" "} <= set(content["characters"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.yaml", b"a: [b"),
        ("config.yaml", b"\xff\xfe"),
        ("config.yaml", b"token_list: nothing"),
        ("model.pth", b"no weights"),
        ("speakers.npz", b""),
        ("speakers.npz", b"PK\x03\x04"),
    ],
)
def test_a_damaged_model(sttatts, tmp_path, name, content):
    model = write_model(tmp_path / "model")
    (model / name).write_bytes(content)
    code, _, err = sttatts("info", "-m", model)
    assert code == 1
    assert str(model / name) in one_line(err)


def test_lines_in_the_place_of_bars_are_said_once(capsys):
    """A bar that logs where it is must not be drawn again because of that."""
    with ProgressLines(total=3, desc="reading", unit="file") as bar:
        log = logging.getLogger()
        log.addHandler(handler := cli.PlainHandler())
        log.setLevel(logging.INFO)
        try:
            bar.update()
            bar.refresh()
        finally:
            log.removeHandler(handler)
            log.setLevel(logging.WARNING)
    said = capsys.readouterr().err.splitlines()
    assert 1 <= len(said) <= 2
    assert said[0].startswith("reading: 1 of 3 file, about ")
