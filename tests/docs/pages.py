"""What the written pages name: links, paths of the repository, modules."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GENERATED = ("_build", "reference/commands", "reference/modules")

FENCE = re.compile(r"^(`{3,})(.*)\n(?:.*\n)*?\1 *$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
TOP = ("espnet2_ext", "egs2", "local", "conf", "tools", "tests", "docs", "scripts")
PATH = re.compile(rf"(?<![\w/.-])(?:{'|'.join(TOP)})/[\w./*-]+")
MODULE = re.compile(r"(?<![\w/.-])(?:espnet2_ext|local|tools)(?:\.[a-z_]\w*)+")
MADE = re.compile(r"(?<!espnet2_ext)(?<!tests)/(exp|dump|data|downloads|_build|mine)/")
"""Folders that only a run makes, or a reader of a tutorial."""


def written() -> list[Path]:
    """Every page that is written by hand, notebooks included."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    pages += sorted(ROOT.glob("egs2/*/*/README.md"))
    for path in sorted([*DOCS.rglob("*.md"), *DOCS.rglob("*.ipynb")]):
        place = path.relative_to(DOCS).as_posix()
        if not place.startswith(GENERATED):
            pages.append(path)
    return pages


def name(path: Path) -> str:
    """What a page is called in the output of tests."""
    return path.relative_to(ROOT).as_posix()


def links(page: Path) -> list[Path]:
    """Files of the repository that a page links to, but for those the site makes."""
    text = FENCE.sub("", page.read_text("utf-8"))
    found = [target.partition("#")[0] for target in LINK.findall(text)]
    files = [(page.parent / t).resolve() for t in found if t and "://" not in t]
    made = [DOCS / place for place in GENERATED]
    return [file for file in files if not any(file.is_relative_to(m) for m in made)]


def paths(text: str) -> list[str]:
    """Paths of the repository in code, as the text has them."""
    found = [path.rstrip("./") for path in PATH.findall(text)]
    return [path for path in found if not MADE.search(f"{path}/")]


def modules(text: str) -> list[str]:
    """Dotted names in the repository's packages."""
    return MODULE.findall(text)
