"""OpenAI's own client talks to the server."""

import pytest
import soundfile

from tests.model_dirs import TEXTS
from tests.serve.conftest import SLOW

openai = pytest.importorskip("openai", reason="openai is not installed (restore)")


@pytest.fixture
def client(server):
    with openai.OpenAI(
        base_url=f"{server.url}/v1", api_key="any", max_retries=0, timeout=SLOW
    ) as client:
        yield client


@pytest.fixture
def recording(folder):
    return folder / "wav" / "2.wav"


def test_transcriptions(client, recording):
    create = client.audio.transcriptions.create
    plain = create(file=recording, model="whisper-1")
    assert plain.text
    verbose = create(
        file=recording,
        model="whisper-1",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert verbose.text == plain.text
    assert " ".join(word.word for word in verbose.words) == plain.text
    assert verbose.segments[0].text == plain.text
    srt = create(file=recording, model="whisper-1", response_format="srt")
    assert "-->" in srt
    events = list(create(file=recording, model="whisper-1", stream=True))
    assert events[-1].text == plain.text


def test_speech(client, tmp_path):
    path = tmp_path / "a.mp3"
    asked = {"model": "tts-1", "voice": "omar", "input": TEXTS[2]}
    with client.audio.speech.with_streaming_response.create(**asked) as answer:
        answer.stream_to_file(path)
    assert soundfile.info(path).format == "MP3"
    made = client.audio.speech.create(**asked, response_format="wav")
    (tmp_path / "a.wav").write_bytes(made.content)
    assert soundfile.info(tmp_path / "a.wav").samplerate == 16000


def test_models(client):
    assert [model.id for model in client.models.list()] == ["tiny"]


def test_errors_are_of_the_clients_classes(client, tmp_path):
    with pytest.raises(openai.BadRequestError, match="no voice 'nobody'") as error:
        client.audio.speech.create(model="", voice="nobody", input="a")
    assert error.value.code == "unknown_voice"
    (tmp_path / "a.wav").write_text("no sound")
    with pytest.raises(openai.BadRequestError, match="not readable as audio"):
        client.audio.transcriptions.create(model="", file=tmp_path / "a.wav")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt")
