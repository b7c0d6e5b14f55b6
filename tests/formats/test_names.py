"""One table of names, read in every direction."""

import pytest

from espnet2_ext.formats.fairseq import our_name
from espnet2_ext.formats.names import translate
from tests.formats.fairseq_files import small_model


@pytest.mark.parametrize("project", ["fairseq", "hugging_face"])
def test_there_and_back(project):
    left_out = set()
    for name in small_model().state_dict():
        theirs = translate(name, "ours", project)
        if theirs is None:
            left_out.add(name.split(".")[0])
        else:
            assert translate(theirs, project, "ours") == name
    known = {"fairseq": set(), "hugging_face": {"ctc_head", "task_fusion"}}
    assert left_out == known[project]


def test_what_takes_no_part_has_no_name():
    for name in ("encoder.version", "decoder.layers.1.norm_k.bias", "quantizer.vars"):
        assert our_name(name) is None
    assert translate("adapter.weight", "fairseq", "ours") is None
