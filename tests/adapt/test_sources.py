"""Recordings and texts from the forms in which people keep them."""

import importlib.util
import re
from pathlib import Path

import pytest
import soundfile

from espnet2_ext.adapt.sources import read_clips
from espnet2_ext.io.files import write_wav
from tests.corpora import RATE, speak

TEXTS = {"a1": "abc", "b/2": "head", "c 3": "faded"}


@pytest.fixture
def wavs(tmp_path) -> Path:
    for name, text in TEXTS.items():
        write_wav(tmp_path / "wavs" / f"{name}.wav", speak(text), RATE)
    return tmp_path


def read(folder: Path, *more) -> list[tuple[str, str, str, bool]]:
    clips = read_clips(folder, folder / "work", *more)
    return [(c.uid, c.text, c.speaker, Path(c.path).is_file()) for c in clips]


@pytest.mark.parametrize(
    ("lines", "speaker", "texts"),
    [
        (["a1|abc", "b/2|head", "c 3|faded"], "x_y", None),
        (["a1|A B C|abc", "b/2|Head!|head", "c 3|Faded|faded"], "x_y", None),
        (["a1|raw text|", "b/2|head|head", "c 3|faded|faded"], "x_y", "raw text"),
        (["a1|anna|abc", "b/2|anna|head", "c 3|anna|faded"], "anna", None),
        (["a1.wav|abc", "", "b/2.wav|head", "c 3.wav|faded"], "x_y", None),
    ],
)
def test_metadata_in_the_forms_of_ljspeech_and_piper(wavs, lines, speaker, texts):
    (wavs / "metadata.csv").write_text("\n".join(lines) + "\n")
    assert read(wavs, "x_y") == [
        ("a1", texts or "abc", speaker, True),
        ("b_2", "head", speaker, True),
        ("c_3", "faded", speaker, True),
    ]
    assert read(wavs / "metadata.csv", "x_y") == read(wavs, "x_y")


def test_kaldi_directory_with_segments(wavs, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "wav.scp").write_text(f"r {wavs}/wavs/a1.wav\n")
    (folder / "segments").write_text("u1 r 0.0 0.12\nu2 r 0.12 0.36\n")
    (folder / "text").write_text("u1 a\nu2 bc\n")
    (folder / "utt2spk").write_text("u1 anna\nu2 anna\n")
    first, second = read_clips(folder, tmp_path)
    assert (first.text, first.speaker, first.span) == ("a", "anna", (0.0, 0.12))
    assert second.span == (0.12, 0.36)
    (folder / "text").write_text("u1 a\n")
    with pytest.raises(ValueError, match="text: lacks u2"):
        read_clips(folder, tmp_path)


def test_lhotse_manifests(wavs, tmp_path):
    from lhotse import (
        CutSet,
        Recording,
        RecordingSet,
        SupervisionSegment,
        SupervisionSet,
    )

    recording = Recording.from_file(wavs / "wavs" / "a1.wav")
    spans = {"u1": (0.0, 0.12, "a"), "u2": (0.12, 0.24, "bc")}
    said = SupervisionSet.from_segments(
        SupervisionSegment(uid, recording.id, start, length, text=text, speaker="anna")
        for uid, (start, length, text) in spans.items()
    )
    recordings = RecordingSet.from_recordings([recording])
    folder = tmp_path / "manifests"
    folder.mkdir()
    recordings.to_file(folder / "x_recordings.jsonl.gz")
    said.to_file(folder / "x_supervisions.jsonl.gz")
    first, second = read_clips(folder, tmp_path)
    assert (first.uid, first.text, first.speaker) == ("u1", "a", "anna")
    assert second.span == pytest.approx((0.12, 0.36))
    cuts = tmp_path / "cuts.jsonl.gz"
    CutSet.from_manifests(recordings, said).to_file(cuts)
    assert read_clips(cuts, tmp_path) == [first, second]
    with pytest.raises(ValueError, match="give a manifest of cuts"):
        read_clips(folder / "x_supervisions.jsonl.gz", tmp_path)


@pytest.mark.skipif(
    importlib.util.find_spec("datasets") is None, reason="datasets is not installed"
)
def test_hugging_face_dataset(wavs, tmp_path):
    import datasets

    content = (wavs / "wavs" / "a1.wav").read_bytes()
    rows = {
        "audio": [{"bytes": content, "path": "a1.wav"}],
        "text": ["abc"],
        "speaker": ["anna"],
    }
    # Cast, not encoded: encoding needs torchcodec.
    made = datasets.Dataset.from_dict(rows)
    made = made.cast_column("audio", datasets.Audio(decode=False))
    folder = tmp_path / "dataset"
    made.save_to_disk(str(folder))
    (clip,) = read_clips(folder, tmp_path / "work")
    assert (clip.uid, clip.text, clip.speaker) == ("000000_a1", "abc", "anna")
    assert soundfile.info(clip.path).frames == 3 * 1920


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a1|abc|d|e"], "metadata.csv:1: expected 'id|text'"),
        (["a1|abc", "a1|abc"], "two recordings are called 'a1'"),
        ([], "holds no recordings"),
        (None, "no metadata.csv, no wav.scp, no lhotse manifest"),
    ],
)
def test_what_is_no_source_is_told(tmp_path, lines, message):
    if lines is not None:
        (tmp_path / "metadata.csv").write_text("\n".join(lines))
    with pytest.raises((ValueError, FileNotFoundError), match=re.escape(message)):
        read_clips(tmp_path, tmp_path)
    with pytest.raises(FileNotFoundError, match="no such recordings"):
        read_clips(tmp_path / "gone", tmp_path)
