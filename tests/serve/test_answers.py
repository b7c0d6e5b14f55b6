"""What the server answers is what the commands write."""

import io
import json
import re

import av
import pytest
import requests
import soundfile

from espnet2_ext import STTATTS
from espnet2_ext.bin.sttatts import main
from tests.model_dirs import TEXTS
from tests.serve.conftest import OPTIONS, SLOW, serving

SPEECH = "/v1/audio/speech"
TRANSCRIPTIONS = "/v1/audio/transcriptions"
CONVERSIONS = "/v1/audio/conversions"


@pytest.fixture(scope="module")
def api(folder):
    return STTATTS.from_pretrained(folder / "model")


@pytest.fixture
def recording(folder):
    return {"file": ("a.wav", (folder / "wav" / "2.wav").read_bytes())}


# ---- speech ----------------------------------------------------------------------


def test_speech_has_the_bytes_of_the_command(ask, folder, tmp_path):
    path, model = tmp_path / "out.wav", str(folder / "model")
    words = ("-m", model, "-o", str(path), "--speaker=omar", *OPTIONS[2:])
    assert main(["speak", TEXTS[2], *words]) == 0
    asked = {"input": TEXTS[2], "voice": "omar", "response_format": "wav"}
    answer = ask(SPEECH, json=asked)
    assert answer.content == path.read_bytes()
    assert answer.headers["content-type"] == "audio/wav"
    # Streamed, the header differs: it cannot know the length.
    live = ask(SPEECH, json={**asked, "stream_format": "audio"}).content
    assert live[:4] == b"RIFF"
    assert len(live) == len(answer.content)


def test_a_conversion_has_the_bytes_of_the_command(ask, folder, tmp_path, recording):
    path, model = tmp_path / "out.wav", str(folder / "model")
    words = ("-m", model, "-o", str(path), "--speaker=omar", *OPTIONS[2:])
    assert main(["convert", str(folder / "wav" / "2.wav"), *words]) == 0
    asked = {"voice": "omar", "response_format": "wav"}
    answer = ask(CONVERSIONS, files=recording, data=asked)
    assert answer.content == path.read_bytes()


@pytest.mark.parametrize("stream", [None, "audio"])
@pytest.mark.parametrize("name", ["mp3", "opus", "flac", "wav", "pcm"])
def test_formats(ask, api, name, stream):
    made = api.synthesize(TEXTS[5], "anna", minlenratio=1, maxlenratio=2)
    seconds = len(made.wav) / made.sample_rate
    asked = {"input": TEXTS[5], "voice": "anna", "response_format": name}
    answer = ask(SPEECH, json={**asked, "stream_format": stream})
    if name == "pcm":
        assert answer.headers["content-type"] == "audio/pcm;rate=16000;channels=1"
        assert len(answer.content) == 2 * seconds * 16000
    else:
        # MP3 begins and ends with silence, of which a stream's header says nothing.
        assert decoded(answer.content) == pytest.approx(seconds, abs=0.25)
    if name == "opus":
        assert answer.content[:4] == b"OggS"


def decoded(content):
    """Duration of a file, as a player finds it."""
    with av.open(io.BytesIO(content)) as file:
        frames = list(file.decode(audio=0))
    return sum(frame.samples for frame in frames) / frames[0].rate


def test_streamed_speech_as_events(ask):
    asked = {"input": "abc", "voice": {"id": "anna"}, "stream_format": "sse"}
    answer = ask(SPEECH, json=asked)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line]
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    assert events[-1]["type"] == "speech.audio.done"


# ---- recognition -----------------------------------------------------------------


def test_text_is_what_the_command_prints(ask, folder, recording, capsys):
    path = str(folder / "wav" / "2.wav")
    main(["transcribe", "-m", str(folder / "model"), path, *OPTIONS[:2]])
    expected = capsys.readouterr().out
    answer = ask(TRANSCRIPTIONS, files=recording, data={"response_format": "text"})
    assert answer.text == expected
    assert ask(TRANSCRIPTIONS, files=recording).json() == {"text": expected[:-1]}


def test_times_of_words(ask, folder, recording, api):
    data = {"response_format": "verbose_json", "model": "whisper-1", "language": "en"}
    content = ask(TRANSCRIPTIONS, files=recording, data=data).json()
    wave, rate = soundfile.read(folder / "wav" / "2.wav")
    assert content["duration"] == pytest.approx(len(wave) / rate, abs=1e-3)
    assert " ".join(word["word"] for word in content["words"]) == content["text"]
    times = [word[side] for word in content["words"] for side in ("start", "end")]
    assert times == sorted(times)
    (segment,) = content["segments"]
    assert segment["text"] == content["text"]
    only = {**data, "timestamp_granularities[]": "word"}
    content = ask(TRANSCRIPTIONS, files=recording, data=only).json()
    assert "words" in content
    assert "segments" not in content


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("srt", r"1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\n[^\n]+\n\n"),
        ("vtt", r"WEBVTT\n\n00:00:0\d\.\d{3} --> 00:00:0\d\.\d{3}\n[^\n]+\n\n"),
    ],
)
def test_subtitles(ask, recording, name, form):
    answer = ask(TRANSCRIPTIONS, files=recording, data={"response_format": name})
    assert re.fullmatch(form, answer.text)


def test_a_streamed_transcript(ask, recording):
    whole = ask(TRANSCRIPTIONS, files=recording).json()["text"]
    answer = ask(TRANSCRIPTIONS, files=recording, data={"stream": "true"})
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line]
    assert "".join(event.get("delta", "") for event in events) == whole
    assert events[-1] == {"type": "transcript.text.done", "text": whole}


# ---- batches ---------------------------------------------------------------------


def test_requests_run_together_and_change_nothing(folder, api):
    paths = sorted((folder / "wav").glob("*.wav")) * 3
    expected = [
        found[0].text
        for found in api.transcribe(paths, beam_size=2, ctc_weight=0.3, batch_size=1)
    ]
    with serving(folder / "model", "--batch-size=4") as server:
        answers = all_at_once(server.url, paths)
        counts = requests.get(server.url + "/metrics", timeout=SLOW).text
    assert answers == expected
    (batches,) = re.findall(r"sttatts_batch_size_count (\S+)", counts)
    (inputs,) = re.findall(r"sttatts_batch_size_sum (\S+)", counts)
    assert float(inputs) == len(paths)
    assert float(batches) < len(paths)


def all_at_once(url, paths):
    from concurrent.futures import ThreadPoolExecutor

    def one(path):
        files = {"file": (path.name, path.read_bytes())}
        return requests.post(url + TRANSCRIPTIONS, files=files, timeout=SLOW)

    with ThreadPoolExecutor(len(paths)) as pool:
        return [answer.json()["text"] for answer in pool.map(one, paths)]


# ---- what the server says of itself ----------------------------------------------


def test_what_there_is(ask):
    assert ask("/health", "get").json() == {"status": "ok"}
    (model,) = ask("/v1/models", "get").json()["data"]
    assert ask("/v1/models/tiny", "get").json() == model
    assert ask("/v1/models/whisper-1", "get").status_code == 404
    voices = ask("/v1/voices", "get").json()["data"]
    assert [voice["id"] for voice in voices] == ["anna", "omar"]


def test_metrics(ask):
    ask("/v1/nothing", "get")
    counts = ask("/metrics", "get").text
    assert 'sttatts_requests_total{path="other",status="404"}' in counts
    assert "process_resident_memory_bytes" in counts
