"""Give one command several times in one process, which loads the software only once.

    python -m espnet2_ext.bin.for_each COMMAND WORDS ::: WORDS ::: WORDS

The words before the first ':::' are common to all; each ':::' begins the further words
of one time. COMMAND is a module of espnet2_ext.bin. The first failure ends the run.
"""

import sys
from importlib import import_module
from importlib.util import find_spec

SEPARATOR = ":::"


def main(argv: list[str] | None = None) -> int:
    """Run the command for each group of words; the exit code of the last one."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    module = f"espnet2_ext.bin.{words[0]}"
    if not words[0].isidentifier() or find_spec(module) is None:
        print(f"for_each: '{words[0]}' is no command; see --help", file=sys.stderr)
        return 2
    command = import_module(module).main
    common, *groups = split(words[1:])
    for group in groups:
        if code := command([*common, *group]):
            return code
    return 0


def split(words: list[str]) -> list[list[str]]:
    """Words between separators.

    >>> split(["a", ":::", "b", "c", ":::"])
    [['a'], ['b', 'c'], []]
    """
    parts: list[list[str]] = [[]]
    for word in words:
        if word == SEPARATOR:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


if __name__ == "__main__":
    sys.exit(main())
