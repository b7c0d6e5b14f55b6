"""What searches do to the caches of the decoder's layers between two steps."""

from torch import Tensor

from espnet2_ext.sttatts.decoder import LayerCache
from espnet2_ext.sttatts.layers import KeyValue


def keep_rows(cache: LayerCache, rows: Tensor, frames: int | None = None) -> LayerCache:
    """Drop the utterances that are done.

    Args:
        cache: of one layer, for U utterances.
        rows: indices of those that stay.
        frames: how many memory frames they still need; all when missing.
    """
    memory = KeyValue(*(x[:, :, :frames].index_select(0, rows) for x in cache.memory))
    if cache.prefix is None:
        return LayerCache(memory)
    prefix = KeyValue(*(x.index_select(0, rows) for x in cache.prefix))
    return LayerCache(memory, prefix)


def keep_positions(cache: LayerCache, positions: Tensor) -> LayerCache:
    """Keep only the ``positions`` (U, n) of the prefix."""
    if cache.prefix is None:
        return cache
    _, heads, _, depth = cache.prefix.key.shape
    index = positions[:, None, :, None].expand(-1, heads, -1, depth)
    prefix = KeyValue(*(x.gather(2, index) for x in cache.prefix))
    return LayerCache(cache.memory, prefix)


def keep_first(cache: LayerCache, count: int) -> LayerCache:
    """Keep the first ``count`` positions of the prefix."""
    if cache.prefix is None:
        return cache
    prefix = KeyValue(*(x[:, :, :count] for x in cache.prefix))
    return LayerCache(cache.memory, prefix, cache.storage)
