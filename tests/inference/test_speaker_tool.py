"""Speaker embeddings of another tool than the model's are refused."""

import numpy as np
import pytest
from omniio import kaldi

from espnet2_ext import STTATTS
from espnet2_ext.audio import BadInputError
from espnet2_ext.bin.sttatts_inference import main
from espnet2_ext.data import speaker_extractors
from espnet2_ext.data.speaker_table import (
    SpeakerTable,
    describe_speaker_tool,
    speaker_tool_of,
)
from tests.factories import TINY
from tests.model_dirs import SPEAKERS, write_model, write_waves


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "model", speaker_tool="resemblyzer")


def save_table(folder, tool):
    SpeakerTable(SPEAKERS, TINY.speaker_dim, tool).save(folder / "speakers.npz")


def test_a_table_of_another_tool(model):
    save_table(model, "espnet:rawnet3")
    message = (
        r"speakers\.npz: the speaker embeddings are of 'espnet:rawnet3', the model was "
        "trained with those of 'resemblyzer'"
    )
    with pytest.raises(BadInputError, match=message):
        _ = STTATTS.from_pretrained(model).inputs.speaker_table
    for tool in ("resemblyzer", "precomputed", None):
        save_table(model, tool)
        assert STTATTS.from_pretrained(model).inputs.speaker_table.names == [
            "anna",
            "omar",
        ]


def test_a_table_tells_a_model_its_tool(tmp_path, monkeypatch):
    vector = np.arange(1, TINY.speaker_dim + 1, dtype=np.float32)
    monkeypatch.setitem(
        speaker_extractors.EXTRACTORS, "stub", lambda source: lambda wave: vector
    )
    model = write_model(tmp_path / "model")
    save_table(model, "stub:here")
    table = STTATTS.from_pretrained(model).inputs.speaker_table
    recording = write_waves(tmp_path)[0]
    np.testing.assert_array_equal(table.resolve(recording), vector)


def test_a_tool_that_is_not_here(tmp_path):
    model = write_model(tmp_path / "model", speaker_tool="espnet:gone")
    table = STTATTS.from_pretrained(model).inputs.speaker_table
    with pytest.raises(BadInputError, match=r"gone: no such.*or give a \.npy file"):
        table.resolve(write_waves(tmp_path)[0])


def test_an_archive_of_another_tool(model, tmp_path, capfd):
    recording = write_waves(tmp_path)[0]
    (tmp_path / "wav.scp").write_text(f"u1 {recording}\nu2 {recording}\n")
    vectors = {"u1": SPEAKERS["anna"], "u2": SPEAKERS["omar"]}
    ark, scp = tmp_path / "spembs.ark", tmp_path / "spembs.scp"
    kaldi.save_ark(str(ark), vectors, scp=str(scp))
    words = ["--task=vc", f"--model={model}", f"--output_dir={tmp_path}/out"]
    words += ["--maxlenratio=1"]
    for triple in ("wav.scp,vc_speech,sound", "spembs.scp,vc_spembs,kaldi_ark"):
        words.append(f"--data_path_and_name_and_type={tmp_path}/{triple}")
    assert speaker_tool_of(ark) is None
    assert main(words) == 0
    ark.with_suffix(".json").write_text(describe_speaker_tool("speechbrain", 16))
    (tmp_path / "out" / "journal.jsonl").unlink()
    capfd.readouterr()
    assert main(words) == 1
    error = capfd.readouterr().err
    assert error.count("spembs.ark: the speaker embeddings are of 'speechbrain'") == 1
    ark.with_suffix(".json").write_text(describe_speaker_tool("resemblyzer", 16))
    assert main(words) == 0
