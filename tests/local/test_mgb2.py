"""MGB-2: programmes cut into segments, both scripts, bad matches left out."""

import numpy as np
import pytest
import soundfile

from espnet2_ext.bin.dump_audio import main as dump_audio
from espnet2_ext.data.kaldi_checks import validate
from espnet2_ext.data.kaldi_dir import KaldiDir, Segment
from espnet2_ext.io.tables import read_table
from local import mgb2
from local.buckwalter import to_buckwalter
from tests.local.miniature import PROGRAMMES, write_mgb2

pytest.importorskip("lhotse")
pytest.importorskip("bs4")
pytest.importorskip("lxml")

TRAIN, DEV = PROGRAMMES["train"][0], PROGRAMMES["dev"][0]


@pytest.fixture
def root(tmp_path):
    return write_mgb2(tmp_path / "my corpora ü")


def run(root, *options):
    output = root.parent / "data"
    words = ["--corpus-dir", str(root), "--output-dir", str(output), *options]
    return mgb2.main(words), output


def texts(output, part="train"):
    return read_table(output / f"mgb2-{part}" / "asr" / "text").values


def test_every_part_becomes_a_set(root, capsys):
    code, output = run(root.parent)
    assert code == 0, capsys.readouterr().err
    for part, count in (("train", 8), ("dev", 5), ("test", 5)):
        for task in ("asr", "tts"):
            folder = output / f"mgb2-{part}" / task
            assert validate(folder, limits=None) == []
            assert len(KaldiDir.read(folder).utterances) == count
    wavs = read_table(output / "mgb2-train" / "tts" / "wav.scp").values
    assert wavs[TRAIN] == str(root / "train" / "wav" / f"{TRAIN}.wav")
    assert sorted(wavs) == sorted(PROGRAMMES["train"])


def test_names_say_programme_speaker_and_time(root):
    output = run(root)[1]
    for part in ("train", "dev"):
        data = KaldiDir.read(output / f"mgb2-{part}" / "tts").tables
        for uid, value in data["segments"].items():
            programme, start, end = Segment.parse(value)
            speaker = data["utt2spk"][uid]
            times = f"{round(100 * start):07d}:{round(100 * end):07d}"
            assert uid == f"{speaker}_seg-{times}"
            assert speaker in (f"{programme}_spk-0001", f"{programme}_spk-0002")


def test_the_dump_cuts_the_programmes(root):
    output = run(root)[1]
    source, target = output / "mgb2-train" / "tts", output / "dump"
    assert dump_audio([str(source), str(target)]) == 0
    programme = soundfile.read(root / "train" / "wav" / f"{TRAIN}.wav")[0]
    for uid, path in read_table(target / "wav.scp").values.items():
        recording, start, end = Segment.parse(
            read_table(source / "segments").values[uid]
        )
        wave, rate = soundfile.read(path)
        assert len(wave) == round((end - start) * rate)
        if recording == TRAIN:
            expected = programme[round(start * rate) : round(end * rate)]
            assert np.allclose(wave, expected, atol=1e-4)
    assert not (target / "segments").exists()
    assert validate(target, limits=None) == []


def test_bad_matches_are_left_out(root):
    assert len(texts(run(root)[1])) == 8
    assert len(texts(run(root, "--max-wmer", "100")[1])) == 10
    code, _ = run(root, "--parts", "train", "--max-wmer", "12")
    assert code == 0


def xml(root, script="utf8", programme=TRAIN):
    return root / "train" / "xml" / script / f"{programme}.xml"


def test_both_scripts_give_the_same(root):
    whole = texts(run(root)[1])
    assert all(text.isprintable() and not text.isascii() for text in whole.values())
    for programme in PROGRAMMES["train"]:
        path = xml(root, "bw", programme)
        path.parent.mkdir(exist_ok=True)
        content = xml(root, "utf8", programme).read_text(encoding="utf-8")
        path.write_text(to_buckwalter_words(content), encoding="utf-8")
        xml(root, "utf8", programme).unlink()
    assert texts(run(root)[1]) == whole


def to_buckwalter_words(content):
    """Transliterate what is in Arabic script, and no mark-up."""
    return "".join(c if c.isascii() else to_buckwalter(c) for c in content)


def test_latin_words_stay_latin(root):
    for text in texts(run(root)[1], "dev").values():
        arabic, latin = text.rsplit(maxsplit=1)
        assert latin == "cab"
        assert not any("a" <= letter <= "z" for letter in arabic)


def test_segments_without_words_are_left_out(root, caplog):
    table = root / "dev" / "text.non_overlap_speech"
    first, *others = table.read_text().splitlines()
    table.write_text("\n".join([first.split()[0], *others]) + "\n")
    with caplog.at_level("INFO"):
        output = run(root)[1]
    assert len(texts(output, "dev")) == 4
    assert "mgb2-dev: 1 segments without words" in caplog.text


def test_a_missing_programme(root, capsys):
    path = root / "train" / "wav" / f"{TRAIN}.wav"
    path.unlink()
    assert run(root, "--allow-failures", "3")[0] == 1
    assert f"no recording {path}" in capsys.readouterr().err
    code, output = run(root, "--allow-failures", "4")
    assert code == 0
    assert len(texts(output)) == 4


@pytest.mark.parametrize("attribute", ["who", "WMER", "starttime"])
def test_a_damaged_xml_file(root, attribute, capsys):
    content = xml(root).read_text(encoding="utf-8")
    damaged = content.replace(f' {attribute}="', f' {attribute}="?', 1)
    xml(root).write_text(damaged, encoding="utf-8")
    assert run(root)[0] == 1
    assert f"{xml(root)}: lhotse cannot read it" in capsys.readouterr().err


def test_a_bad_segment(root, capsys):
    table = root / "dev" / "segments.non_overlap_speech"
    table.write_text(f"{DEV}_spk-0001_seg-x {DEV} 5.0 3.0\n")
    assert run(root)[0] == 1
    error = capsys.readouterr().err
    assert str(table) in error
    assert "'5.0' to '3.0' seconds is no stretch of time" in error


def test_nobody_downloads_it_unasked(tmp_path, capsys):
    words = ["--download-dir", str(tmp_path), "--output-dir", str(tmp_path / "data")]
    assert mgb2.main(words) == 1
    assert "https://arabicspeech.org/mgb2" in capsys.readouterr().err
    write_mgb2(tmp_path)
    assert mgb2.main([*words, "--parts", "dev"]) == 0
