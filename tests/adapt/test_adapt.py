"""From recordings to an adapted model: checked, trained, measured, packed, resumed."""

import logging
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from espnet2_ext import STTATTS
from espnet2_ext.adapt import adapt, steps
from espnet2_ext.adapt.checks import Good, check_clips, sound_problem
from espnet2_ext.adapt.measuring import table
from espnet2_ext.adapt.options import AdaptOptions
from espnet2_ext.adapt.plan import make_plan
from espnet2_ext.adapt.sources import Clip
from espnet2_ext.bin.sttatts import main
from espnet2_ext.data import speaker_extractors
from espnet2_ext.data.speaker_table import SpeakerTable
from espnet2_ext.inference.interface import Transcript
from tests.corpora import RATE, random_texts, speak
from tests.factories import TINY
from tests.model_dirs import SPEAKERS, write_model

COUNT = 20
FAST = {"rehearsal": "none", "judge": "itself", "trust": True, "batch_seconds": 4.0}


def toy_extractor(source: str):
    """Mean of the absolute samples of 16 parts: something that differs."""

    def extract(wave: np.ndarray) -> np.ndarray:
        return np.array([abs(part).mean() for part in np.array_split(wave, 16)]) + 0.1

    return extract


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(speaker_extractors.EXTRACTORS, "toy", toy_extractor)
    yield
    speaker_extractors.load_extractor.cache_clear()


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory) -> Path:
    folder = write_model(
        tmp_path_factory.mktemp("adapt") / "model",
        cleaner="english",
        speaker_tool="toy",
    )
    SpeakerTable(SPEAKERS, TINY.speaker_dim, "toy").save(folder / "speakers.npz")
    return folder


@pytest.fixture
def recordings(tmp_path) -> Path:
    folder = tmp_path / "my voice"
    (folder / "wavs").mkdir(parents=True)
    lines = []
    for number, text in enumerate(random_texts(COUNT, 6, seed=3)):
        soundfile.write(folder / "wavs" / f"u{number:02d}.wav", speak(text), RATE)
        lines.append(f"u{number:02d}|{text}\n")
    (folder / "metadata.csv").write_text("".join(lines))
    return folder


@pytest.mark.parametrize(
    ("wave", "text", "problem"),
    [
        (speak("abcdefg"), "abcdefg", None),
        (speak("ab"), "ab", "shorter than 0.5 s: 0.24 s"),
        (np.tile(speak("abcdefgh"), 22), "a" * 170, "longer than 20 s: 21.1 s"),
        (speak("abcdefg") / 100, "abcdefg", "nearly silent"),
        ((4 * speak("abcdefg")).clip(-1, 1), "abcdefg", "clipped: "),
        (speak("abcdefg"), "a", "text and length do not go together: 1.2 letters"),
        (speak("abcdefg"), "abc" * 10, "text and length do not go together: 35.7"),
    ],
)
def test_what_is_wrong_with_a_recording(wave, text, problem):
    found = sound_problem(wave, RATE, text)
    assert found == problem if problem is None else found.startswith(problem)


def test_recordings_are_checked_once_and_the_list_says_why(
    model_folder, recordings, tmp_path, monkeypatch
):
    m = STTATTS.from_pretrained(model_folder)
    asked: list[int] = []

    def transcribe(waves, *_, **__):
        """Hears everything but one recording."""
        asked.append(len(waves))
        heard = [texts[len(wave)] for wave in waves]
        return [[Transcript(text, [], [], 0.0, None)] for text in heard]

    monkeypatch.setattr(m, "transcribe", transcribe)
    texts, clips = {}, []
    said = ("abcdefg", "hgfedcba", "abcabcabc", "dadadadada")
    for number, text in enumerate(said):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, speak(text), RATE)
        texts[len(speak(text))] = text if number else "zzz"
        clips.append(Clip(f"u{number}", str(path), text, "me"))
    low, stereo = tmp_path / "low.wav", tmp_path / "stereo.wav"
    soundfile.write(low, speak("abcdefg")[::2], 8000)
    soundfile.write(stereo, np.stack([speak("abcdefghabc")] * 2, 1), RATE)
    texts[len(speak("abcdefghabc"))] = "abcdefghabc"
    clips += [
        Clip("gone", str(tmp_path / "gone.wav"), "abc", "me"),
        Clip("low", str(low), "abcdefg", "me"),
        Clip("odd", clips[1].path, "añbcdefg", "me"),
        Clip("mute", clips[1].path, "…", "me"),
        Clip("stereo", str(stereo), "abcdefghabc", "me"),
        Clip("digits", clips[1].path, "8 bad", "me"),
    ]
    texts[len(speak(said[1]))] = said[1]
    checked = check_clips(clips, m, tmp_path / "new")
    assert [good.uid for good in checked.good] == ["u1", "u2", "u3", "stereo"]
    assert checked.dropped["u0"] == "the model hears something else: 'zzz'"
    assert "no such audio file" in checked.dropped["gone"]
    assert checked.dropped["low"].startswith("recorded at too low a rate: 8000 Hz")
    assert checked.dropped["odd"] == "letters that the model does not have: ñ"
    assert checked.dropped["mute"] == "no text"
    assert checked.dropped["digits"].startswith("the model hears something else")
    assert checked.repaired == {"stereo": "2 channels averaged"}
    head, *reasons = checked.lines()
    assert head.startswith("4 of 10 recordings are used")
    assert reasons[0] == "      2 dropped: the model hears something else"
    checked.write(tmp_path / "dropped.tsv")
    rows = (tmp_path / "dropped.tsv").read_text().splitlines()
    assert rows[0] == "utterance\tfate\twhy"
    assert len(rows) == 1 + 6 + 1
    before = list(asked)
    assert check_clips(clips, m, tmp_path / "new") == checked
    assert asked == before
    trusted = check_clips(clips, m, tmp_path / "new", trust=True)
    assert {"u0", "digits"} <= {good.uid for good in trusted.good}


