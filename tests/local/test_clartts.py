"""ClArTTS in each of its layouts."""

import hashlib
import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from espnet2_ext.data.audio_dump import dump_audio
from espnet2_ext.data.kaldi_checks import AudioLimits, validate
from espnet2_ext.data.kaldi_dir import KaldiDir
from local.clartts import download_clartts, main, prepare_clartts, read_clartts
from local.downloads import DownloadError
from local.parquet import export_parquet
from tests.local.http_server import Behaviour, serve
from tests.local.mini_clartts import KINDS, RATE, TEST, TRAIN, recording, write_clartts

ALL = {**TRAIN, **TEST}


@pytest.fixture(scope="module", params=KINDS)
def corpus(request, tmp_path_factory):
    return write_clartts(tmp_path_factory.mktemp(request.param), request.param)


def uid_of(name):
    return {"al-Adab 3 (a)": "clartts-al-Adab_3_a"}.get(name, f"clartts-{name}")


def test_sets(corpus, tmp_path):
    counts = prepare_clartts(corpus, tmp_path / "data", valid=2)
    assert counts == {"train": len(TRAIN) - 2, "valid": 2, "test": len(TEST)}
    found: dict[str, str] = {}
    for name in counts:
        for task in ("asr", "tts"):
            folder = tmp_path / "data" / name / task
            assert validate(folder, AudioLimits(RATE, 0.1, 30)) == []
            found |= KaldiDir.read(folder).tables["text"]
        if name == "test":
            assert set(found) >= {uid_of(test) for test in TEST}
    assert found == {uid_of(name): text for name, text in ALL.items()}


def test_samples_and_rate_survive(corpus, tmp_path):
    sets = read_clartts(corpus, tmp_path / "audio")
    wavs = {item.text: item.wav for items in sets.values() for item in items}
    for text in ALL.values():
        wave, rate = soundfile.read(wavs[text], dtype="float64")
        assert rate == RATE
        np.testing.assert_array_equal(wave, recording(text))


def test_the_dump_resamples(corpus, tmp_path):
    prepare_clartts(corpus, tmp_path / "data", valid=2)
    dump_audio(tmp_path / "data" / "test" / "tts", tmp_path / "dump")
    data = KaldiDir.read(tmp_path / "dump").tables
    for name, text in TEST.items():
        samples = int(data["utt2num_samples"][uid_of(name)])
        assert samples == pytest.approx(len(recording(text)) * 16000 / RATE, abs=2)


# ---- tables ------------------------------------------------------------------------


def test_an_interrupted_export_goes_on(tmp_path):
    corpus = write_clartts(tmp_path)
    first = read_clartts(corpus, tmp_path / "audio")
    wavs = [item.wav for items in first.values() for item in items]
    lost, others = wavs[3], [wav for wav in wavs if wav != wavs[3]]
    before = [wav.stat().st_mtime_ns for wav in others]
    lost.unlink()
    (tmp_path / "audio" / ".unfinished.1.flac").write_bytes(b"half")
    assert read_clartts(corpus, tmp_path / "audio") == first
    assert [wav.stat().st_mtime_ns for wav in others] == before
    assert soundfile.info(lost).samplerate == RATE
    assert set((tmp_path / "audio").iterdir()) == set(wavs)


def write_table(folder, **changes):
    """One table of one row."""
    row = {"text": "نَص", "file": "a.wav", "audio": [0.5, -0.25], "sampling_rate": RATE}
    row = {name: value for name, value in {**row, **changes}.items() if value != "no"}
    path = folder / "train-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist([row]), path)
    return path


def test_samples_of_the_size_of_16_bits(tmp_path):
    path = write_table(tmp_path, audio=[16384.0, -32768.0, 40000.0])
    (item,) = export_parquet([path], "clartts", tmp_path / "audio")
    wave, _ = soundfile.read(item.wav, dtype="int16")
    assert wave.tolist() == [16384, -32768, 32767]


