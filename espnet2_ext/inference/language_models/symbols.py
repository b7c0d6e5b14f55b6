"""The model's symbols among those of a language model.

ESPnet's language models have one symbol for start and end, their last; ours have
``</s>`` there.  All others are found by their names, so that the lists may differ in
order and length.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from espnet2_ext.sttatts.symbols import EOS, FIRST_SYMBOLS, LAST_SYMBOLS
from espnet2_ext.text.tokens import SPACE

SPACES = (SPACE, "<space>")
"""The visible space, here and in ESPnet's lists of characters."""

UNKNOWN = ("<unk>", "<UNK>")
FEWEST_KNOWN = 0.5
"""A smaller share of known symbols means that the models do not belong together."""


def places_in(names: Sequence[str], tokens: Sequence[str], source: object) -> Tensor:
    """Find the model's tokens in a language model.

    Args:
        names: symbols of the language model, by identity; the last one is start and
            end.
        tokens: token list of the model.
        source: Where the language model is, for messages.

    Returns:
        (V,) identity in the language model of each of our tokens; those it does not
        know share its unknown symbol.

    Raises:
        ValueError: it knows too few of the tokens, or has no unknown symbol for them.
    """
    known = {name: place for place, name in enumerate(names)}
    space = next((name for name in SPACES if name in known), SPACE)
    unknown = next((known[name] for name in UNKNOWN if name in known), None)
    places, lost = [], []
    special = {*FIRST_SYMBOLS, *LAST_SYMBOLS}
    for token in tokens:
        place = known.get(space if token == SPACE else token, unknown)
        if place == unknown and token not in special:
            lost.append(token)
        places.append(0 if place is None else place)
    ordinary = len(tokens) - len(special)
    if len(lost) > (1 - FEWEST_KNOWN) * ordinary or (lost and unknown is None):
        shown = " ".join(lost[:10]) + (" …" if len(lost) > 10 else "")
        raise ValueError(
            f"{source}: the language model lacks {len(lost)} of the model's {ordinary} "
            f"symbols ({shown}); train it on texts cut into this model's tokens "
            "(python -m tools.recipe.lm_text)"
        )
    places[EOS] = len(names) - 1
    return torch.tensor(places)
