"""The restoration of transcripts against a server that lies in each of its ways."""

import contextlib
import gzip
import io
import json
import os
import time
from pathlib import Path
from unittest import mock

from espnet2_ext.io.tables import read_table
from tests.campaign.findings import Campaign
from tests.tools.restoration.conftest import KEY
from tests.tools.restoration.corpus import LINES, write_transcripts
from tests.tools.restoration.model_server import (
    Behaviour,
    Lines,
    ModelServer,
    Reply,
    answer,
    completion,
    failure,
    right,
    serve,
)
from tools.restoration.__main__ import main

JSON = {"Content-Type": "application/json"}
LONGEST = 90
"""Seconds of a run whose server has a timeout of half a second."""


def ways() -> dict[str, Behaviour]:
    """Every lie by its name."""

    def said(content: object, **more: object) -> Behaviour:
        return lambda _: completion(content, **more)

    def each(change) -> Behaviour:
        return lambda lines: answer({n: change(line) for n, line in lines.items()})

    def swapped(lines: Lines) -> Reply:
        return answer(dict(zip(lines, reversed(lines.values()), strict=True)))

    def body(content: bytes, **more: object) -> Behaviour:
        return lambda _: Reply(content, headers=JSON, **more)

    return {
        "nothing": said(None),
        "empty": said(""),
        "chatter": said("Sure! Here are your lines."),
        "no object": said("[1, 2]"),
        "deep": said("[" * 100_000),
        "numbers": lambda lines: completion(json.dumps(dict.fromkeys(lines, 1))),
        "lists": lambda lines: completion(json.dumps({n: ["x"] for n in lines})),
        "too few": lambda lines: answer(dict(list(lines.items())[:-1])),
        "too many": lambda lines: answer({**lines, "99": "x"}),
        "swapped": swapped,
        "cut off": said('{"1": "x', finish_reason="length"),
        "withheld": said("", finish_reason="content_filter"),
        "refused": said("", refusal="no"),
        "Latin": each(lambda _: "hello world"),
        "other words": each(lambda _: LINES[0]),
        "markup": each(lambda line: f"{line}<script>alert(1)</script>"),
        "controls": each(lambda line: f"{line}\u202e\u0000\n\t"),
        "long": each(lambda line: line * 500),
        "key": each(lambda _: KEY),
        "large": body(b" " * 20_000_000),
        "packed": lambda _: Reply(
            gzip.compress(bytes(10**8)), headers={**JSON, "Content-Encoding": "gzip"}
        ),
        "slow": body(b" " * 1000, drip=1),
        "short": body(b"{", announced=10**6),
        "nested": body(b"[" * 10**6),
        "not UTF-8": body(b"\xff\xfe"),
        "page": lambda _: Reply(b"<html>log in</html>"),
        "key in an error": failure(400, f"wrong key {KEY}"),
        "long error": failure(400, "x" * 10**6),
        **{f"status {code}": failure(code) for code in (400, 401, 404, 409, 429, 500)},
        "later": failure(429, Retry_After="9999999"),
        "later, oddly": failure(429, Retry_After="nan"),
        "redirected": failure(302, Location="file:///etc/passwd"),
    }


def run(campaign: Campaign) -> None:
    """Restore transcripts with each of the servers."""
    root = campaign.folder / "liars"
    root.mkdir()
    behaviours: dict[str, Behaviour | None] = {**ways(), "silent": None}
    for number, (name, behave) in enumerate(behaviours.items()):
        if campaign.is_over():
            return
        # It lies always; or first, and is right then.
        for always in (True, False):
            with serve() as server, campaign.timed("lying servers"):
                lie = behave or server.hang
                server.then = lie if always else right
                server.first = [] if always else [lie, lie]
                place = root / f"{number}{'always' if always else 'first'}"
                place.mkdir()
                _restore(campaign, f"{name}, always={always}", server, place)


def _restore(campaign: Campaign, case: str, server: ModelServer, place: Path) -> None:
    texts = write_transcripts(place / "text")
    words = [
        *("--text", str(place / "text"), "--output", str(place / "restored")),
        *("--cache_dir", str(place / "cache"), "--report_dir", str(place / "report")),
        *("--model", "test", "--base_url", server.url, "--timeout", "0.5"),
        *("--batch_size", "3", "--retries", "1", "--nj", "2"),
    ]
    said, begun = io.StringIO(), time.monotonic()
    clean = {n: v for n, v in os.environ.items() if not n.lower().endswith("_proxy")}
    with (
        mock.patch.dict(os.environ, {**clean, "OPENAI_API_KEY": KEY}, clear=True),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        code = campaign.judge("lying servers", case, lambda: main(words), LONGEST)
    if time.monotonic() - begun > LONGEST:
        campaign.add("lying servers", "hang", case, "too long")
    if code == 0:
        found = read_table(place / "restored").values
        if found.keys() != texts.keys():
            campaign.add("lying servers", "silent drop", case, "lines are missing")
    for path in (p for p in place.rglob("*") if p.is_file()):
        content = path.read_bytes()
        if KEY.encode() in content:
            campaign.add("lying servers", "escaped", case, f"the key in {path.name}")
        if path.suffix == ".html" and b"<script>alert" in content:
            campaign.add("lying servers", "executed", case, path.name)
    if KEY in said.getvalue():
        campaign.add("lying servers", "escaped", case, "the key in what is said")
