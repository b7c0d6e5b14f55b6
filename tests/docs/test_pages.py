"""The pages name only what exists; the README is short and says how to begin."""

import importlib.util
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, links, modules, name, paths, written

PAGES = written()
each_page = pytest.mark.parametrize("page", PAGES, ids=name)


def exists(dotted: str) -> bool:
    """Is it a module, or a name in one?"""
    parts = dotted.split(".")
    for size in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:size])
        if place.is_dir() and size == len(parts):
            return True
        if place.with_suffix(".py").is_file():
            source = place.with_suffix(".py").read_text("utf-8")
            return all(part in source for part in parts[size:])
        if (place / "__init__.py").is_file():
            source = (place / "__init__.py").read_text("utf-8")
            return all(part in source for part in parts[size:])
    return False


@each_page
def test_links_lead_somewhere(page: Path):
    for file in links(page):
        assert file.exists(), file


@each_page
def test_paths_exist(page: Path):
    for path in paths(page.read_text("utf-8")):
        places = (path, f"egs2/*/*/{path}")  # Of the project, or of a recipe.
        assert any(list(ROOT.glob(place)) for place in places), path


@each_page
def test_modules_exist(page: Path):
    if page.name == "CHANGELOG.md":
        return  # It speaks of what was, too.
    for module in modules(page.read_text("utf-8")):
        assert exists(module), module


def test_a_missing_module_is_seen():
    assert exists("espnet2_ext.sttatts.espnet_model")
    assert exists("espnet2_ext.STTATTS")
    assert not exists("espnet2_ext.no_such_module")
    assert not exists("espnet2_ext.sttatts.espnet_model.NoSuchClass")


def test_the_readme_is_short_and_says_how_to_begin():
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 120
    assert "\nmake demo " in text
    assert "\nmake test " in text


def test_every_written_page_is_in_the_site():
    """Sphinx looks as well; this says it without building."""
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    for page in PAGES:
        if page.is_relative_to(ROOT / "docs") and page.name != "index.md":
            place = page.relative_to(ROOT / "docs").with_suffix("").as_posix()
            assert f"\n{place}\n" in index, place


def test_every_package_is_in_the_picture():
    picture = (ROOT / "docs" / "images" / "pieces.svg").read_text("utf-8")
    for place in (ROOT / "espnet2_ext").iterdir():
        if (place / "__init__.py").is_file() or place.suffix == ".py":
            assert place.name == "__init__.py" or f">{place.name}<" in picture, place


def test_the_site_can_be_built_here():
    """The packages of the extra ``docs`` come with those of ``test``."""
    for package in ("sphinx", "furo", "myst_nb", "nbclient"):
        assert importlib.util.find_spec(package), package
