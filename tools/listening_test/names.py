"""Names and numbers that page, key and scores share."""

from typing import Final

KEY = "key.json"
FORMAT: Final = 1
"""Version of the key and of the exported answers."""

CRITERIA = ("naturalness", "intelligibility")
"""What the paper's listeners rated."""

VALUES = tuple(1 + step / 2 for step in range(9))
"""1 to 5 in steps of a half, as in the paper."""

LANGUAGES = ("ar", "en")
"""Of the page: those with a file in ``strings/``."""

REFERENCE_MIN = 4.0
"""Natural speech should get the best value; a rater may be one point off, as with the
gold questions of ITU-T P.808.  Raters whose mean is lower are named."""
