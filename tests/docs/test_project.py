"""What the project says of itself agrees: version, citation, requirements."""

import configparser
import re
from importlib.metadata import version

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import espnet2_ext
from tests.docs.pages import ROOT

NAME = "espnet2-ext-sttatts"


@pytest.fixture(scope="module")
def config():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def lines(text: str) -> list[str]:
    found = [line.partition("#")[0].strip() for line in text.splitlines()]
    return [line for line in found if line]


def constraints() -> dict[str, str]:
    pinned = {}
    for line in lines((ROOT / "constraints.txt").read_text()):
        requirement = Requirement(line)
        (only,) = requirement.specifier
        assert only.operator == "==", line
        pinned[canonicalize_name(requirement.name)] = only.version
    return pinned


def requirements(config) -> list[Requirement]:
    found = lines(config["options"]["install_requires"])
    for extra in config["options.extras_require"].values():
        found += lines(extra)
    return [Requirement(line) for line in found]


# ---- version and citation ------------------------------------------------------------


def test_the_version_is_in_one_place(config):
    assert espnet2_ext.__version__ == config["metadata"]["version"] == version(NAME)


def test_the_changelog_begins_with_the_version(config):
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    numbers = re.findall(r"^## (\d[\d.]*) - (\d{4}-\d{2}-\d{2})$", text, re.MULTILINE)
    assert numbers[0][0] == config["metadata"]["version"]
    assert numbers == sorted(numbers, reverse=True)


def test_the_citation_names_software_and_paper():
    content = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert content["cff-version"] == "1.2.0"
    assert content["title"] == "STTATTS for ESPnet2"
    assert content["license"] == "Apache-2.0"
    paper = content["preferred-citation"]
    assert [author["family-names"] for author in paper["authors"]] == [
        "Toyin",
        "Li",
        "Aldarmaki",
    ]
    assert paper["year"] == 2024
    assert "2410.18607" in paper["url"]
    assert "version" not in content  # setup.cfg has it.


# ---- requirements --------------------------------------------------------------------


def test_constraints_have_a_version_of_everything(config):
    pinned = constraints()
    for requirement in requirements(config):
        if requirement.name != NAME:
            place = canonicalize_name(requirement.name)
            assert place in pinned, requirement
            assert requirement.specifier.contains(pinned[place]), requirement


def test_torch_and_torchaudio_are_a_pair():
    pinned = constraints()
    assert pinned["torch"].split(".")[:2] == pinned["torchaudio"].split(".")[:2]


def test_pip_needs_nothing_but_the_index(config):
    """Plain ``pip install .[demo]`` works: no addresses, no settings of uv."""
    for requirement in requirements(config):
        assert requirement.url is None, requirement
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.+]+", line), line
    for name in ("torch", "torchaudio"):
        (found,) = {str(r.specifier) for r in requirements(config) if r.name == name}
        assert "<" in found  # A newer pair than the tested ones is not taken.


def test_an_extra_names_extras_that_exist(config):
    extras = config["options.extras_require"]
    for requirement in requirements(config):
        if requirement.name == NAME:
            assert requirement.extras <= set(extras), requirement


def test_every_override_has_its_reason_beside_it():
    """A comment stands right above each setting of uv.toml that changes a package."""
    content = (ROOT / "uv.toml").read_text().split("\n\n")
    settings = [part for part in content if not part.startswith("# Settings for uv")]
    assert len(settings) >= 3
    for part in settings:
        assert part.startswith("#"), part
