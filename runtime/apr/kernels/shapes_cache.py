"""What the keys and values of a text take, by the formula and in the runtime's own cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.models import cache
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_FLOATS = {2: np.float16, 4: np.float32, 8: np.float64}


def kv_cache_bytes(positions: int, layers: int, kv_heads: int, head_dim: int, element: int) -> NDArray[np.int64]:
    """Bytes of the keys and values of `positions` positions, `element` bytes a number: [] int64."""
    return np.asarray(cache.kv_cache_bytes(positions, layers, kv_heads * head_dim, element), np.int64)


def _passes(first: int, positions: int) -> Iterator[range]:
    """A prompt of `first` positions, then one at a time."""
    yield range(first)
    for position in range(first, positions):
        yield range(position, position + 1)


def kv_cache_held(
    first: int, positions: int, layers: int, kv_heads: int, head_dim: int, element: int
) -> NDArray[np.int64]:
    """Bytes that the runtime's cache holds after a prompt and single positions, and bytes that it has room for: [2] int64.

    Args:
        first: positions of the prompt, at most `positions`.
        positions: of the whole text.
        layers: with keys and values of their own.
        kv_heads: key heads of a layer.
        head_dim: columns of a head.
        element: bytes of one number: 2, 4 or 8.
    """
    held = cache.KvCache(layers)
    for part in _passes(first, positions):
        rows = np.zeros((len(part), kv_heads * head_dim), _FLOATS[element])
        for layer in range(layers):
            held.add(layer, rows, rows, np.asarray(part, np.intp))
    return np.asarray([held.nbytes, held.room], np.int64)


def kv_cache_rows(x: NDArray[np.float32], first: int) -> NDArray[np.float32]:
    """The keys that the runtime's cache gives back after [positions, width] keys came as a prompt of `first` and then singly."""
    held = cache.KvCache(1)
    for part in _passes(first, len(x)):
        rows = x[part.start : part.stop]
        held.add(0, rows, -rows, np.asarray(part, np.intp))
    return np.asarray(held.past(0)[StageKey("past_keys", 0)], np.float32)
