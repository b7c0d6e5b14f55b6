"""Data preparation of mini_prompts, killed; bad data, refused or repaired by name."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2_ext.io.tables import read_table
from tests.local.asterisk_sounds import write_corpus as write_sounds
from tests.recipes.recipe_runs import (
    RECIPES,
    ROOT,
    command,
    kill_when,
    run,
    write_corpus,
)
from tools.recipe.datadir import main as datadir

ROW = next(row for row in RECIPES if "mini_prompts" in row["recipe"])

# ---- stage 1 -------------------------------------------------------------------------


def snapshot(folder):
    """Content of every file, by place; paths of the folder are left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes().replace(bytes(folder), b"")
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "log"
    }


def test_the_data_preparation_is_killed(tmp_path):
    sounds = write_sounds(tmp_path / "sounds")
    words = [str(ROOT / ROW["recipe"] / "run.sh"), "--stop_stage", "1"]
    words += ["--from_scratch", "true", "--python", sys.executable]
    words += ["--local_data_opts", f"--corpus-dir {sounds} --joined 60"]
    whole, again = tmp_path / "whole", tmp_path / "again"
    code, log = run([*words, "--datadir", str(whole)], cwd=tmp_path)
    assert code == 0, log
    assert len(read_table(whole / "train" / "asr" / "text").values) > 150
    words += ["--datadir", str(again)]
    for sign in (Path("again/audio/*.flac"), Path("again/train/asr/text")):
        kill_when(sign, words, tmp_path, cwd=tmp_path)
        assert not (again / ".done_1").exists()
    code, log = run(words, cwd=tmp_path)
    assert code == 0, log
    assert "done before" not in log
    before, after = snapshot(whole), snapshot(again)
    del before[".done_1"], after[".done_1"]
    assert before == after


# ---- stages 2 to 4 -------------------------------------------------------------------


@pytest.fixture
def corpus(tmp_path):
    """The corpus, and how to run stages 2 to 4 on it."""
    row = {**ROW, "asr_sets": "train valid test", "tts_sets": "", "vc_sets": ""}
    write_corpus(tmp_path, row)

    def stages(*options):
        only = ("--tasks", "asr", "--asr_test_sets", "test", "--stop_stage", "4")
        return run(command(ROW, tmp_path, *only, *options), cwd=tmp_path)

    return tmp_path, stages


def test_bad_tables_are_refused(corpus):
    root, stages = corpus
    folder = root / "data" / "train" / "asr"
    table = folder / "text"
    first, second, *others = table.read_text().splitlines(keepends=True)
    missing = others.pop().split()[0]
    table.write_text("".join([second, first, *others, others[-1], "zoe-asr-0 ghost\n"]))
    code, log = stages()
    assert code == 1
    uids = [line.split()[0] for line in (first, second, others[-1])]
    for problem in (
        f"{table}:2: '{uids[0]}' after '{uids[1]}' is not sorted",
        f"{table}:10: '{uids[2]}' is there twice",
        f"{folder / 'wav.scp'}: lacks 1 of them: zoe-asr-0",
        f"{table}: lacks 1 of them: {missing}",
        f"'python -m tools.recipe.datadir fix --no_audio {folder}' repairs",
        "to begin with this stage, add --stage 2",
    ):
        assert problem in log
    assert not (root / "dump" / "raw" / "org" / "train").exists()
    assert datadir(["fix", str(folder), "--no_audio"]) == 0
    code, log = stages()
    assert code == 0, log
    dumped = read_table(root / "dump" / "raw" / "train" / "asr" / "text").values
    assert len(dumped) == 9
    assert missing not in dumped


def test_bad_recordings_are_refused_or_repaired(corpus):
    root, stages = corpus
    paths = read_table(root / "data" / "train" / "asr" / "wav.scp").values
    gone, empty, stereo, other_rate, long, short, *_ = paths
    tone = 0.3 * np.sin(np.arange(31 * 16000) * 0.1)
    os.unlink(paths[gone])
    Path(paths[empty]).write_bytes(b"")
    soundfile.write(paths[stereo], np.stack([tone[:16000]] * 2, axis=1), 16000)
    soundfile.write(paths[other_rate], tone[:8000], 8000)
    soundfile.write(paths[long], tone, 16000)
    soundfile.write(paths[short], tone[:800], 16000)
    code, log = stages()
    assert code == 1
    assert f"utterance '{gone}': {paths[gone]}: no such audio file" in log
    assert f"utterance '{empty}': {paths[empty]}: the file is empty" in log
    assert "2 utterances failed, 0 are allowed (--allow_failures)" in log
    code, log = stages("--allow_failures", "2")
    assert code == 0, log
    expected = {
        "org": {
            "dropped": {gone: "no such audio file", empty: "the file is empty"},
            "repaired": {
                stereo: "2 channels averaged",
                other_rate: "resampled from 8000 Hz",
            },
        },
        "": {
            "dropped": {
                long: "31.00 s, longer than 30 s",
                short: "0.05 s, shorter than 0.1 s",
            },
        },
    }
    for place, happened in expected.items():
        folder = root / "dump" / "raw" / place / "train" / "asr"
        for name, reasons in happened.items():
            found = read_table(folder / name).values
            assert set(found) == set(reasons)
            for uid, reason in reasons.items():
                assert found[uid].endswith(reason)
                assert f"utterance '{uid}'" in log
    left = read_table(root / "dump" / "raw" / "train" / "asr" / "text").values
    assert set(left) == set(paths) - {gone, empty, long, short}
    wavs = read_table(root / "dump" / "raw" / "train" / "asr" / "wav.scp").values
    kinds = {uid: soundfile.info(path) for uid, path in wavs.items()}
    assert {(kind.samplerate, kind.channels) for kind in kinds.values()} == {(16000, 1)}
