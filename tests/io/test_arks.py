"""Archives of arrays: what a table names is read, and never run."""

import numpy as np
import pytest
from omniio import kaldi

from espnet2_ext.bin.sttatts_train import main as train
from espnet2_ext.data.speaker_embeddings import read_vectors
from espnet2_ext.inference.decode.input_tables import READERS
from espnet2_ext.io.arks import read_ark, read_arks, refuse_commands_in

COMMANDS = (
    *("touch {} |", "| touch {}", "-", " touch {} | ", "touch {} |:12", "-:12"),
    *("touch {} | :3", "touch {} |[0:1]", "touch {} |:1:2", "| touch {}:12"),
)


@pytest.fixture
def vectors(tmp_path):
    """Table of two vectors in an archive."""
    with (tmp_path / "v.ark").open("wb") as ark, (tmp_path / "v.scp").open("w") as scp:
        arrays = {"a": np.ones(3, np.float32), "b": np.zeros(3, np.float32)}
        kaldi.save_ark(ark, arrays, scp=scp)
    table = tmp_path / "v.scp"
    places = [line.split()[1].rsplit(":", 1)[1] for line in table.open()]
    names = zip("ab", places, strict=True)
    table.write_text("".join(f"{uid} {tmp_path}/v.ark:{at}\n" for uid, at in names))
    return table


def test_arrays_are_read(vectors):
    assert {uid: x.tolist() for uid, x in read_arks(vectors).items()} == {
        "a": [1.0, 1.0, 1.0],
        "b": [0.0, 0.0, 0.0],
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_no_door_runs_a_command(command, tmp_path):
    ran = tmp_path / "ran"
    place = command.format(ran)
    table = tmp_path / "spembs.scp"
    table.write_text(f"u1 {place}\n")
    doors = [
        lambda: read_ark(place),
        lambda: READERS["kaldi_ark"](place),
        lambda: read_vectors(table),
        lambda: refuse_commands_in([(str(table), "tts_spembs", "kaldi_ark")]),
    ]
    for door in doors:
        with pytest.raises(ValueError, match="never run"):
            door()
    assert not ran.exists()


def test_a_training_refuses_commands_and_names_the_utterance(tmp_path):
    table, ran = tmp_path / "spembs.scp", tmp_path / "ran"
    table.write_text(f"u1 touch {ran} |\n")
    (tmp_path / "tokens.txt").write_text("<s>\n<pad>\n</s>\n<unk>\na\n<mask>\n<ctc>\n")
    words = ["--token_list", str(tmp_path / "tokens.txt")]
    words += ["--output_dir", str(tmp_path / "exp")]
    words += ["--train_data_path_and_name_and_type", f"{table},tts_spembs,kaldi_ark"]
    with pytest.raises(ValueError, match=r"spembs\.scp: 'u1' .* never run"):
        train(words)
    assert not ran.exists()


def test_a_missing_archive_is_named():
    with pytest.raises(FileNotFoundError, match=r"gone\.ark: no such Kaldi archive"):
        read_ark("gone.ark")