def test_samples_that_are_too_loud_are_clipped(tmp_path):
    path = write_table(tmp_path, audio=[1.5, -1.2, 0.5])
    (item,) = export_parquet([path], "clartts", tmp_path / "audio")
    wave, _ = soundfile.read(item.wav, dtype="int16")
    assert wave.tolist() == [32767, -32768, 16384]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"audio": None}, "row 1, 'a.wav': no audio"),
        ({"audio": []}, "row 1, 'a.wav': its audio is not a list of samples"),
        ({"audio": [[0.5], [0.5]]}, "its audio is not a list of samples"),
        ({"audio": ["a"]}, "its audio is not a list of samples"),
        ({"audio": [0.1, float("nan")]}, "samples that are not numbers"),
        ({"audio": {"path": "a.wav"}}, "a path instead of the audio itself"),
        ({"audio": {"bytes": b"noise"}}, "not readable as audio"),
        ({"sampling_rate": None}, "no sampling rate"),
        ({"sampling_rate": "no"}, "no sampling rate"),
        ({"text": "no"}, "has no column text"),
        ({"audio": "no"}, "has no column audio"),
        ({"file": None}, "row 1: names no file"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path, changes, problem):
    path = write_table(tmp_path, **changes)
    with pytest.raises(ValueError, match=re.escape(problem)) as error:
        export_parquet([path], "clartts", tmp_path / "audio")
    assert str(path) in str(error.value)


def test_a_damaged_table(tmp_path):
    path = write_table(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="not readable as parquet"):
        export_parquet([path], "clartts", tmp_path / "audio")


def test_one_part_is_missing(tmp_path):
    write_table(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"holds no test-\*\.parquet"):
        read_clartts(tmp_path, tmp_path / "audio")


def test_the_layout_of_the_converted_branch(tmp_path):
    for part in ("train", "test"):
        folder = tmp_path / "default" / part
        folder.mkdir(parents=True)
        write_table(folder, file=f"{part}.wav").rename(folder / "0000.parquet")
    sets = read_clartts(tmp_path, tmp_path / "audio")
    assert [items[0].uid for items in sets.values()] == [
        "clartts-train",
        "clartts-test",
    ]


def test_rows_of_one_name(tmp_path):
    corpus = write_clartts(tmp_path)
    path = corpus / "data" / "test-00000-of-00001-1fd0fc09305c182b.parquet"
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table, table]), path)
    with pytest.raises(ValueError, match="utterance 'clartts-000100' is there twice"):
        prepare_clartts(corpus, tmp_path / "data", valid=2)


# ---- lists -------------------------------------------------------------------------


@pytest.fixture
def lists(tmp_path):
    return write_clartts(tmp_path, "lists")


