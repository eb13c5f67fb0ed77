"""Keys and values of the positions that were run before, so that the next pass does not compute them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.stages import StageKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.capture import Array


def kv_cache_bytes(positions: int, n_layers: int, kv_width: int, element: int) -> int:
    """Bytes of the keys and values of a text: one row of keys and one of values for each position of each layer.

    Args:
        positions: of the text.
        n_layers: layers with attention.
        kv_width: columns of all key heads together; the values are as wide.
        element: bytes of one number.
    """
    return 2 * n_layers * positions * kv_width * element


class _Rows:
    """Rows that are added one pass at a time; room is doubled, so that adding n of them costs n and not n squared."""

    def __init__(self) -> None:
        self._room: Array | None = None
        self._used = 0

    def add(self, rows: Array) -> None:
        end = self._used + len(rows)
        if self._room is None or end > len(self._room):
            grown = np.empty((max(16, 2 * end), rows.shape[1]), rows.dtype)
            if self._room is not None:
                grown[: self._used] = self._room[: self._used]
            self._room = grown
        self._room[self._used : end] = rows
        self._used = end

    def all(self) -> Array | None:
        return None if self._room is None else self._room[: self._used]

    @property
    def nbytes(self) -> int:
        held = self.all()
        return 0 if held is None else held.nbytes

    @property
    def room(self) -> int:
        return 0 if self._room is None else self._room.nbytes


class KvCache:
    """Keys after rotation and values, for every layer of one text."""

    def __init__(self, n_layers: int) -> None:
        self._keys = [_Rows() for _ in range(n_layers)]
        self._values = [_Rows() for _ in range(n_layers)]
        self._positions = [np.empty(0, np.intp) for _ in range(n_layers)]

    def __len__(self) -> int:
        """Positions that every layer holds."""
        return min(len(positions) for positions in self._positions)

    @property
    def nbytes(self) -> int:
        """Bytes of the keys and values that are held: `kv_cache_bytes` of as many positions."""
        return sum(rows.nbytes for rows in (*self._keys, *self._values))

    @property
    def room(self) -> int:
        """Bytes that keys and values have been given, those that are not used yet among them."""
        return sum(rows.room for rows in (*self._keys, *self._values))

    def past(self, layer: int) -> dict[StageKey, Array]:
        """What `attention` reads of the passes before: `past_keys`, `past_values`, `past_positions`; nothing in the first."""
        keys, values = self._keys[layer].all(), self._values[layer].all()
        if keys is None or values is None:
            return {}
        return {
            StageKey("past_keys", layer): keys,
            StageKey("past_values", layer): values,
            StageKey("past_positions", layer): self._positions[layer].astype(np.float64),
        }

    def add(self, layer: int, keys: Array, values: Array, positions: NDArray[np.intp]) -> None:
        """Keeps a pass's own.

        Args:
            layer: which.
            keys: [positions, key width], rotated.
            values: [positions, key width].
            positions: [positions].
        """
        self._keys[layer].add(keys)
        self._values[layer].add(values)
        self._positions[layer] = np.concatenate([self._positions[layer], positions])