def good(uid: str, speaker: str = "me") -> Good:
    return Good(uid, f"{uid}.wav", "abc", speaker, RATE)


def test_the_test_part_is_the_same_each_time_and_of_known_voices():
    clips = [good(f"u{i}") for i in range(40)]
    sets = steps.split(clips)
    assert {name: len(part) for name, part in sets.items()} == {
        "test": 5,
        "valid": 2,
        "train": 33,
    }
    assert steps.split(clips[::-1]) == sets
    strangers = [good(f"v{i}", f"s{i}") for i in range(3)]
    sets = steps.split([*clips, *strangers])
    assert all(clip in sets["train"] for clip in strangers)


def test_the_plan_follows_from_time_and_data(model_folder, recordings, tmp_path):
    m = STTATTS.from_pretrained(model_folder)
    paths = sorted((recordings / "wavs").iterdir())
    clips = [Good(p.stem, str(p), "abcdef", "me", 11520) for p in paths]
    few = make_plan(m, clips, AdaptOptions(minutes=1e-6))
    assert few.updates == 2
    many = make_plan(m, clips, AdaptOptions(minutes=1e4))
    # 30 passes over 20 recordings, in eighths of all of them
    assert many.updates == 240
    assert many.epochs == 10
    assert many.lr == 3e-4
    assert str(many.updates) in many.line()


def test_a_stopped_call_packs_what_is_there_and_goes_on(
    model_folder, recordings, tmp_path, monkeypatch, caplog
):
    from espnet2_ext.train.trainer import STTATTSTrainer

    output = tmp_path / "mine.zip"
    settings = {"model": model_folder, "minutes": 1e-6, **FAST}
    calls: list[int] = []

    def interrupted(model):
        """Stop in the second epoch; the first one trains and validates."""
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return model

    with monkeypatch.context() as patch:
        patch.setattr(STTATTSTrainer, "_in_precision", staticmethod(interrupted))
        with caplog.at_level(logging.INFO), pytest.raises(KeyboardInterrupt):
            adapt(recordings, output, **settings)
    assert "stopped after 1epoch" in caplog.text
    assert "the same command goes on" in caplog.text
    assert STTATTS.from_pretrained(output).inputs.speaker_table.default == "my_voice"

    with pytest.raises(ValueError, match="is of another call"):
        adapt(recordings, output, **{**settings, "minutes": 5})
    report = adapt(recordings, output, **settings)
    assert report.plan is not None
    assert report.plan.epochs == 2
    assert (output.with_suffix(".adapt") / "training" / "2epoch.pth").is_file()
    assert {*report.before} == {*report.after} == {"asr", "speech", "similarity"}
    m = STTATTS.from_pretrained(output)
    assert m.inputs.speaker_table.names == ["anna", "my_voice", "omar"]
    assert "letters of the recordings misheard" in "\n".join(report.lines())


