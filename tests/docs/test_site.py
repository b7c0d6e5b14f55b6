"""The site builds from what is here, without the network, and without a warning.

A warning is a link that leads nowhere, a page that no list names, a docstring that
cannot be read, or a command that does not answer ``--help``.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.docs.pages import DOCS, ROOT

sys.path.insert(0, str(DOCS))
import command_pages


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    options = ["-q", "-W", "--keep-going", "-j", "auto", "-D", "nb_execution_mode=off"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(DOCS), str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        cwd=ROOT,
    )
    shutil.rmtree(folder / ".doctrees", ignore_errors=True)
    assert done.returncode == 0, done.stderr[-6000:]
    return folder


@pytest.mark.timeout(900)  # Every module is imported, every command asked.
def test_it_builds_without_a_warning(site):
    assert (site / "index.html").is_file()
    assert (site / "_images" / "pieces.svg").is_file()


def test_it_fetches_nothing(site):
    """No page loads a script, style, font or image from another place."""
    loads = re.compile(r"<(?:script|img|iframe)[^>]*\bsrc=\"(?:https?:)?//[^\"]*\"")
    styles = re.compile(r"<link[^>]*rel=\"stylesheet\"[^>]*href=\"(?:https?:)?//[^\"]*")
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert not loads.search(text), page
        assert not styles.search(text), page


def test_every_command_has_its_options(site):
    page = site / "reference" / "commands"
    assert "--beam-size" in (page / "espnet2_ext_bin_sttatts.html").read_text()
    assert "--mix_mode" in (page / "espnet2_ext_bin_sttatts_train.html").read_text()
    assert "--predict_mos" in (page / "espnet2_ext_bin_sttatts_score.html").read_text()
    assert "--from_scratch" in (page / "recipe_mini_prompts.html").read_text()
    assert "--corpus-dir" in (page / "local_ljspeech.html").read_text()


def test_every_argument_of_the_interface_is_there(site):
    page = (site / "reference" / "python.html").read_text()
    for word in ("beam_size", "ctc_weight", "prenet_dropout", "maxlenratio", "nbest"):
        assert word in page, word


HELP = """\
usage: x [-h] COMMAND ...

positional arguments:
  COMMAND
    asr                 error rates
    compare_asr         which of two
                        is better

options:
  -h, --help            show this
"""


def test_commands_of_commands_are_found():
    assert command_pages.subcommands(HELP) == ["asr", "compare_asr"]
    assert command_pages.subcommands(HELP.replace("  COMMAND\n", "")) == []
