"""Settings of the recipes' processes."""

import os
import sys

import pytest

from tests.recipes.fork_server import forking_python


@pytest.fixture(scope="package", autouse=True)
def _compiled_modules(tmp_path_factory):
    """Let recipes keep compiled modules: a start takes half the time then."""
    name = "PYTHONDONTWRITEBYTECODE"
    if not sys.dont_write_bytecode or name not in os.environ:
        yield
        return
    before = os.environ.pop(name)
    os.environ["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.mktemp("compiled"))
    yield
    os.environ[name] = before
    del os.environ["PYTHONPYCACHEPREFIX"]


@pytest.fixture(scope="package")
def forked_python(_compiled_modules, tmp_path_factory):
    """An interpreter that starts at once; what it runs outlives a killed recipe."""
    with forking_python(tmp_path_factory.mktemp("python")) as client:
        yield client
