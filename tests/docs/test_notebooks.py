"""The notebooks run from top to bottom, offline, with the model of the package."""

import time

import nbformat
import pytest
from nbclient import NotebookClient

from tests.docs.pages import DOCS, name

NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=name)


def test_both_are_there():
    assert [path.stem for path in NOTEBOOKS] == ["a_new_voice", "first_words"]


@each_notebook
def test_it_is_kept_without_outputs(path):
    """They are made when the site is built: none can be out of date."""
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@each_notebook
def test_it_runs(path, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("STTATTS_MODEL", raising=False)
    notebook = nbformat.read(path, 4)
    resources = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(
        notebook, timeout=240, startup_timeout=240, resources=resources
    )
    began = time.monotonic()
    client.execute()
    print(f"{path.name}: {time.monotonic() - began:.0f} s")
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    shown = [out["data"] for out in outputs if "data" in out]
    assert any("image/png" in data for data in shown)
    assert any("<audio" in data.get("text/html", "") for data in shown)
