"""Decoded weights that are kept as long as they fit."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from apr.quant.blocks import Affine


class Kept:
    """Decoded matrices by key; the least recently used ones make room.

    Attributes:
        limit: bytes kept at most; one that is larger alone is not kept.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._entries: OrderedDict[Hashable, Affine] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, make: Callable[[], Affine]) -> Affine:
        """The decoded form, or what `make` makes now."""
        if key in self._entries:
            self._entries.move_to_end(key)
            return self._entries[key]
        made = make()
        if _nbytes(made) <= self.limit:
            self._entries[key] = made
            self._bytes += _nbytes(made)
        while self._bytes > self.limit:
            _, dropped = self._entries.popitem(last=False)
            self._bytes -= _nbytes(dropped)
        return made


def _nbytes(parts: Affine) -> int:
    return parts.scaled.nbytes + (0 if parts.minimum is None else parts.minimum.nbytes)
