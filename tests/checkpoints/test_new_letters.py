"""A model that learns another alphabet: letters of texts become symbols of its own."""

import pytest
import torch

from espnet2_ext import STTATTS
from espnet2_ext.bin.sttatts_import import main
from espnet2_ext.bin.token_list import main as token_list
from espnet2_ext.checkpoints.packing import pack_model
from espnet2_ext.formats.fitting import grow_tables
from espnet2_ext.io.model_files import find_model
from espnet2_ext.sttatts.symbols import FIRST_SYMBOLS, LAST_SYMBOLS
from tests.factories import TOKENS
from tests.model_dirs import write_model

ARABIC = "خلف"


@pytest.fixture
def texts(tmp_path):
    """A table of words in both alphabets."""
    path = tmp_path / "text"
    path.write_text(f"u1 {ARABIC} bad\nu2 {ARABIC}\n", encoding="utf-8")
    return path


@pytest.fixture(params=["packed", "directory"])
def imported(tmp_path, texts, request):
    """A model, and what is imported of it for these texts."""
    source = write_model(tmp_path / "model")
    if request.param == "packed":
        files, source = find_model(source), tmp_path / "small.zip"
        pack_model(files, source)
    words = ["--checkpoint", str(source), "--output_dir", str(tmp_path / "start")]
    assert main([*words, "--letters_of", str(texts), "--cleaner", "arabic"]) == 0
    return STTATTS.from_pretrained(source), STTATTS.from_pretrained(tmp_path / "start")


def test_it_knows_the_letters_of_the_texts(imported, tmp_path, texts):
    old, new = imported
    assert old.inputs.tokenizer.unknown(ARABIC) == list(ARABIC)
    assert new.inputs.tokenizer.unknown(f"{ARABIC} cab") == []
    assert new.token_list[:4] == list(FIRST_SYMBOLS)
    assert new.token_list[-2:] == list(LAST_SYMBOLS)
    assert new.token_list[4:-2] == [*TOKENS[4:-2], *sorted(ARABIC)]
    words = [str(texts), "--cleaner", "arabic", "--output", str(tmp_path / "tokens")]
    assert token_list([*words, "--like", str(tmp_path / "start/config.yaml")]) == 0
    assert (tmp_path / "tokens").read_text().split("\n")[:-1] == new.token_list


def test_what_it_knew_it_knows(imported):
    old, new = imported
    before, after = old.model.state_dict(), new.model.state_dict()
    tables = {"token_embedding.weight", "ctc_head.weight", "ctc_head.bias"}
    for name in before.keys() - tables:
        assert torch.equal(before[name], after[name]), name
    for name in tables:
        for row, symbol in enumerate(old.token_list):
            place = new.token_list.index(symbol)
            assert torch.equal(before[name][row], after[name][place])
    table = after["token_embedding.weight"].float()
    fresh = table[len(old.token_list) - 2 : -2]
    assert 0.5 < fresh.std() / table.std() < 2
    assert len(fresh.unique(dim=0)) == len(ARABIC)
    text = "a bad cab"
    said = [m.synthesize(text, "anna", maxlenratio=2).mel for m in (old, new)]
    assert torch.equal(torch.from_numpy(said[0]), torch.from_numpy(said[1]))


def test_without_new_letters_nothing_changes(tmp_path):
    archive, path = tmp_path / "small.zip", tmp_path / "text"
    pack_model(find_model(write_model(tmp_path / "model")), archive)
    path.write_text("u1 a bad cab\n")
    words = ["--checkpoint", str(archive), "--letters_of", str(path)]
    assert main([*words, "--output_dir", str(tmp_path / "start")]) == 0
    old, new = find_model(archive), find_model(tmp_path / "start")
    assert old.model_file.read_bytes() == new.model_file.read_bytes()
    assert old.train_config.read_bytes() == new.train_config.read_bytes()


def test_what_cannot_apply_to_a_model_of_ours_is_refused(tmp_path, capsys):
    model = write_model(tmp_path / "model")
    words = ["--checkpoint", str(model), "--output_dir", str(tmp_path / "start")]
    assert main([*words, "--speaker_dim", "4"]) == 1
    assert "only --letters_of and --cleaner apply to it" in capsys.readouterr().err
    assert not (tmp_path / "start").exists()


def test_tables_grow_by_symbol():
    state = {"ctc_head.bias": torch.tensor([1.0, 2.0, 3.0]), "other": torch.ones(2)}
    grown = grow_tables(state, ["a", "b", "end"], ["a", "b", "c", "end"])
    assert grown["ctc_head.bias"][[0, 1, 3]].tolist() == [1.0, 2.0, 3.0]
    assert grown["other"] is state["other"]
