"""The model that comes with the package.

``english.zip`` is what stage 14 of ``egs2/mini_librispeech/sttatts1`` packs: weights,
tokens, speakers and a card with data, licences, scores and limits.
"""

from pathlib import Path

SHIPPED = Path(__file__).with_name("english.zip")
"""Used where no model is named."""
