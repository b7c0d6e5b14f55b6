"""Every error about a missing package names a command that works."""

import configparser
import re
from pathlib import Path

from espnet2_ext.io.extras import CHECKOUT, how_to_install

SOURCES = sorted((CHECKOUT / "espnet2_ext").rglob("*.py"))
CALL = re.compile(r"how_to_install\(\s*['\"](\w+)['\"]\s*\)")


def extras() -> dict[str, str]:
    config = configparser.ConfigParser()
    config.read(CHECKOUT / "setup.cfg")
    return dict(config["options.extras_require"])


def test_the_extras_exist_and_are_in_the_instructions():
    named = {name for path in SOURCES for name in CALL.findall(path.read_text("utf-8"))}
    assert len(named) >= 6
    assert named <= extras().keys()
    for name in named:
        assert f"EXTRAS={name} make env" in how_to_install(name)


def test_nobody_is_sent_to_an_index_that_lacks_the_project():
    for path in SOURCES:
        assert "pip install espnet2" not in path.read_text("utf-8"), path
        assert "pip install 'espnet2" not in path.read_text("utf-8"), path


def test_what_is_named_is_in_the_extra():
    """The packages whose absence the code explains, and the extra it names."""
    wanted = {
        "cluster": ["dask", "distributed"],
        "demo": ["resemblyzer"],
        "export": ["protobuf"],
        "restore": ["openai"],
        "scoring": [
            "jiwer",
            "rapidfuzz",
            "faster-whisper",
            "speechmos",
            "distillmos",
            "krippendorff",
            "transformers",
        ],
        "speakers": ["speechbrain"],
        "vocoder": ["parallel_wavegan==0.6.1", "h5py"],
    }
    for name, packages in wanted.items():
        assert {*packages} <= {*extras()[name].split()}, name


def test_the_checkout_is_named(monkeypatch, tmp_path):
    assert str(CHECKOUT) in how_to_install("scoring")
    monkeypatch.setattr("espnet2_ext.io.extras.CHECKOUT", Path(tmp_path))
    assert "in the project's checkout type" in how_to_install("scoring")
