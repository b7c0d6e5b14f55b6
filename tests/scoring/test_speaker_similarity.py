"""Voices whose angles are known: pieces, cosines, error rates."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2_ext.scoring.similarity import (
    SimilarityInputs,
    cut_pieces,
    equal_error_rate,
    speaker_similarity,
)


class Angles:
    """Voices by file name: ``<speaker>_<degrees>.wav``."""

    tool = "angles"

    def embed(self, paths):
        angles = np.deg2rad([float(path.stem.split("_")[1]) for path in paths])
        return np.array([np.cos(angles).mean(), np.sin(angles).mean()])


@pytest.fixture
def recording(tmp_path):
    """Writes a recording of one second."""

    def write(name):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, np.full(100, 0.1), 100)
        return path

    return write


def degrees(angle):
    return pytest.approx(np.cos(np.deg2rad(angle)))


def inputs(recording, natural, **sides):
    """Utterances of speakers, by the names of their recordings."""
    table = {uid: recording(name) for uid, name in natural.items()}
    return SimilarityInputs(
        {uid: name.split("_")[0] for uid, name in natural.items()},
        table,
        {
            side: {uid: recording(name) for uid, name in named.items()}
            for side, named in sides.items()
        },
    )


NATURAL = {"u1": "a_0", "u2": "a_10", "u3": "a_20", "v1": "b_90", "v2": "b_80"}


def test_short_recordings_are_joined(recording):
    natural = {f"u{i}": f"a_{i}" for i in range(5)} | {"v": "b_0"}
    pieces = cut_pieces(inputs(recording, natural), 1.5)
    assert [(p.speaker, len(p.paths)) for p in pieces] == [("a", 2), ("a", 3), ("b", 1)]
    alone = cut_pieces(inputs(recording, natural), 0)
    assert [p.utterances for p in alone][:2] == [(("u0",),), (("u1",),)]
    with pytest.raises(FileNotFoundError, match="no such audio file"):
        cut_pieces(SimilarityInputs({"u": "a"}, {"u": Path("gone.wav")}, {}), 1)


def test_a_recording_that_several_conversions_aim_at_counts_once(recording):
    natural = {"x-u1": "a_0", "y-u1": "a_0", "x-u2": "a_10"}
    (piece,) = cut_pieces(inputs(recording, natural), 2)
    assert piece.utterances == (("x-u1", "y-u1"), ("x-u2",))
    assert piece.trials() == [("x-u1", "x-u2"), ("y-u1",)]


def test_each_is_compared_with_the_other_pieces_of_the_speaker(recording):
    found, rows = speaker_similarity(
        inputs(
            recording,
            NATURAL,
            synthesized={"u1": "s_45", "v1": "s_60"},
            source=dict.fromkeys(NATURAL, "c_65"),
        ),
        Angles(),
        seconds=0,
    )
    by_trial = {(row["speech"], row["utterances"]): row["cosine"] for row in rows}
    # u1 is left out: the others' mean has 15 degrees, that of v1 (v2 alone) 80
    expected = [np.cos(np.deg2rad(angle)) for angle in (45 - 15, 80 - 60)]
    assert by_trial["synthesized", "u1"] == f"{expected[0]:.4f}"
    assert by_trial["synthesized", "v1"] == f"{expected[1]:.4f}"
    assert found["synthesized"]["mean"] == pytest.approx(np.mean(expected))
    assert found["synthesized"]["not_compared"] == ["u2", "u3", "v2"]
    assert by_trial["same_speaker", "u1"] == f"{np.cos(np.deg2rad(15)):.4f}"
    assert found["same_speaker"]["trials"] == 5
    assert found["source"]["trials"] == 5
    # angles to the other speaker's mean: 85 and 10 degrees
    others = [85, 75, 65, 80, 70]
    assert found["different_speaker"]["mean"] == pytest.approx(
        np.cos(np.deg2rad(others)).mean()
    )
    assert found["equal_error_rate"] == 0
    threshold = (np.cos(np.deg2rad(15)) + np.cos(np.deg2rad(65))) / 2
    assert found["threshold"] == pytest.approx(threshold)
    assert found["synthesized"]["accepted"] == 1
    assert found["source"]["accepted"] == pytest.approx(2 / 5)  # those near b
    low, high = found["same_speaker"]["interval"]
    assert low < found["same_speaker"]["mean"] < high


def test_without_other_recordings_nothing_is_compared(recording):
    found, rows = speaker_similarity(
        inputs(recording, {"u1": "a_0"}, synthesized={"u1": "s_0"}), Angles()
    )
    assert found["synthesized"]["mean"] is None
    assert found["synthesized"]["not_compared"] == ["u1"]
    assert found["same_speaker"]["mean"] is found["different_speaker"]["mean"] is None
    assert found["equal_error_rate"] is found["threshold"] is None
    assert rows == []


def test_one_speaker_has_nobody_to_be_told_from(recording):
    found, _ = speaker_similarity(
        inputs(recording, {"u1": "a_0", "u2": "a_10"}, synthesized={"u1": "s_0"}),
        Angles(),
        seconds=0,
    )
    assert found["same_speaker"]["mean"] == degrees(10)
    assert found["synthesized"]["mean"] == degrees(10)
    assert found["synthesized"]["accepted"] is None


@pytest.mark.parametrize(
    ("same", "different", "rate", "threshold"),
    [
        ([0.8, 0.9], [0.1, 0.3], 0, 0.55),
        ([0.9, 0.8, 0.4], [0.5, 0.1, 0.2], 1 / 3, 0.45),
        ([0.1], [0.9], 1, 0.5),
        ([0.6, 0.9], [0.7], 0.75, 0.65),
        ([0.5], [0.5], 0.5, 0.5),
    ],
)
def test_equal_error_rate(same, different, rate, threshold):
    found = equal_error_rate(same, different)
    assert found == (pytest.approx(rate), pytest.approx(threshold))


def test_an_error_rate_needs_trials_of_both_kinds():
    assert equal_error_rate([0.5], []) == equal_error_rate([], [0.5]) == (None, None)
