"""The prompts: how they are fetched, what is heard of them, what is joined of them."""

import gzip
import hashlib
import os
import random
from dataclasses import replace

import numpy as np
import pytest

from local.mini_prompts import corpus, joined_phrases
from local.mini_prompts.corpus import (
    download_mini_prompts,
    iterate_prompts,
    read_transcripts,
    spoken_words,
)
from tests.local.asterisk_sounds import prompt_texts, tarball, write_corpus
from tests.local.http_server import Behaviour, serve
from tests.local.programs import programs

# ---- fetching ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archive():
    return tarball()


@pytest.fixture
def upstream(archive, monkeypatch):
    """The tarball on a server of this machine."""
    behaviour = Behaviour({f"/{corpus.TARBALL.name}": archive})
    with serve(behaviour) as address:
        checksum = f"sha256:{hashlib.sha256(archive).hexdigest()}"
        url = f"{address}/{corpus.TARBALL.name}"
        tarball = replace(corpus.TARBALL, url=url, checksum=checksum)
        monkeypatch.setattr(corpus, "TARBALL", tarball)
        yield behaviour


def names_of(folder):
    return {name for name, _, _ in iterate_prompts(folder)}


def test_a_machine_without_apt_takes_the_tarball(upstream, tmp_path, monkeypatch):
    programs(tmp_path / "bin", monkeypatch)
    upstream.break_off.append(200_000)
    monkeypatch.setattr("time.sleep", lambda _: None)
    folder = download_mini_prompts(tmp_path / "downloads")
    assert names_of(folder) == set(prompt_texts())
    first, second = (request.get("Range") for request in upstream.requests)
    assert first is None
    assert second.startswith("bytes=")  # The rest is all that is asked for again.
    assert download_mini_prompts(tmp_path / "downloads") == folder
    assert len(upstream.requests) == 2


def test_packages_are_preferred(upstream, tmp_path, monkeypatch):
    write_corpus(tmp_path / "content")
    copy = f'/bin/cp -r {tmp_path / "content"}/. "$3"'
    programs(
        tmp_path / "bin",
        monkeypatch,
        apt_get='[ "$1" = download ] && shift && for p; do : >"$p.deb"; done',
        dpkg_deb=f'/bin/mkdir -p "$3" && {copy}',
    )
    folder = download_mini_prompts(tmp_path / "downloads")
    assert names_of(folder) == set(prompt_texts())
    assert upstream.requests == []
    assert os.listdir(tmp_path / "downloads") == [folder.name]


def test_a_failing_apt_is_no_obstacle(upstream, tmp_path, monkeypatch):
    reason = "E: Unable to locate package"
    programs(tmp_path / "bin", monkeypatch, apt_get=f"echo {reason} >&2; exit 100")
    (tmp_path / "bin" / "dpkg-deb").symlink_to("/bin/false")
    folder = download_mini_prompts(tmp_path / "downloads")
    assert names_of(folder) == set(prompt_texts())
    upstream.files.clear()
    with pytest.raises(RuntimeError, match=rf"{reason}.*HTTP 404.*--corpus-dir"):
        download_mini_prompts(tmp_path / "elsewhere")


def test_a_damaged_tarball_is_refused(upstream, tmp_path, monkeypatch):
    programs(tmp_path / "bin", monkeypatch)
    path, content = upstream.files.popitem()
    upstream.files[path] = content[:-1] + b"x"
    with pytest.raises(RuntimeError, match=r"no apt-get here; .*has sha256"):
        download_mini_prompts(tmp_path)
    assert not (tmp_path / corpus.FOLDER).exists()


# ---- reading -------------------------------------------------------------------------


