"""Token identities of SpeechT5's dictionary layout.

``<s> <pad> </s> <unk>``, then the characters, then ``<mask>`` and ``<ctc_blank>``
as the last two.  This is fairseq's order, not ESPnet's; checkpoints depend on it.
"""

from collections import Counter
from collections.abc import Sequence

BOS, PAD, EOS, UNK = 0, 1, 2, 3
FIRST_SYMBOLS = ("<s>", "<pad>", "</s>", "<unk>")
LAST_SYMBOLS = ("<mask>", "<ctc_blank>")


def build_token_list(characters: Sequence[str]) -> list[str]:
    """Put ``characters`` between the special symbols.

    Raises:
        ValueError: a special or repeated symbol among ``characters``.
    """
    tokens = [*FIRST_SYMBOLS, *characters, *LAST_SYMBOLS]
    check_token_list(tokens)
    return tokens


def check_token_list(tokens: Sequence[str]) -> None:
    """Make sure that special symbols sit where the model expects them.

    Raises:
        ValueError: says which symbol is wrong and what was expected.
    """
    if not isinstance(tokens, list | tuple):
        raise ValueError(
            f"the token list is no list of symbols, but of type {type(tokens).__name__}"
        )
    odd = [token for token in tokens if not isinstance(token, str)]
    if odd:
        raise ValueError(
            f"{len(odd)} symbols of the token list are not texts (in YAML they need "
            f"quotes), such as one of type {type(odd[0]).__name__}"
        )
    start, end = tuple(tokens[:4]), tuple(tokens[-2:])
    if start != FIRST_SYMBOLS or end != LAST_SYMBOLS:
        raise ValueError(
            f"the token list must start with {FIRST_SYMBOLS} and end with "
            f"{LAST_SYMBOLS}; it starts with {start} and ends with {end}"
        )
    repeated = sorted(token for token, n in Counter(tokens).items() if n > 1)
    if repeated:
        raise ValueError(f"symbols repeated in the token list: {repeated[:10]}")


def mask_id(vocabulary_size: int) -> int:
    """Identity of ``<mask>``."""
    return vocabulary_size - 2


def blank_id(vocabulary_size: int) -> int:
    """Identity of ``<ctc_blank>``."""
    return vocabulary_size - 1
