"""LibriSpeech as published, with holes, and from its archives."""

import dataclasses
import hashlib
import io
import tarfile

import pytest

from espnet2_ext.data.kaldi_dir import KaldiDir
from espnet2_ext.io.tables import read_table
from local import librispeech
from tests.local.http_server import Behaviour, serve
from tests.local.miniature import SMALL, write_librispeech

pytest.importorskip("lhotse")

UID = "120-7002-0000"


@pytest.fixture
def root(tmp_path):
    return write_librispeech(tmp_path / "my corpora ü")


def run(root, *options):
    output = root.parent / "data"
    words = ["--corpus-dir", str(root), "--output-dir", str(output), *options]
    return librispeech.main(words), output


def flac(root, uid=UID):
    return root / "test-clean" / "120" / "7002" / f"{uid}.flac"


def test_every_part_becomes_a_set(root, capsys, caplog):
    code, output = run(root.parent)  # The folder above will do.
    assert code == 0, capsys.readouterr().err
    for part, count in SMALL.items():
        data = KaldiDir.read(output / part / "asr")
        assert len(data.complete) == len(data.utterances) == count
        assert not data.problems
    data = KaldiDir.read(output / "test-clean" / "asr").tables
    assert data["wav.scp"][UID] == str(flac(root))
    assert data["utt2spk"][UID] == "120"
    row = (flac(root).parent / "120-7002.trans.txt").read_text()
    assert row == f"{UID} {data['text'][UID]}\n"
    assert read_table(output / "test-clean" / "asr" / "spk2utt").values["120"] == UID
    assert f"{output / 'dev-clean'}: 2 utterances" in capsys.readouterr().out
    assert "test-clean: 2 utterances, 2,620 are published" in caplog.text


def test_chosen_parts(root, capsys):
    code, output = run(root, "--parts", "dev-clean")
    assert code == 0
    assert [path.name for path in output.iterdir()] == ["dev-clean"]
    assert run(root, "--parts", "dev-clean", "test-other")[0] == 1
    assert "test-other not there" in capsys.readouterr().err


def test_a_missing_recording(root, capsys):
    flac(root).unlink()
    code, output = run(root)
    assert code == 1
    error = capsys.readouterr().err
    assert f"'{UID}': no recording {flac(root)}" in error
    assert not output.exists()
    assert run(root, "--allow-failures", "1")[0] == 0
    uids = KaldiDir.read(output / "test-clean" / "asr").utterances
    assert uids == ["121-7002-0000"]


def test_a_recording_without_transcript(root, capsys):
    extra = flac(root, "120-7002-0009")
    extra.write_bytes(flac(root).read_bytes())
    (extra.parent / f"._{extra.name}").touch()  # macOS: not a recording
    assert run(root)[0] == 1
    assert f"{extra}: no transcript" in capsys.readouterr().err
    assert run(root, "--allow-failures", "1")[0] == 0


def test_a_damaged_recording(root, capsys):
    flac(root).write_bytes(b"nothing to hear")
    assert run(root, "--allow-failures", "9")[0] == 1
    error = capsys.readouterr().err
    assert str(flac(root)) in error
    assert "Copy the file again" in error


@pytest.mark.parametrize("line", [UID, "", f"{UID}  "])
def test_a_bad_line(root, line, capsys):
    table = flac(root).parent / "120-7002.trans.txt"
    table.write_text(f"{line}\n{UID} TEXT\n")
    assert run(root)[0] == 1
    assert f"{table}:1: expected 'id TRANSCRIPT'" in capsys.readouterr().err


def test_download(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    source = write_librispeech(tmp_path / "published", {"dev-clean": 2})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(source, "LibriSpeech")
    content = buffer.getvalue()
    part = dataclasses.replace(
        librispeech.PARTS["dev-clean"], sha256=hashlib.sha256(content).hexdigest()
    )
    monkeypatch.setitem(librispeech.PARTS, "dev-clean", part)
    downloads, output = tmp_path / "downloads", tmp_path / "data"
    with serve(Behaviour({"/dev-clean.tar.gz": content})) as address:
        root = librispeech.download_librispeech(downloads, ["dev-clean"], address)
    assert (root / "SPEAKERS.TXT").is_file()
    words = ["--download-dir", str(downloads), "--output-dir", str(output)]
    # The server is gone, and nothing is missing.
    assert librispeech.main([*words, "--parts", "dev-clean"]) == 0
    assert len(KaldiDir.read(output / "dev-clean" / "asr").utterances) == 2
    assert librispeech.main(words) == 1
    assert "--parts what to download" in capsys.readouterr().err
