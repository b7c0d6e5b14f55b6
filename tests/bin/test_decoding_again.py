"""The recipes' decoding command, again: finished, killed, with other options."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from espnet2_ext import STTATTS
from tests.bin.decoding import (
    UIDS,
    journal,
    tables,
)
from tests.model_dirs import write_model


def test_a_finished_run_does_not_load_the_model(decode, asr, tmp_path, monkeypatch):
    decode(*asr, "--output_dir", tmp_path)
    before = tables(tmp_path)
    (tmp_path / "1best_recog" / "text").unlink()
    monkeypatch.setattr(STTATTS, "__init__", None)
    assert decode(*asr, "--output_dir", tmp_path)[0] == 0
    assert tables(tmp_path) == before


def test_a_lost_wav_is_made_again(decode, tts, tmp_path):
    decode(*tts, "--output_dir", tmp_path)
    before = (tmp_path / "wav/utt3.wav").stat().st_mtime_ns
    (tmp_path / "wav/utt2.wav").unlink()
    (tmp_path / "wav/.unfinished.1.wav").touch()
    assert decode(*tts, "--output_dir", tmp_path)[0] == 0
    assert sorted(p.stem for p in (tmp_path / "wav").iterdir()) == UIDS
    assert (tmp_path / "wav/utt3.wav").stat().st_mtime_ns == before
    assert journal(tmp_path).count("utt2") == 2


def test_results_of_other_options_stay(decode, asr, tmp_path):
    decode(*asr, "--nbest=2", "--output_dir", tmp_path)
    before = tables(tmp_path)
    code, err = decode(*asr, "--nbest=1", "--output_dir", tmp_path)
    assert code == 1
    assert f"{tmp_path}: holds results of other options" in err
    assert "--overwrite true" in err
    assert tables(tmp_path) == before
    # These do not change results.
    code, err = decode(
        *asr, "--nbest=2", "--batch_size=1", "--num_workers=0", "--output_dir", tmp_path
    )
    assert code == 0
    assert len(journal(tmp_path)) == len(UIDS)
    words = (*asr, "--nbest=1", "--overwrite=true", "--output_dir", tmp_path)
    code, err = decode(*words)
    assert code == 0
    assert "made with other options" in err
    assert not (tmp_path / "2best_recog").exists()
    assert sorted(journal(tmp_path)) == UIDS


def test_results_of_another_model_stay(decode, asr, root, tmp_path):
    write_model(tmp_path / "model", cleaner="english")
    words = (*asr, "--output_dir", tmp_path / "out")
    decode(*words)
    other = (*words, f"--model={tmp_path / 'model'}")
    code, err = decode(*other, model=False)
    assert code == 1
    assert "of another model" in err
    code, err = decode(*other, "--overwrite", model=False)
    assert code == 0
    assert "by another model" in err


@pytest.mark.parametrize("damage", ["cut line", "no JSON", "cut header"])
def test_a_damaged_journal(decode, asr, tmp_path, damage):
    decode(*asr, "--batch_size=1", "--output_dir", tmp_path)
    before = tables(tmp_path)
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = {
        "cut line": [*lines[:4], lines[4][:20]],
        "no JSON": [*lines[:4], b"\0\0\0\n", *lines[5:]],
        "cut header": [lines[0][:10]],
    }
    path.write_bytes(b"".join(damaged[damage]))
    assert decode(*asr, "--output_dir", tmp_path)[0] == 0
    assert tables(tmp_path) == before
    assert sorted(journal(tmp_path)) == UIDS


SLOW = """
import sys, time
from espnet2_ext import STTATTS
from espnet2_ext.bin.sttatts_inference import main
for name in ("transcribe", "synthesize"):
    def slow(*args, call=getattr(STTATTS, name), **kwargs):
        time.sleep(0.3)
        return call(*args, **kwargs)
    setattr(STTATTS, name, slow)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("task", ["asr", "tts"])
def test_a_killed_run_goes_on(decode, asr, tts, root, tmp_path, task):
    words = [*(asr if task == "asr" else tts), "--batch_size=1", "--write_feats=true"]
    decode(*words, "--output_dir", tmp_path / "unbroken")
    broken = tmp_path / "broken"
    words += ["--output_dir", str(broken)]
    killed = subprocess.Popen(
        [sys.executable, "-c", SLOW, *words, f"--model={root / 'model'}"],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 60
    path = broken / "journal.jsonl"
    while not path.exists() or path.read_bytes().count(b"\n") < 4:
        assert killed.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    finished = journal(broken)
    assert 3 <= len(finished) < len(UIDS)
    assert not (broken / ".done").exists()
    with path.open("ab") as file:
        file.write(b'{"uid": "utt')  # as if the kill had hit the write
    code, err = decode(*words)
    assert code == 0
    assert f"{len(finished)} utterances are finished" in err
    assert tables(broken) == tables(tmp_path / "unbroken")
    assert journal(broken)[: len(finished)] == finished
    assert sorted(journal(broken)) == UIDS  # none was computed twice
    for one in (tmp_path / "unbroken").rglob("*.npy"):
        other = broken / one.relative_to(tmp_path / "unbroken")
        np.testing.assert_array_equal(np.load(one), np.load(other))