@pytest.mark.parametrize("line", ["000001 نص", "|نص"])
def test_a_line_of_another_form(lists, line):
    path = lists / "training.txt"
    path.write_text(f"000002|نص\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"{path}:2: not of the form")):
        read_clartts(lists, lists)


def test_names_with_folders(lists):
    (lists / "training.txt").write_text("wav/train/000001.wav|نص\n", encoding="utf-8")
    (item,) = read_clartts(lists, lists)["train"]
    assert item.wav == lists / "wav" / "train" / "000001.wav"
    assert item.uid == "clartts-000001"


def test_a_name_of_two_recordings(lists):
    other = lists / "wav" / "test" / "000001.wav"
    other.write_bytes(b"")
    with pytest.raises(ValueError, match=r"training\.txt:1: '000001\.wav' may be"):
        read_clartts(lists, lists)


def test_missing_recordings(lists, tmp_path):
    (lists / "wav" / "train" / "000001.wav").unlink()
    with pytest.raises(ValueError, match="utterance 'clartts-000001': no recording"):
        prepare_clartts(lists, tmp_path / "data", valid=2)
    counts = prepare_clartts(lists, tmp_path / "data", valid=2, allow_failures=1)
    assert counts["train"] == len(TRAIN) - 3


def test_no_lists(lists, tmp_path):
    (lists / "validation.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"just one of validation\.txt"):
        read_clartts(lists, lists)
    with pytest.raises(FileNotFoundError, match="no such corpus folder"):
        read_clartts(tmp_path / "none", lists)


# ---- download and command ----------------------------------------------------------


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A server with the dataset, and its list of files."""
    tables = sorted(write_clartts(tmp_path / "hub").rglob("*.parquet"))
    siblings, files = [{"rfilename": "README.md", "size": 3}], {}
    for path in tables:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        name = f"data/{path.name}"
        siblings.append(
            {"rfilename": name, "size": len(content), "lfs": {"sha256": digest}}
        )
        files[f"/datasets/MBZUAI/ClArTTS/resolve/c0ffee/{name}"] = content
    listing = {"sha": "c0ffee", "siblings": siblings}
    address = "/api/datasets/MBZUAI/ClArTTS/revision/main?blobs=true"
    behaviour = Behaviour({address: json.dumps(listing).encode(), **files})
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve(behaviour) as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        yield behaviour, address, listing


def test_download(hub, tmp_path):
    folder = download_clartts(tmp_path / "downloads")
    assert {path.parent.name for path in folder.rglob("*.parquet")} == {"data"}
    assert len(read_clartts(folder, tmp_path / "audio")["train"]) == len(TRAIN)
    count = len(hub[0].requests)
    assert count == 1 + 3
    assert download_clartts(tmp_path / "downloads") == folder
    assert len(hub[0].requests) == count


def test_an_interrupted_download_goes_on(hub, tmp_path):
    behaviour = hub[0]
    behaviour.statuses = [200, 404]
    with pytest.raises(DownloadError, match="not the list of files"):
        download_clartts(tmp_path)
    (tmp_path / "ClArTTS" / "files.json").unlink()
    with pytest.raises(DownloadError, match="HTTP 404"):
        download_clartts(tmp_path)
    assert download_clartts(tmp_path).is_dir()


def test_a_table_that_is_not_as_published(hub, tmp_path):
    behaviour, _, listing = hub
    name = listing["siblings"][1]["rfilename"]
    address = f"/datasets/MBZUAI/ClArTTS/resolve/c0ffee/{name}"
    behaviour.files[address] = behaviour.files[address][:-1] + b"x"
    with pytest.raises(DownloadError, match="published is"):
        download_clartts(tmp_path)
    assert not (tmp_path / "ClArTTS" / ".completed").exists()


def test_names_of_the_server_stay_in_the_folder(hub, tmp_path):
    behaviour, address, listing = hub
    entry = listing["siblings"][1]
    name, entry["rfilename"] = entry["rfilename"], "../../../evil.parquet"
    commit = "/datasets/MBZUAI/ClArTTS/resolve/c0ffee"
    behaviour.files[address] = json.dumps(listing).encode()
    behaviour.files["/evil.parquet"] = behaviour.files[f"{commit}/{name}"]
    behaviour.files["/datasets/MBZUAI/evil.parquet"] = behaviour.files["/evil.parquet"]
    download_clartts(tmp_path / "downloads")
    evil = [path.parent.name for path in tmp_path.rglob("evil*")]
    assert evil == ["data"]


def test_a_list_without_tables(hub, tmp_path):
    hub[0].files[hub[1]] = json.dumps({"sha": "c0ffee", "siblings": []}).encode()
    with pytest.raises(DownloadError, match="lists no parquet files"):
        download_clartts(tmp_path)


def test_command(corpus, tmp_path, capsys):
    words = ["--corpus-dir", str(corpus), "--output-dir", str(tmp_path / "data")]
    assert main([*words, "--valid", "2"]) == 0
    assert f"{tmp_path / 'data' / 'test'}: 2 utterances" in capsys.readouterr().out
    assert main(["--corpus-dir", str(tmp_path / "none")]) == 1
    assert "clartts: " in capsys.readouterr().err