def test_own_voices_are_rehearsed_and_the_command_tells(
    model_folder, recordings, tmp_path, monkeypatch, capsys
):
    from espnet2_ext.adapt import rehearsal

    monkeypatch.setattr(rehearsal, "UNDERSTOOD", 9.0)
    monkeypatch.setattr(rehearsal, "READINGS", 14)
    output = tmp_path / "mine.zip"
    words = ["--minutes", "1e-6", "--judge", "itself", "--trust", "--speaker", "me"]
    code = main(
        ["adapt", str(recordings), "-o", str(output), "-m", str(model_folder), *words]
    )
    told = capsys.readouterr().err
    assert code == 0, told
    assert f"{COUNT} of {COUNT} recordings are used" in told
    assert re.search(r"training: 2 updates of \d+ s of speech", told)
    assert "judge: the model itself, before" in told
    assert STTATTS.from_pretrained(output).inputs.speaker_table.default == "me"


ARABIC = str.maketrans("abcdefgh ", "ابتثجحخد ")


def test_another_alphabet_is_learned(model_folder, recordings, tmp_path, caplog):
    table = recordings / "metadata.csv"
    lines = table.read_text().splitlines()
    rows = [f"{uid}|{text.translate(ARABIC)}\n" for uid, text in map(_cells, lines)]
    table.write_text("".join(rows))
    settings = {"model": model_folder, "minutes": 1e-6, **FAST}
    with pytest.raises(ValueError, match="0 recordings are of use"):
        adapt(recordings, tmp_path / "english.zip", **settings)
    output = tmp_path / "arabic.zip"
    with caplog.at_level(logging.INFO):
        report = adapt(recordings, output, cleaner="arabic", **settings)
    assert "new letters: ا ب ت ث ج ح خ د" in caplog.text
    assert len(report.checked.good) == COUNT
    old, new = STTATTS.from_pretrained(model_folder), STTATTS.from_pretrained(output)
    assert new.config["cleaner"] == "arabic"
    assert {*new.token_list} - {*old.token_list} == set("ابتثجحخد")
    heard = new.transcribe(speak("abc"), RATE, beam_size=1, ctc_weight=0)[0]
    assert set(heard.tokens) <= {*new.token_list}
    start = next((tmp_path / "arabic.adapt").glob("start_*/model.pth"))
    made = start.stat().st_mtime_ns
    adapt(recordings, output, cleaner="arabic", **settings)
    assert start.stat().st_mtime_ns == made


def _cells(line: str) -> list[str]:
    return line.split("|")


def test_lora_trains_nothing_else(model_folder, recordings, tmp_path):
    output = tmp_path / "mine.zip"
    settings = {"model": model_folder, "minutes": 1e-6, **FAST}
    adapt(recordings, output, lora=2, **settings)
    before, after = (
        STTATTS.from_pretrained(source).model.state_dict()
        for source in (model_folder, output)
    )
    moved = {k for k in before if not torch.equal(before[k], after[k])}
    assert moved
    assert all(re.search(r"attn\.[qv]_proj\.weight$", name) for name in moved)


def test_what_cannot_work_is_told_first(model_folder, recordings, tmp_path):
    with pytest.raises(ValueError, match=r"end the name in \.zip"):
        adapt(recordings, tmp_path / "mine", model=model_folder)
    with pytest.raises(ValueError, match="minutes=0"):
        adapt(recordings, tmp_path / "mine.zip", model=model_folder, minutes=0)
    with pytest.raises(ValueError, match="lora=0: at least 1"):
        adapt(recordings, tmp_path / "mine.zip", model=model_folder, lora=0)
    with pytest.raises(ValueError, match="another language needs all weights"):
        adapt(recordings, tmp_path / "mine.zip", lora=2, cleaner="arabic")
    (recordings / "metadata.csv").write_text("u00|abcdef\nu01|abcdef\n")
    with pytest.raises(ValueError, match="2 recordings are of use, at least 12"):
        adapt(recordings, tmp_path / "mine.zip", model=model_folder, **FAST)


def test_a_missing_package_is_told_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr("espnet2_ext.adapt.training.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="LoRA needs loralib: "):
        adapt(tmp_path / "nothing", tmp_path / "mine.zip", lora=2)


def test_the_table_has_both_sides():
    before = {"asr": {"value": 0.5, "interval": [0.4, 0.6]}}
    after = {
        "asr": {"value": 0.25, "interval": None},
        "similarity": {"value": 0.8, "interval": [0.7, 0.9]},
    }
    _, asr, likeness = table(before, after)
    assert asr.split()[-7:] == ["misheard", "50.0", "%", "[40.0,", "60.0]", "25.0", "%"]
    assert likeness.split()[-4:] == ["-", "0.80", "[0.70,", "0.90]"]
