"""Packs models with the command, and looks into them."""

import zipfile
from pathlib import Path

import numpy as np

from espnet2_ext.bin.sttatts_pack import main
from tests.corpora import speak


def pack(folder, outpath, *words):
    code = main(
        [
            f"--train_config={folder}/config.yaml",
            f"--model_file={folder}/model.pth",
            f"--speakers={folder}/speakers.npz",
            f"--outpath={outpath}",
            *words,
        ]
    )
    assert code == 0
    return Path(outpath)


def results(m):
    """A transcript and two mels."""
    wave = speak("abc")
    transcript = m.transcribe(wave, beam_size=2)[0]
    limits = {"minlenratio": 1, "maxlenratio": 2, "vocoder": "griffin_lim"}
    mels = (m.synthesize("abc", "anna", **limits), m.convert(wave, "omar", **limits))
    return transcript.token_ids, *(speech.mel for speech in mels)


def assert_same(one, other):
    assert one[0] == other[0]
    np.testing.assert_array_equal(one[1], other[1])
    np.testing.assert_array_equal(one[2], other[2])


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
