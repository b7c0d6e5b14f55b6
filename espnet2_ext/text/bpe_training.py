"""Train a SentencePiece model on the texts of a recipe."""

import io
import re
from collections.abc import Iterable
from pathlib import Path

from espnet2_ext.io.files import replacing

MODES = ("unigram", "bpe")


def train_pieces(texts: Iterable[str], size: int, mode: str, path: Path) -> None:
    """Write a SentencePiece model.

    Args:
        texts: after cleaning.
        size: of its vocabulary, the unknown piece among it.
        mode: ``unigram`` or ``bpe``.
        path: of the model; the file is whole or unchanged.

    Raises:
        ValueError: texts that cannot fill a vocabulary of this size.
    """
    from sentencepiece import SentencePieceTrainer

    written = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=written,
            vocab_size=size,
            model_type=mode,
            character_coverage=1.0,
            unk_id=0,
            bos_id=-1,  # The token list has its own.
            eos_id=-1,
            minloglevel=2,
        )
    except RuntimeError as error:
        at_most = re.search(r"value <= (\d+)", str(error))
        cure = f"give at most {at_most[1]}" if at_most else str(error).strip()
        raise ValueError(
            f"{size} pieces are too many for these texts: {cure}"
        ) from None
    with replacing(path) as file:
        file.write(written.getvalue())
