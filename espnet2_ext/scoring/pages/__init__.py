"""Web pages: one renderer, one set of colours, and what stands on each page.

::

    style.css, base.html    how all of them look
    errors.py               the worst utterances of recognition, word above word

The programs in ``tools`` use them, too.
"""

from pathlib import Path


def render(template: str, folder: Path | None = None, **content: object) -> str:
    """Fill in a template of ``folder`` or of this one; whatever texts hold stays text.

    Raises:
        ImportError: jinja2 is not installed.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader([folder or here, here]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["marked"] = marked
    return environment.get_template(template).render(content)


def marked(line: str) -> tuple[int, list[tuple[bool, str]]]:
    """Read a line of a Markdown list: indentation, and parts, of which some are code.

    >>> marked("    - a `b` c")
    (1, [(False, 'a '), (True, 'b'), (False, ' c')])
    """
    indent = (len(line) - len(line.lstrip())) // 4
    parts = line.strip().removeprefix("- ").split("`")
    return indent, [(i % 2 == 1, part) for i, part in enumerate(parts) if part]
