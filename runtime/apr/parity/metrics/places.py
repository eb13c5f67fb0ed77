"""The differing elements that are named: the first ones and the ones that differ most."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apr.parity.metrics.difference import Element
from apr.parity.metrics.tiles import SLACK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.parity.metrics.tiles import Tile

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.float64]
    Indices = NDArray[np.intp]

_NONE = np.empty(0, np.intp)
_LOOK = 1 << 12  # flags looked at in one go


class Place(NamedTuple):
    """Where a tile lies in an array.

    Attributes:
        start: index of its first element, in C order.
        stride: from one of its rows to the next.
    """

    start: int
    stride: int


@dataclass
class Places:
    """The first and the greatest differences over tiles that may come in any order.

    Args:
        wanted: how many of each to keep.
    """

    wanted: int
    first: list[Element] = field(default_factory=list)
    top: list[Element] = field(default_factory=list)

    def note(self, a: Floats, b: Floats, tile: Tile, place: Place) -> None:
        """Takes a tile, `a` and `b` being its two sides, [R, W]."""
        if tile.unequal is None or not tile.different:
            return
        if len(self.first) < self.wanted or place.start < self.first[-1].index:
            merged = self.first + [_element(a, b, index, place) for index in _leading(tile.unequal, self.wanted)]
            self.first = sorted(merged, key=lambda element: element.index)[: self.wanted]
        if self.wanted == 1 and self._take_single(a, b, tile, place):
            return
        candidates = self._candidates(tile)
        if candidates.size:
            apart = _distances(a, b, candidates)
            best = _greatest(apart, self.wanted)
            merged = self.top + [_element(a, b, int(candidates[place_]), place) for place_ in best]
            self.top = sorted(merged, key=_worst_first)[: self.wanted]

    def _take_single(self, a: Floats, b: Floats, tile: Tile, place: Place) -> bool:
        """Takes the greatest difference of a tile where only one is wanted; False where that needs more thought.

        The common case, without the costs of the others.
        """
        d, max_rows = tile.d, tile.max_rows
        if d is None or max_rows is None:
            return False
        greatest = float(np.maximum.reduce(max_rows))
        if not greatest > 0:  # NaN is not, either
            return False
        if self.top and greatest * (1 + SLACK) < float(np.float32(self.top[0].abs_diff)):
            return True
        # all that are equally far off in float32: one of them is the furthest in float64
        rows = (max_rows >= greatest * (1 - 2 * SLACK)).nonzero()[0]
        distances = np.absolute(d[rows]).reshape(-1)
        among, columns = np.divmod((distances == np.maximum.reduce(distances)).nonzero()[0], d.shape[1])
        rows = rows[among]
        apart = np.absolute(np.subtract(a[rows, columns], b[rows, columns], dtype=np.float64))
        furthest = int(apart.argmax())  # the first of equals
        element = _element(a, b, int(rows[furthest]) * d.shape[1] + int(columns[furthest]), place)
        self.top = [min([*self.top, element], key=_worst_first)]
        return True

    def _candidates(self, tile: Tile) -> Indices:
        """Which elements of a tile may be among the greatest, by their index in it, rising."""
        d, max_rows, unequal = tile.d, tile.max_rows, tile.unequal
        if d is None or max_rows is None or unequal is None:
            return _NONE
        greatest = float(np.maximum.reduce(max_rows))
        if math.isnan(greatest):
            return np.flatnonzero(unequal)
        cut = 0.0
        if len(self.top) == self.wanted:
            # rounding keeps the order, so nothing that is rounded below the rounded limit is above the limit
            cut = float(np.float32(self.top[-1].abs_diff))
            if math.isnan(cut) or greatest * (1 + SLACK) < cut:
                return _NONE
        cut = max(cut, self._enough(d, max_rows))
        if cut == 0:
            return np.flatnonzero(unequal)
        rows = np.flatnonzero(max_rows >= cut * (1 - SLACK))
        among, column = np.divmod(np.flatnonzero(np.absolute(d[rows]) >= cut), d.shape[1])
        candidates: Indices = rows[among] * d.shape[1] + column
        return candidates

    def _enough(self, d: Floats, max_rows: Floats) -> float:
        """A distance that at least `wanted` elements of a tile reach, or 0: elements of its worst row, or the rows' greatest."""
        enough = 0.0
        for values in (np.absolute(d[int(max_rows.argmax())]), max_rows):
            if values.size >= self.wanted:
                place = values.size - self.wanted
                # the rows' greatest may be rounded up
                enough = max(enough, float(np.partition(values, place)[place]) * (1 - SLACK))
        return enough


def _leading(flags: Bools, wanted: int) -> list[int]:
    """The indices of the first flags that are set, at most `wanted`, without looking further."""
    flat, found = flags.reshape(-1), list[int]()
    for start in range(0, flat.size, _LOOK):
        found += (start + np.flatnonzero(flat[start : start + _LOOK])[: wanted - len(found)]).tolist()
        if len(found) == wanted:
            break
    return found


def _distances(a: Floats, b: Floats, candidates: Indices) -> Doubles:
    rows, columns = np.divmod(candidates, a.shape[1])
    with np.errstate(all="ignore"):  # NaN and infinity are distances here
        return np.abs(a[rows, columns].astype(np.float64) - b[rows, columns].astype(np.float64))


def _element(a: Floats, b: Floats, candidate: int, place: Place) -> Element:
    row, column = divmod(candidate, a.shape[1])
    x, y = float(a[row, column]), float(b[row, column])
    return Element(place.start + row * place.stride + column, x, y, abs(x - y))


def _greatest(apart: Doubles, wanted: int) -> Indices:
    """The places of the `wanted` greatest values, NaN counting as the greatest, earlier places winning ties; in any order."""
    if apart.size <= wanted:
        return np.arange(apart.size)
    undefined = np.flatnonzero(np.isnan(apart))[:wanted]
    left = wanted - undefined.size
    if not left:
        return undefined
    # NaN sorts to the end, so it is lowered out of the way first
    known = np.where(np.isnan(apart), -1.0, apart)
    threshold = np.partition(known, known.size - left)[known.size - left]
    above = np.flatnonzero(known > threshold)
    level = np.flatnonzero(known == threshold)[: left - above.size]
    return np.concatenate([undefined, above, level])


def _worst_first(element: Element) -> tuple[bool, float, int]:
    undefined = math.isnan(element.abs_diff)
    return not undefined, 0.0 if undefined else -element.abs_diff, element.index
