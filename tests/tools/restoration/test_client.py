"""Servers that are busy, slow, broken or of another kind."""

import email.utils
import gzip
import json
import logging
import socket
import time

import pytest

pytest.importorskip("openai")

from tests.tools.restoration.conftest import KEY
from tests.tools.restoration.corpus import LINES, RESTORED
from tests.tools.restoration.model_server import Reply, completion, failure, right
from tools.restoration.answers import MalformedAnswerError
from tools.restoration.client import (
    IN_A_ROW,
    ChatClient,
    RequestError,
    ServiceError,
)
from tools.restoration.limits import MOST_BYTES
from tools.restoration.template import Template

MESSAGES = Template("system", "{lines}").messages(LINES[:1])
EXPECTED = json.dumps({"1": RESTORED[LINES[0]]}, ensure_ascii=False)


def client_of(server, timeout=20.0, retries=2):
    return ChatClient("test", server.url, timeout, retries, first_wait=0.01)


def ask(client):
    return client.ask(MESSAGES, {"temperature": 0, "own_key": [1]})


def test_a_good_answer_and_what_it_cost(server):
    client = client_of(server)
    assert ask(client) == ask(client) == EXPECTED
    assert str(client.usage) == "2 requests, 200 prompt tokens, 100 completion tokens"
    assert server.requests[0] == {
        "model": "test",
        "messages": MESSAGES,
        "temperature": 0,
        "own_key": [1],
    }
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_a_failure_that_passes(server, status):
    server.first = [failure(status), failure(status)]
    client = client_of(server)
    assert ask(client) == EXPECTED
    assert client.usage.requests == 3


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_obeyed(server, as_date):
    # A date has whole seconds: two ahead are at least one.
    when = email.utils.formatdate(time.time() + 2, usegmt=True) if as_date else "0.3"
    server.first = [failure(429, Retry_After=when)]
    begin = time.monotonic()
    assert ask(client_of(server)) == EXPECTED
    waited = time.monotonic() - begin
    assert (0.9 if as_date else 0.3) <= waited < 10


@pytest.mark.parametrize("value", ["-5", "nan", "soon", ""])
def test_retry_after_without_sense(server, value):
    server.first = [failure(429, Retry_After=value)]
    assert ask(client_of(server)) == EXPECTED


def test_retry_after_of_hours_ends_the_run(server):
    server.then = failure(429, Retry_After="7200")
    with pytest.raises(ServiceError, match="wait for 7200 s"):
        ask(client_of(server))
    assert len(server.requests) == 1


def test_a_server_that_stays_silent(server):
    server.first = [server.hang]
    client = client_of(server, timeout=0.3)
    assert ask(client) == EXPECTED
    server.then = server.hang
    with pytest.raises(RequestError, match="timed out"):
        ask(client_of(server, timeout=0.2, retries=0))


@pytest.mark.usefixtures("clean_environment")
def test_nobody_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(RequestError, match="Connection error"):
            ask(ChatClient("test", url, 1.0, retries=1, first_wait=0.01))


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        Reply(
            b"<html>Welcome to the network</html>",
            headers={"Content-Type": "text/html"},
        ),
        Reply(b"not json", headers=JSON),
        Reply(b"", headers=JSON),
        Reply(b"null", headers=JSON),
        Reply(b"[]", headers=JSON),
        Reply(b"{}", headers=JSON),
        Reply(b'{"choices": null}', headers=JSON),
        Reply(b'{"choices": []}', headers=JSON),
        Reply(b'{"choices": "abc"}', headers=JSON),
        Reply(b'{"choices": [{}]}', headers=JSON),
        Reply(b'{"choices": [{"message": "text"}]}', headers=JSON),
        Reply(b'{"choices": [{"message": {"content"', headers=JSON, announced=500),
        Reply(b"\xff\xfe\xfd", headers=JSON),
        Reply(b"garbage", headers={**JSON, "Content-Encoding": "gzip"}),
    ],
    ids=lambda reply: reply.body.decode("latin-1")[:30] or "nothing",
)
def test_a_body_that_is_no_completion(server, body):
    server.first = [lambda _: body]
    assert ask(client_of(server)) == EXPECTED
    server.then = lambda _: body
    with pytest.raises(RequestError):
        ask(client_of(server, retries=0))


ENDLESS = {
    "large": Reply(b" " * (MOST_BYTES + 1), headers=JSON),
    "large failure": Reply(b" " * (MOST_BYTES + 1), 500, JSON),
    "packed": Reply(
        gzip.compress(b" " * 10**7), headers={**JSON, "Content-Encoding": "gzip"}
    ),
    "slow": Reply(b" " * 1000, headers=JSON, drip=1),
    "slow failure": Reply(b" " * 1000, 500, JSON, drip=1),
    "deep": Reply(b"[" * 10**6, headers=JSON),
}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_an_end(server, body):
    server.first = [lambda _: body]
    begun = time.monotonic()
    assert ask(client_of(server, timeout=0.3)) == EXPECTED
    assert time.monotonic() - begun < 20
    server.then = lambda _: body
    with pytest.raises(RequestError):
        ask(client_of(server, timeout=0.3, retries=0))


