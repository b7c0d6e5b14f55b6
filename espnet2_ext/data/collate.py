"""Padding of a batch to lengths that repeat."""

from collections.abc import Collection

import numpy as np
import torch.nn.functional as F
from espnet2.train.collate_fn import CommonCollateFn
from torch import Tensor

from espnet2_ext.data.buckets import LengthBuckets
from espnet2_ext.data.names import LANGUAGES, VECTORS
from espnet2_ext.sttatts.symbols import PAD


class TaskCollate:
    """ESPnet's collation, then padding up to the next bucket."""

    def __init__(self, speech: LengthBuckets | None, text: LengthBuckets | None):
        """Choose the allowed lengths of waves and of texts; None pads no further."""
        self.buckets = {"speech": speech, "target": speech, "text": text}
        vectors = [name for names in VECTORS.values() for name in names]
        self.common = CommonCollateFn(
            float_pad_value=0.0,
            int_pad_value=PAD,
            not_sequence=[*vectors, *LANGUAGES.values()],
        )

    def __call__(
        self, data: Collection[tuple[str, dict[str, np.ndarray]]]
    ) -> tuple[list[str], dict[str, Tensor]]:
        """Make a batch.

        Args:
            data: (utterance id, arrays by name) of each row.

        Returns:
            The ids, and (B, …) tensors by name with ``<name>_lengths`` (B,).
        """
        ids, batch = self.common(data)
        for name, value in batch.items():
            buckets = self.buckets.get(name.split("_", 1)[1])
            if buckets is not None:
                missing = buckets.ceil(value.size(1)) - value.size(1)
                pad = 0 if value.is_floating_point() else PAD
                batch[name] = F.pad(value, (0, missing), value=pad)
        return ids, batch
