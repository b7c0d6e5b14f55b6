"""mini_librispeech: who and what is held out, also of small copies."""

import shutil
import sys

import pytest

from espnet2_ext.data.kaldi_dir import KaldiDir
from local.mini_librispeech import __main__ as prepare
from local.mini_librispeech import sets
from local.mini_librispeech.corpus import TRAINING
from local.mini_librispeech.sets import TEST_SPEAKERS, hold_out
from local.utterances import Utterance
from tests.local.mini_librispeech import write_mini_librispeech

pytest.importorskip("lhotse")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Corpora and the options that name them."""
    root = tmp_path_factory.mktemp("mini") / "my corpora"
    return root, write_mini_librispeech(root)


@pytest.fixture(scope="module")
def output(written, tmp_path_factory):
    """The prepared data."""
    folder = tmp_path_factory.mktemp("data")
    assert prepare.main([*written[1], "--output-dir", str(folder)]) == 0
    return folder


@pytest.fixture
def copy(written, tmp_path):
    """A copy to be damaged, and how to prepare it."""
    root = tmp_path / "copy"
    shutil.copytree(written[0], root)
    words = [word.replace(str(written[0]), str(root)) for word in written[1]]
    words += ["--output-dir", str(tmp_path / "data")]
    return root, lambda *options: prepare.main([*words, *options])


def tables(folder, name, task):
    return KaldiDir.read(folder / name / task).tables


def said(folder, name, task):
    texts = tables(folder, name, task)["text"].values()
    return {text.lower().strip(".") for text in texts}


def items(count, voice="lj"):
    return [Utterance(f"{voice}-{i:05d}", voice, str(i), None) for i in range(count)]


# ---- sets ----------------------------------------------------------------------------


def test_sets_of_each_task(output):
    present = {str(path.parent.relative_to(output)) for path in output.rglob("text")}
    assert present == {
        *("train/asr", "valid/asr", "test_speakers/asr"),
        *("train/tts", "valid/tts", "test_joe/tts", "test_arctic/tts", "test_lj/tts"),
    }


def test_held_out_speakers(output):
    def speakers(name, task="asr"):
        return set(tables(output, name, task)["utt2spk"].values())

    assert speakers("test_speakers") == {"1737"}
    assert speakers("train") == {"19", "7367", "joe", "kathleen", "LJ"}
    assert speakers("valid") == {"32", "kathleen", "LJ"}
    assert speakers("train", "tts") == {"joe", "kathleen", "LJ"}
    assert speakers("valid", "tts") == {"joe", "kathleen", "LJ"}
    for voice, name in (("joe", "joe"), ("arctic", "kathleen"), ("lj", "LJ")):
        assert speakers(f"test_{voice}", "tts") == {name}


def test_no_held_out_sentence_is_trained_on(output):
    tests = said(output, "test_speakers", "asr")
    for voice in ("joe", "arctic", "lj"):
        tests |= said(output, f"test_{voice}", "tts")
    valid = said(output, "valid", "tts") | said(output, "valid", "asr")
    for task in ("asr", "tts"):
        trained = said(output, "train", task)
        assert trained
        assert not trained & (tests | valid)
    assert not tests & valid


def test_the_teacher_borrows_what_test_speakers_say(output):
    texts = tables(output, "test_joe", "tts")["text"]
    heard = tables(output, "test_speakers", "asr")["text"]
    borrowed = {f"joe-{uid}": text for uid, text in heard.items()}
    assert len(borrowed) == 3
    assert borrowed.items() < texts.items()
    own = texts.keys() - borrowed.keys()
    assert all(uid.startswith("joe-0") for uid in own)
    wavs = tables(output, "test_joe", "tts")["wav.scp"]
    assert all(
        path.endswith(f"the teacher/wavs/{uid}.flac") for uid, path in wavs.items()
    )


def test_recognition_hears_a_third_of_the_teacher(output):
    def of_teacher(task):
        table = tables(output, "train", task)["utt2spk"]
        return {uid for uid, name in table.items() if name == "joe"}

    assert of_teacher("asr") < of_teacher("tts")
    assert len(of_teacher("asr")) == -(-len(of_teacher("tts")) // 3)


def test_fewer_readings_train_fewer_and_test_the_same(copy, output, tmp_path):
    _, run = copy

    def joe(folder, name):
        texts = tables(folder, name, "tts")["text"]
        return {uid for uid in texts if uid.startswith("joe-0")}

    assert run("--readings", "8") == 0
    data = tmp_path / "data"
    held_out = set()
    for name in ("valid", "test_joe"):
        assert joe(data, name) == joe(output, name) != set()
        held_out |= joe(data, name)
    first = {f"joe-{number:05d}" for number in range(8)}
    assert joe(data, "train") == first - held_out != set()


def test_another_voice_saying_a_held_out_sentence_is_left_out(copy, tmp_path, caplog):
    root, run = copy
    table = root / "LibriSpeech" / TRAINING / "1737" / "4000" / "1737-4000.trans.txt"
    sentence = table.read_text().splitlines()[0].split(" ", 1)[1]
    table = root / "LibriSpeech" / TRAINING / "19" / "4000" / "19-4000.trans.txt"
    rows = table.read_text().splitlines()
    table.write_text("\n".join([f"19-4000-0000 {sentence}", *rows[1:]]) + "\n")
    caplog.set_level("INFO")
    assert run() == 0
    assert "1 utterances say a held-out sentence" in caplog.text
    assert "19-4000-0000" not in tables(tmp_path / "data", "train", "asr")["text"]


# ---- counts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "tested", "checked"),
    [
        (13100, 50, 20),
        (385, 50, 20),
        (350, 50, 20),
        (140, 20, 20),
        (20, 2, 2),
        (7, 1, 1),
    ],
)
def test_counts(count, tested, checked):
    tests, valid, train = hold_out("lj", items(count))
    assert (len(tests), len(valid)) == (tested, checked)
    parts = [{item.uid for item in part} for part in (tests, valid, train)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == count


def test_what_is_drawn_stays():
    """Results are compared from version to version: the rule may not change."""
    tests, valid, _ = hold_out("lj", items(400))
    assert [item.uid for item in tests[:4]] == [
        "lj-00001",
        "lj-00002",
        "lj-00004",
        "lj-00005",
    ]
    assert [item.uid for item in valid[:4]] == [
        "lj-00006",
        "lj-00016",
        "lj-00026",
        "lj-00041",
    ]
    borrowed = sets.borrow(
        [Utterance(item.uid, "1737", "a" * 30, None) for item in items(90, "1737")]
    )
    assert list(borrowed)[:3] == ["joe-1737-00001", "joe-1737-00002", "joe-1737-00004"]
    assert len(borrowed) == 50


def test_too_few_sentences():
    with pytest.raises(ValueError, match="voice arctic: 6 sentences are too few"):
        hold_out("arctic", items(6))


def test_only_readable_transcripts_are_borrowed():
    lengths = (19, 20, 180, 181)
    people = [Utterance(f"1737-{n}", "1737", "a" * n, None) for n in lengths]
    assert list(sets.borrow(people)) == ["joe-1737-20", "joe-1737-180"]


# ---- parts of the corpora ------------------------------------------------------------


def without(copy, *speakers):
    root, run = copy
    for speaker in speakers:
        shutil.rmtree(root / "LibriSpeech" / TRAINING / speaker)
    return run()


def test_no_test_speaker(copy, capsys):
    assert without(copy, "1737") == 1
    error = capsys.readouterr().err
    assert f"none of the test speakers {', '.join(TEST_SPEAKERS)} is there" in error
    assert f"copy their folders of {TRAINING}" in error


def test_nobody_to_train_on(copy, capsys):
    assert without(copy, "19", "7367") == 1
    assert "only 1737, 32, who are held out, are there" in capsys.readouterr().err


def test_absent_held_out_speakers_are_named(copy, tmp_path, caplog):
    assert without(copy, "32") == 0
    assert "held-out speakers 669, 2136, 7312, 32 are not there" in caplog.text
    valid = tables(tmp_path / "data", "valid", "asr")["utt2spk"]
    assert set(valid.values()) == {"LJ", "kathleen"}


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (f"LibriSpeech/{TRAINING}", f"holds one of {TRAINING}"),
        ("LJSpeech-1.1", "LJSpeech-1.1: no such corpus folder"),
        ("cmu_us_kathleen_arctic", "no cmu_us_<name>_arctic in it; copy a voice"),
        ("word net", "--sentences-dir is the folder of WordNet's files"),
        ("the teacher/wavs", "EXTRAS=teacher make env"),
    ],
)
def test_what_is_missing_is_named(copy, capsys, monkeypatch, gone, message):
    monkeypatch.setitem(sys.modules, "piper", None)
    root, run = copy
    shutil.rmtree(root / gone)
    assert run() == 1
    assert message in capsys.readouterr().err


def test_incomplete_people(copy, capsys, tmp_path):
    root, run = copy
    (root / "LibriSpeech" / TRAINING / "19" / "4000" / "19-4000-0001.flac").unlink()
    assert run() == 1
    assert "utterance '19-4000-0001': no recording" in capsys.readouterr().err
    assert run("--allow-failures", "1") == 0
    assert "19-4000-0001" not in tables(tmp_path / "data", "train", "asr")["text"]