def test_usage_that_is_missing_or_odd(server):
    def without(_):
        body = json.loads(right({"1": LINES[0]}).body)
        body["usage"] = {"prompt_tokens": "many"}
        return Reply(json.dumps(body).encode(), headers=JSON)

    server.first = [without]
    client = client_of(server)
    assert ask(client) == EXPECTED
    assert client.usage.prompt_tokens == 0


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (completion(EXPECTED, "length"), "cut off"),
        (completion(None, "content_filter"), "content filter"),
        (completion(None, refusal="I cannot help with that"), "refused"),
    ],
)
def test_a_completion_without_a_whole_answer(server, reply, reason):
    server.then = lambda _: reply
    with pytest.raises(MalformedAnswerError, match=reason):
        ask(client_of(server))
    assert len(server.requests) == 1


def test_an_empty_answer(server):
    server.then = lambda _: completion(None)
    assert ask(client_of(server)) == ""


@pytest.mark.parametrize(
    ("status", "cure"),
    [(401, "OPENAI_API_KEY"), (403, "OPENAI_API_KEY"), (404, "--base_url and --model")],
)
def test_what_no_repetition_mends_ends_the_run(server, status, cure):
    server.then = failure(status, "go away")
    with pytest.raises(ServiceError, match=f"status {status}: go away.*{cure}"):
        ask(client_of(server))
    assert len(server.requests) == 1


def test_no_money_left(server):
    body = {"error": {"message": "no credit", "code": "insufficient_quota"}}
    server.then = lambda _: Reply(json.dumps(body).encode(), 429, JSON)
    with pytest.raises(ServiceError, match="no credit"):
        ask(client_of(server))
    assert len(server.requests) == 1


def test_a_refused_request_is_not_repeated(server):
    server.first = [failure(400, "temperature is not supported")]
    client = client_of(server)
    with pytest.raises(RequestError, match="status 400: temperature is not supported"):
        ask(client)
    assert ask(client) == EXPECTED
    assert client.usage.requests == 2


def test_failures_in_a_row_end_the_run(server):
    server.then = failure(400)
    client = client_of(server)
    for _ in range(IN_A_ROW - 1):
        with pytest.raises(RequestError):
            ask(client)
    with pytest.raises(ServiceError, match=f"{IN_A_ROW} requests failed in a row"):
        ask(client)


def test_a_success_between_failures_counts(server):
    client = client_of(server)
    for _ in range(2 * IN_A_ROW):
        server.first = [failure(400)]
        with pytest.raises(RequestError):
            ask(client)
        assert ask(client) == EXPECTED


def test_stopping_ends_a_wait(server):
    server.then = failure(429, Retry_After="60")
    client = client_of(server)
    client._stopped.wait = lambda _: client.stop()  # as if stopped meanwhile
    begin = time.monotonic()
    with pytest.raises(ServiceError, match="stopped"):
        ask(client)
    assert time.monotonic() - begin < 10


# ---- key and address ---------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_server_that_repeats_the_key(server, status, caplog):
    caplog.set_level(logging.DEBUG)
    server.then = failure(status, f"the key {KEY} is wrong")
    with pytest.raises((RequestError, ServiceError)) as caught:
        ask(client_of(server, retries=1))
    assert "the key (key) is wrong" in str(caught.value)
    assert KEY not in str(caught.value)
    assert KEY not in caplog.text
    assert KEY not in repr(vars(caught.value))


def test_a_model_that_repeats_the_key(server):
    server.then = lambda _: completion(f"your key: {KEY}")
    assert ask(client_of(server)) == "your key: (key)"


def test_a_server_without_keys(server, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    assert ask(client_of(server)) == EXPECTED


@pytest.mark.usefixtures("clean_environment")
def test_openai_without_a_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ValueError, match="OPENAI_API_KEY"):
        ChatClient("test")


def test_the_address_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert ask(ChatClient("test")) == EXPECTED


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000/v1",
        "ftp://host/v1",
        "https://",
        f"https://me:{KEY}@host/v1",
        f"https://host/v1?key={KEY}",
    ],
)
@pytest.mark.usefixtures("clean_environment")
def test_addresses_that_are_refused(url):
    with pytest.raises(ValueError, match="--base_url must") as caught:
        ChatClient("test", url)
    assert KEY not in str(caught.value)


@pytest.mark.usefixtures("clean_environment")
def test_a_key_that_would_travel_in_the_open(caplog):
    ChatClient("test", "http://127.0.0.1:1/v1")
    ChatClient("test", "https://example.org/v1")
    assert not caplog.text
    ChatClient("test", "http://example.org/v1")
    assert "unencrypted" in caplog.text
