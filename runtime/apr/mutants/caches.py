"""Faults of the cache of keys and values: it keeps more, or less, than it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apr.models.cache import KvCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.capture import Array


@dataclass(frozen=True)
class CacheMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        make: a faulty cache for so many layers.
        stage, layer: where it has to be found: in what a pass leaves behind.
    """

    name: str
    fault: str
    make: Callable[[int], KvCache]
    stage: str = "in_a_pass"
    layer: int | None = None


class _Wide(KvCache):
    def add(self, layer: int, keys: Array, values: Array, positions: NDArray[np.intp]) -> None:
        super().add(layer, keys.astype(np.float64), values.astype(np.float64), positions)


class _WithoutLast(KvCache):
    def __init__(self, n_layers: int) -> None:
        super().__init__(n_layers)
        self._last = n_layers - 1

    def add(self, layer: int, keys: Array, values: Array, positions: NDArray[np.intp]) -> None:
        if layer != self._last:
            super().add(layer, keys, values, positions)


_ALL = [
    CacheMutant("cache-keeps-float64", "rows are kept in float64", _Wide),
    CacheMutant("cache-forgets-the-last-layer", "the last layer keeps nothing", _WithoutLast),
]

MUTANTS = {mutant.name: mutant for mutant in _ALL}
