"""Whatever a checkpoint holds, it is imported or refused in one line."""

import json
import random

import pytest
import torch

from espnet2_ext.formats.importing import import_into
from tests.formats import fairseq_files
from tests.formats.fairseq_files import fairseq_state, small_model
from tests.formats.hf_models import build, save

ODD_TENSORS = [
    torch.tensor(1.0),
    torch.zeros(0),
    torch.zeros(2**40, 0),
    torch.zeros(0, 3),
    torch.ones(1),
    torch.ones(1, 1),
    torch.ones(1, 1, 1),
    torch.ones(5000),
    torch.ones(3, 5, 7),
    torch.full((64, 64), float("nan")),
    torch.ones(64, dtype=torch.int64),
    torch.ones(2, dtype=torch.bool),
]
ODD_VALUES = [
    *(None, True, -1, 0, 1, 0.5, 10**6, 10**30, 1e308, float("nan"), "", "x"),
    *([], ["x"], [None], {}, {"a": 1}),
]
TELLING = ("layer_norm", "pe_k", "fc1", "q_proj", "prenet", "postnet", "proj", "conv")


def refusal(folder, checkpoint):
    """Import; empty, or why not.  Other errors than these two are mistakes of ours."""
    folder.mkdir()
    try:
        import_into(folder, [checkpoint])
    except (ValueError, OSError) as error:
        return str(error) or "no reason"
    return ""


@pytest.mark.parametrize("seed", range(4))
def test_fairseq(seed, tmp_path):
    draw = random.Random(seed)
    state = fairseq_state(small_model(encoder_layers=1, decoder_layers=1))
    names = [name for name in state if any(part in name for part in TELLING)]
    for i in range(12):
        odd = dict(state)
        odd[draw.choice(names)] = draw.choice(ODD_TENSORS)
        if i % 3 == 0:
            del odd[draw.choice(list(odd))]
        options = {
            draw.choice(["dropout", "mask_prob", "hubert_mask_length", "t5_task"]): (
                draw.choice(ODD_VALUES)
            )
        }
        path = fairseq_files.write(tmp_path / "a.pt", odd, **options)
        found = refusal(tmp_path / str(i), path)
        assert not found or str(path) in found


def test_hugging_face_settings(tmp_path):
    folder = save(build("SpeechT5Model"), tmp_path / "hf")
    config = json.loads((folder / "config.json").read_text())
    draw = random.Random(0)
    refused = set()
    for i, name in enumerate(sorted(config)):
        odd = {**config, name: draw.choice(ODD_VALUES)}
        (folder / "config.json").write_text(json.dumps(odd))
        found = refusal(tmp_path / str(i), folder)
        assert not found or str(folder) in found
        refused |= {name} if found else set()
    assert refused < set(config)  # most settings are of no importance here
