"""A model's server, and an environment with a key and nothing else."""

import os

import pytest

from tests.tools.restoration.model_server import serve

KEY = "sk-test-0123456789abcdef"


def clean(monkeypatch):
    """No proxies, no settings of a model service but a key."""
    for name in list(os.environ):
        if name.upper().startswith("OPENAI_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def clean_environment(monkeypatch):
    clean(monkeypatch)


@pytest.fixture
def server(monkeypatch):
    """A server that restores every line, until a test tells it otherwise."""
    clean(monkeypatch)
    with serve() as model:
        yield model