def test_sounds_and_transcripts_of_a_package(tmp_path):
    sounds = iterate_prompts(write_corpus(tmp_path))
    found = {name: (text, wave) for name, text, wave in sounds}
    expected = prompt_texts()
    assert {name: text for name, (text, _) in found.items()} == {
        name: spoken_words(text) for name, text in expected.items()
    }
    _, wave = found["digits/5"]
    assert wave.shape == (4800,)
    assert wave.dtype == np.float32
    assert 0.25 < np.abs(wave).max() < 0.35


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("Press 1, or # (a tone follows).", "press one or pound"),
        ("3D audio enabled", "three d audio enabled"),
        ("at [@]", "at"),
        ("<beep ascending>", ""),
        ("you can dial 500 to attempt", "you can dial five zero zero to attempt"),
        ("Your party's * key", "your party's star key"),
    ],
)
def test_spoken_words(written, heard):
    assert spoken_words(written) == heard


@pytest.mark.parametrize(
    ("name", "opened"),
    [("core-sounds-en.txt.gz", gzip.open), ("core-sounds-en.txt", open)],
)
def test_transcripts(tmp_path, name, opened):
    lines = "; comment\n\ndigits/5: five\nbeep: [a tone]\nsilence/1: (1 second)\n"
    with opened(tmp_path / name, "wt") as file:
        file.write(lines)
    assert read_transcripts(tmp_path) == {"digits/5": "five"}
    with pytest.raises(FileNotFoundError, match=r"core-sounds-en\.txt"):
        read_transcripts(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (20, "20"),
        (21, "20 1"),
        (100, "1 hundred"),
        (115, "1 hundred 15"),
        (1342, "1 thousand 3 hundred 40 2"),
        (20000, "20 thousand"),
        (999999, "9 hundred 90 9 thousand 9 hundred 90 9"),
    ],
)
def test_numbers(value, said):
    assert joined_phrases.number(value) == [f"digits/{word}" for word in said.split()]


def test_days_of_the_month():
    assert joined_phrases.ordinal(3) == ["digits/h-3"]
    assert joined_phrases.ordinal(21) == ["digits/20", "digits/h-1"]
    assert joined_phrases.ordinal(30) == ["digits/h-30"]


def test_phrases_differ_and_repeat_with_the_seed():
    phrases = joined_phrases.draw_many(300, 1, ["press", "hold"])
    assert phrases == joined_phrases.draw_many(300, 1, ["press", "hold"])
    assert len({phrase.units for phrase in phrases}) == 300
    assert {phrase.kind for phrase in phrases} == {
        "number",
        "phone",
        "date",
        "time",
        "spelled",
        "phonetic",
    }


def test_words_are_joined_with_short_gaps():
    silence = np.zeros(8000, dtype=np.float32)
    tone = np.sin(np.arange(8000) * 0.3).astype(np.float32)
    word = np.concatenate([silence, tone, silence])
    prompts = {"digits/1": ("one", word), "digits/2": ("two", word)}
    phrase = joined_phrases.Phrase("number", ("digits/1", "digits/2"))
    text, wave = joined_phrases.render(phrase, prompts, random.Random(0))
    assert text == "one two"
    seconds = len(wave) / 16000
    assert 1.2 < seconds < 1.6  # two tones of 0.5 s, margins, gaps, edges


def test_announcements_are_short_sequences_of_sentences():
    second = np.ones(16000, dtype=np.float32)
    prompts = {f"hold{i}": (f"hold {i}", np.tile(second, i)) for i in range(1, 8)}
    prompts["digits/1"] = ("one", second)
    drawn = joined_phrases.draw_announcements(50, 1, prompts, 8.0)
    assert drawn == joined_phrases.draw_announcements(50, 1, prompts, 8.0)
    assert len(drawn) == 50
    assert {len(phrase.units) for phrase in drawn} == {2, 3}
    for phrase in drawn:
        assert not {"digits/1", "hold5"} & set(phrase.units)
        assert sum(len(prompts[name][1]) for name in phrase.units) <= 8 * 16000
    text, _ = joined_phrases.render(drawn[0], prompts, random.Random(0))
    assert text == " ".join(prompts[name][0] for name in drawn[0].units)
    assert joined_phrases.draw_announcements(5, 1, {"a": prompts["hold1"]}, 8.0) == []
