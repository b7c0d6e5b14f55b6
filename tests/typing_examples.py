"""What the types of the public interface promise; ``make lint`` checks it by mypy."""

from pathlib import Path
from typing import assert_type

import numpy as np

from espnet2_ext import STTATTS, BadInputError, Speech, Transcript, __version__


def one_input_gives_one_result(m: STTATTS, wave: np.ndarray) -> None:
    assert_type(m.transcribe(wave), list[Transcript])
    assert_type(m.transcribe("a.wav", nbest=3), list[Transcript])
    assert_type(m.synthesize("hello"), Speech)
    assert_type(m.synthesize("hello", "anna", seed=1, attention=True), Speech)
    assert_type(m.convert(Path("a.wav"), "anna", 8000, max_seconds=5.0), Speech)


def a_list_gives_a_list(m: STTATTS, waves: list[np.ndarray]) -> None:
    assert_type(m.transcribe(waves, batch_size=4), list[list[Transcript]])
    assert_type(m.transcribe(["a.wav", "b.wav"]), list[list[Transcript]])
    assert_type(m.synthesize(["hello", "you"], "anna"), list[Speech])
    assert_type(m.synthesize(("hello", "you"), ("anna", "omar")), list[Speech])
    assert_type(m.convert((Path("a.wav"), "b.wav"), "anna"), list[Speech])


def the_rest(m: STTATTS) -> None:
    assert_type(STTATTS.from_pretrained("exp", device="cpu"), STTATTS)
    assert_type(__version__, str)
    assert issubclass(BadInputError, ValueError)
    m.transcribe("a.wav", 16000, 5)  # type: ignore[call-overload]
    m.synthesize("hello", "anna", 0.5)  # type: ignore[call-overload]
    m.synthesize("hello", treshold=0.5)  # type: ignore[call-overload]
