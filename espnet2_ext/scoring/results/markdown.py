"""Words of other people on a page of Markdown: nothing in them is obeyed."""

import re


def plain(text: object) -> str:
    """Make a text part of a line or a cell: no HTML, no further lines or cells.

    >>> plain("a <b>")
    'a &lt;b>'
    """
    line = " ".join(str(text).splitlines())
    return line.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def code(text: object) -> str:
    """Show a text as code, in more backticks than it holds one after the other.

    >>> code("a"), code("a`b")
    ('`a`', '`` a`b ``')
    """
    line = " ".join(str(text).splitlines())
    runs = [len(run) for run in re.findall("`+", line)]
    if not runs:
        return f"`{line}`"
    marks = "`" * (max(runs) + 1)
    return f"{marks} {line} {marks}"
