"""Writes the pages of ``reference/commands``: every option, from each command's help.

Commands are found, not listed: each module with an ``if __name__ == "__main__"`` in the
folders of :data:`FOLDERS` that answers ``--help``, and each ``run.sh``.
"""

import contextlib
import io
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PAGES = DOCS / "reference" / "commands"
FOLDERS = {"espnet2_ext": "Commands", "tools": "Tools", "local": "Corpora"}
"""Folders with commands, and the headings that their pages come under."""
MAIN = 'if __name__ == "__main__":'
LISTED = re.compile(r"^  COMMAND.*\n((?:    .*\n?)+)", re.MULTILINE)
NAME = re.compile(r"^    ([a-z][\w-]*)", re.MULTILINE)
SETTINGS = {"COLUMNS": "88", "NO_COLOR": "1"}


def setup(app) -> dict[str, bool]:
    """Have Sphinx write the pages before it reads any."""
    app.connect("builder-inited", lambda _: write_pages())
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def modules(folder: str) -> list[str]:
    """Names of the modules of a folder that are commands."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    found = [path for path in paths if MAIN in path.read_text("utf-8")]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in found]


def help_of(module: str, *words: str) -> str:
    """Run ``python -m module words --help`` in this process, and return what it prints.

    Raises:
        RuntimeError: it does anything else than to print its help.
    """
    printed = io.StringIO()
    name = module.removesuffix(".__main__")
    argv = [f"python -m {name}", *words, "--help"]
    with (
        contextlib.redirect_stdout(printed),
        patch.object(sys, "argv", argv),
        patch.dict(os.environ, SETTINGS),
    ):
        try:
            runpy.run_module(name, run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise RuntimeError(f"{' '.join(argv)} fails: {end.code}") from end
    text = printed.getvalue()
    if not text.strip():
        raise RuntimeError(f"{' '.join(argv)} prints nothing")
    return text.replace(str(Path.home()), "~").replace(str(ROOT), ".")


def subcommands(text: str) -> list[str]:
    """Names of the commands that a help text lists below ``COMMAND``."""
    listed = LISTED.search(text)
    return NAME.findall(listed[1]) if listed else []


def page(module: str) -> str:
    """The page of a command, with a section for each of its own commands."""
    text = help_of(module)
    parts = [f"# {title(module)}\n\n", block(text)]
    for name in subcommands(text):
        parts += [f"\n## {name}\n\n", block(help_of(module, name))]
    return "".join(parts)


def title(module: str) -> str:
    """What one types to run a module."""
    if module == "espnet2_ext.bin.sttatts":
        return "sttatts"
    return f"python -m {module.removesuffix('.__main__')}"


def block(text: str) -> str:
    """Show text as it is."""
    return f"````text\n{text.rstrip()}\n````\n"


def recipe_pages() -> Iterator[tuple[str, str]]:
    """Name and content of the pages of the recipes."""
    for script in sorted(ROOT.glob("egs2/*/*/run.sh")):
        place = script.relative_to(ROOT)
        done = subprocess.run(
            [script, "--help"], capture_output=True, text=True, check=True
        )
        yield f"recipe_{place.parts[1]}", f"# {place}\n\n{block(done.stdout)}"


def write_pages() -> None:
    """Write all pages; those whose content is the same are left alone."""
    groups = {
        heading: [
            (module.replace(".", "_"), page(module)) for module in modules(folder)
        ]
        for folder, heading in FOLDERS.items()
    }
    groups["Recipes"] = list(recipe_pages())
    index = [
        "# Every option of every command\n",
        "Made from the commands' own `--help` when this site was built.\n",
    ]
    wanted = {}
    for heading, pages in groups.items():
        wanted |= dict(pages)
        if pages:
            names = "\n".join(name for name, _ in pages)
            index.append(
                f"```{{toctree}}\n:caption: {heading}\n:maxdepth: 2\n\n{names}\n```\n"
            )
    wanted["index"] = "\n".join(index)
    PAGES.mkdir(parents=True, exist_ok=True)
    for path in PAGES.glob("*.md"):
        if path.stem not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = PAGES / f"{name}.md"
        if not path.is_file() or path.read_text("utf-8") != content:
            path.write_text(content, "utf-8")
