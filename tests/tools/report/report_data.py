"""A small experiment for tests of its report: a training, and scores in two scripts."""

from pathlib import Path

import matplotlib.image
import numpy as np
import torch
import yaml
from espnet2.train.reporter import Reporter

from espnet2_ext.bin.sttatts_score import main
from espnet2_ext.sttatts.symbols import build_token_list
from tests.scoring.tones import write_scp, write_speech
from tools.report.__main__ import main as report

TEXTS = {"u1": "abc abc", "u2": "hg fe", "u3": "bad cab"}
ARABIC = {"a1": "كَتَبَ الوَلَدُ", "a2": "ذَهَبَ"}
LOSSES = (2.0, 1.0, 0.5)


def write_training(folder: Path) -> Path:
    """Write what a training leaves behind; its pictures are blank."""
    folder.mkdir(parents=True)
    reporter = Reporter()
    for epoch, loss in enumerate(LOSSES, 1):
        reporter.set_epoch(epoch)
        for part in ("train", "valid"):
            with reporter.observe(part) as sub:
                sub.register({"asr_loss": loss, "tts_loss": 2 * loss})
                sub.next()
        write_picture(folder / "att_ws" / "v1" / f"tts.{epoch}ep.png")
    state = {"model": {}, "reporter": reporter.state_dict()}
    torch.save(state, folder / "checkpoint.pth")
    config = {"preset": "tiny", "token_list": build_token_list(["\u2581", "a"])}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def write_picture(path: Path) -> Path:
    """Write a wide picture, which has to shrink on a phone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    matplotlib.image.imsave(path, np.zeros((90, 1000, 3)))
    return path


def score_synthesis(root: Path, expdir: Path) -> Path:
    """Score speech in which u2 is wrong; the caller has put a tone judge in place.

    Returns:
        The folder of the decoding.
    """
    made = expdir / "tts_decode" / "test"
    text = write_scp(root / "tts_text", TEXTS)
    natural = write_speech(root / "natural", TEXTS)
    spoken = write_speech(made / "wav", {**TEXTS, "u2": "hg faa"})
    (made / "stopped").write_text("u1 1\nu2 1\nu3 0\n")
    write_picture(made / "att_ws" / "u2.png")
    words: list[object] = ["tts", "--ref", text, "--wav_scp", spoken]
    words += ["--natural_wav_scp", natural, "--inference_dir", made, "--judge", "tone"]
    words += ["--round_trip", "--dataset", "test", "--output_dir", made / "score"]
    assert main([str(word) for word in words]) == 0
    return made


def score_arabic(root: Path, expdir: Path) -> Path:
    """Score transcripts in Arabic; that of a1 lacks a word and has markup in it."""
    folder = root / "arabic" / "asr"
    write_speech(folder, dict.fromkeys(ARABIC, "abc"))
    ref = write_scp(folder / "text", ARABIC)
    hyp = write_scp(root / "arabic_hyp", {**ARABIC, "a1": "<b>كَتَبَ"})
    made = expdir / "asr_decode" / "arabic"
    words = ["asr", "--ref", ref, "--hyp", hyp, "--normalizer", "none"]
    assert main([*map(str, words), "--output_dir", str(made / "score")]) == 0
    return made


def write_page(expdir: Path, *words: str) -> Path:
    """Write the report into ``report/`` beside the experiment; gives the page."""
    output_dir = expdir.parent / "report"
    words = ("page", "--expdir", str(expdir), *words)
    assert report([*words, "--output_dir", str(output_dir)]) == 0
    return output_dir / "index.html"
