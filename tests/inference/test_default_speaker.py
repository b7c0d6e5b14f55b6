"""Who speaks where nobody is chosen."""

import numpy as np
import pytest

from espnet2_ext import STTATTS
from espnet2_ext.audio import BadInputError
from espnet2_ext.data.speaker_table import SpeakerTable
from tests.factories import TINY
from tests.model_dirs import SPEAKERS, write_model

DIM = TINY.speaker_dim


def table(default=None, names=("anna", "omar")):
    chosen = {name: SPEAKERS[name] for name in names}
    return SpeakerTable(chosen, DIM, "resemblyzer", default)


def test_a_table_remembers_its_default(tmp_path):
    table("omar").save(tmp_path / "speakers.npz")
    loaded = SpeakerTable.load(tmp_path / "speakers.npz", DIM, None)
    assert (loaded.default, loaded.tool) == ("omar", "resemblyzer")
    assert loaded.names == ["anna", "omar"]
    np.testing.assert_array_equal(loaded.resolve(None), SPEAKERS["omar"])
    np.testing.assert_array_equal(loaded.resolve("anna"), SPEAKERS["anna"])


def test_the_only_speaker_needs_no_default(tmp_path):
    table(None, ["anna"]).save(tmp_path / "speakers.npz")
    loaded = SpeakerTable.load(tmp_path / "speakers.npz", DIM, None)
    assert loaded.default is None
    np.testing.assert_array_equal(loaded.resolve(None), SPEAKERS["anna"])


@pytest.mark.parametrize("names", [[], ["anna", "omar"]])
def test_none_or_several_have_to_be_chosen_from(names):
    with pytest.raises(
        BadInputError, match=r"choose a speaker: .*speakers: (none|anna)"
    ):
        table(None, names).resolve(None)


def test_a_default_has_to_be_in_the_table():
    with pytest.raises(
        BadInputError, match="no speaker 'zoe' in the table: anna, omar"
    ):
        table("zoe")


def test_a_model_speaks_with_its_default(tmp_path):
    folder = write_model(tmp_path / "model")
    limits = {"minlenratio": 1, "maxlenratio": 2, "vocoder": "griffin_lim"}
    with pytest.raises(BadInputError, match="choose a speaker"):
        STTATTS.from_pretrained(folder).synthesize("abc", **limits)
    SpeakerTable(SPEAKERS, DIM, None, "omar").save(folder / "speakers.npz")
    m = STTATTS.from_pretrained(folder)
    own, chosen, other = (
        m.synthesize("abc", speaker, **limits).mel for speaker in (None, "omar", "anna")
    )
    np.testing.assert_array_equal(own, chosen)
    assert not np.array_equal(own, other)
