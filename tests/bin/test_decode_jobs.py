"""Decoding in several jobs gives what one job gives."""

import numpy as np
import pytest

from espnet2_ext.bin.sttatts_inference import main
from tests.model_dirs import SPEAKERS, TEXTS, write_model, write_waves

pytest.importorskip("distributed")
UIDS = [f"utt{place}" for place in range(len(TEXTS))]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("decode jobs")
    write_model(root / "model")
    np.save(root / "anna.npy", SPEAKERS["anna"])
    columns = {
        "wav.scp": write_waves(root / "wav"),
        "text": TEXTS,
        "spembs.scp": [root / "anna.npy"] * len(TEXTS),
    }
    for name, values in columns.items():
        lines = [f"{u} {value}\n" for u, value in zip(UIDS, values, strict=True)]
        (root / name).write_text("".join(lines))
    return root


def decode(root, folder, task, nj, *options):
    names = {
        "asr": ["wav.scp,asr_speech,sound"],
        "tts": ["text,tts_text,text", "spembs.scp,tts_spembs,npy"],
    }[task]
    return main(
        [
            f"--task={task}",
            f"--model={root / 'model'}",
            f"--key_file={root / 'text'}",
            f"--output_dir={folder}",
            f"--nj={nj}",
            *(f"--data_path_and_name_and_type={root}/{name}" for name in names),
            # Rounding differs from batch to batch, and random weights amplify it.
            "--batch_size=1",
            *options,
        ]
    )


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes().replace(
            str(folder).encode(), b"FOLDER"
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (".lock", "journal.jsonl")
        if not path.relative_to(folder).parts[0].startswith(("split", "logdir"))
    }


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("asr", ["--beam_size=2", "--nbest=2"]),
        ("tts", ["--maxlenratio=2", "--minlenratio=1", "--write_feats=true"]),
    ],
)
def test_as_one_job(root, tmp_path, task, options):
    assert decode(root, tmp_path / "one", task, 1, *options) == 0
    assert decode(root, tmp_path / "many", task, 3, *options) == 0
    expected = content(tmp_path / "one")
    assert content(tmp_path / "many") == expected
    assert ("wav/utt0.wav" if task == "tts" else "2best_recog/text") in expected
    assert (
        "utterances in" in (tmp_path / f"one/logdir/{task}_inference.1.log").read_text()
    )
    logs = sorted(path.name for path in (tmp_path / "many" / "logdir").iterdir())
    assert logs == [f"{task}_inference.{job}.log" for job in (1, 2, 3)]
    # Again, in another number of jobs, whose own files do not stay.
    assert decode(root, tmp_path / "many", task, 2, *options) == 0
    assert content(tmp_path / "many") == expected
    assert not list((tmp_path / "many").glob("split*"))


def test_failures(root, tmp_path, caplog, capsys):
    keys = tmp_path / "keys"
    keys.write_text((root / "text").read_text() + "ghost boo\n")
    words = [root, tmp_path / "out", "asr", 2, f"--key_file={keys}"]
    assert decode(*words) == 1
    assert "ghost" in caplog.text + capsys.readouterr().err
    assert not (tmp_path / "out" / ".done").exists()
    assert decode(root, tmp_path / "out", "asr", 2, "--model=nowhere.zip") == 1
    assert "nowhere.zip: no such model" in capsys.readouterr().err


def test_results_of_other_options_stay(root, tmp_path, capsys):
    """In another number of jobs, too, and where one job follows several."""
    assert decode(root, tmp_path, "asr", 2, "--beam_size=2") == 0
    before = content(tmp_path)
    for nj in (1, 2, 3):
        assert decode(root, tmp_path, "asr", nj, "--beam_size=1", "--nbest=1") == 1
        assert "holds results of other options" in capsys.readouterr().err
        assert content(tmp_path) == before
    assert decode(root, tmp_path, "asr", 1, "--beam_size=1", "--overwrite=true") == 0
