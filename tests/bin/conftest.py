"""Fixtures of the commands' tests."""

import logging

import pytest


@pytest.fixture(autouse=True)
def logging_as_before():
    """Take back what a command does to the root logger."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
