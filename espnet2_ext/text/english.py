"""English text as the paper trains on it."""

import re
import unicodedata

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'"})


def normalize_english(text: str) -> str:
    """Lower-case, drop punctuation except apostrophes inside words, join spaces.

    The paper removes punctuation and lower-cases (section 4.1); LibriSpeech's
    transcripts keep the apostrophe, so it stays.

    >>> normalize_english("Don't -- “Stop”, said Mr. O’Neil!")
    "don't stop said mr o'neil"
    """
    text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    text = re.sub(r"[^\w\s']|_", " ", text)
    text = re.sub(r"(?<!\w)'|'(?!\w)", " ", text)
    return " ".join(text.split())
