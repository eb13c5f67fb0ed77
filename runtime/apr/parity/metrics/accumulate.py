"""Two arrays compared as they come, tile by tile, in memory that does not grow with them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.parity.metrics import formulas, tiles
from apr.parity.metrics.difference import Difference
from apr.parity.metrics.places import Place, Places
from apr.parity.metrics.profiles import Profiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.float64]

# width of rows where nobody knows the rows: they only help to find the greatest differences
_UNKNOWN_WIDTH = 1024


@dataclass
class _Grid:
    """Sums by row and by column, and the greatest difference of each row."""

    width: int
    error_rows: Doubles
    power_rows: Doubles
    max_rows: Doubles
    error_columns: Doubles
    power_columns: Doubles

    @classmethod
    def of(cls, rows: int, width: int) -> _Grid:
        return cls(width, np.zeros(rows), np.zeros(rows), np.zeros(rows), np.zeros(width), np.zeros(width))

    def add(self, tile: tiles.Tile, row: int, column: int) -> None:
        rows = slice(row, row + len(tile.power_rows))
        self.power_rows[rows] += tile.power_rows
        if tile.error_rows is not None and tile.max_rows is not None:
            self.error_rows[rows] += tile.error_rows
            np.maximum(self.max_rows[rows], tile.max_rows, out=self.max_rows[rows])
        if tile.power_columns is not None:
            columns = slice(column, column + len(tile.power_columns))
            self.power_columns[columns] += tile.power_columns
            if tile.error_columns is not None:
                self.error_columns[columns] += tile.error_columns

    def profiles(self) -> Profiles:
        errors = formulas.kept(self.error_rows, self.power_rows, self.max_rows)
        positions = np.sqrt(formulas.ratios(errors, self.power_rows))
        channels = formulas.channel_relative_rms(self.error_columns, self.power_columns)
        if errors is not self.error_rows and self._vanishes():
            channels[:] = np.nan  # sums by column do not tell which of them are equal
        return Profiles(
            position_relative_rms=positions,
            position_max_abs=self.max_rows,
            channel_relative_rms=channels,
            channel_error=self.error_columns,
            channel_power=self.power_columns,
            worst_position=formulas.worst(positions),
            worst_channel=formulas.worst(channels),
        )

    def _vanishes(self) -> bool:
        """Whether the numbers as a whole are too small to square."""
        error, power = np.array([self.error_rows.sum()]), np.array([self.power_rows.sum()])
        kept = formulas.kept(error, power, self.max_rows.max(keepdims=True))
        return bool(np.isnan(kept[0]) and not np.isnan(error[0]))


@dataclass
class Accumulator:
    """Compares two arrays of the same length that arrive block by block; `finish` gives the outcome.

    Blocks may end anywhere. Counts, places and the greatest difference do not depend on where; sums do within the error bounds of
    `apr.parity.metrics.tiles`. Blocks of whole rows are the fastest.

    Args:
        rows: how many rows (positions) the arrays have, if that is known.
        count: how many elements will come; needed with `rows`.
        limit: how many differing elements to name, at the front and at the top.
    """

    rows: int | None = None
    count: int | None = None
    limit: int = 10
    _seen: int = 0
    _different: int = 0
    _error: float = 0.0
    _power_a: float = 0.0
    _power_b: float = 0.0
    _dot: float = 0.0
    _excess: float = 0.0
    _max_ulp: float | None = 0
    _nonfinite: list[int] = field(default_factory=lambda: [0, 0, 0, 0, 0])
    _grid: _Grid | None = None
    _profiles: Profiles | None = None
    _places: Places = field(init=False)

    def __post_init__(self) -> None:
        self._places = Places(max(self.limit, 1))  # the greatest difference is always known
        if self.rows and self.count is not None:
            if self.count % self.rows:
                raise ValueError(f"{self.count} elements do not divide into {self.rows} rows")
            if self.count:
                self._grid = _Grid.of(self.rows, self.count // self.rows)

    def add(self, a: Floats, b: Floats) -> None:
        """Takes the next block.

        Args:
            a: float [n], the subject's next elements.
            b: float [n], the reference's.

        Raises:
            ValueError: the blocks have different shapes, more elements come than were announced, or the profiles have been taken.
        """
        if a.shape != b.shape or a.ndim != 1:
            raise ValueError(f"blocks of shapes {a.shape} and {b.shape} do not belong together")
        if self._profiles is not None:
            raise ValueError("the outcome has been taken")
        if self.count is not None and self._seen + a.size > self.count:
            raise ValueError(f"{self.count} elements were announced, more came")
        width = self._grid.width if self._grid is not None else _UNKNOWN_WIDTH
        # the rest of a row that a block before began, whole rows, the beginning of a row
        rest = min(-self._seen % width, a.size) if self._grid is not None else 0
        cuts = sorted({0, rest, a.size - (a.size - rest) % width, a.size})
        with np.errstate(all="ignore"):  # NaN and infinity are results here, and are counted
            for start, end in itertools.pairwise(cuts):
                shape = (-1, width) if (end - start) % width == 0 else (1, end - start)
                self._add_region(a[start:end].reshape(shape), b[start:end].reshape(shape))

    def _add_region(self, a: Floats, b: Floats) -> None:
        """Takes whole rows, or a part of one row, as [R, W]."""
        width = self._grid.width if self._grid is not None else _UNKNOWN_WIDTH
        row, column = divmod(self._seen, width) if self._grid is not None else (0, 0)
        for rows, columns in _tiles(*a.shape):
            part_a, part_b = a[rows, columns], b[rows, columns]
            tile = tiles.measure(part_a, part_b, columns=self._grid is not None)
            self._different += tile.different
            self._error += tile.error
            self._power_a += tile.power_a
            self._power_b += tile.power_b
            self._dot += tile.dot
            self._excess += tile.excess
            self._max_ulp = _greater(self._max_ulp, tile.max_ulp)
            if tile.nonfinite is not tiles.FINITE:
                self._nonfinite = [mine + more for mine, more in zip(self._nonfinite, tile.nonfinite, strict=True)]
            if self._grid is not None:
                self._grid.add(tile, row + rows.start, column + columns.start)
            if tile.different:
                start = self._seen + rows.start * a.shape[1] + columns.start
                self._places.note(part_a, part_b, tile, Place(start, a.shape[1]))
        self._seen += a.size

    def finish(self) -> Difference:
        """The outcome over everything that was added.

        Raises:
            ValueError: another number of elements came than was announced.
        """
        self._check_complete()
        nan_a, nan_b, inf_a, inf_b, mismatches = self._nonfinite
        finite = not any(self._nonfinite)
        profiles = self.profiles() if self._grid is not None else None
        greatest = self._places.top[0] if self._places.top else None
        apart = np.array([greatest.abs_diff if greatest else 0.0])
        (error,) = formulas.kept(np.array([self._error]), np.array([self._power_b]), apart).tolist()
        return Difference(
            count=self._seen,
            bit_identical=self._different == 0,
            n_different=self._different,
            max_abs_diff=greatest.abs_diff if greatest else 0.0,
            max_abs_diff_index=greatest.index if greatest else None,
            rms_diff=formulas.rms(error, self._seen),
            relative_rms=formulas.relative_rms(error, self._power_b) if finite else math.nan,
            nmse=formulas.nmse(error, self._power_b) if finite else math.nan,
            cosine=formulas.cosine(self._power_a, self._power_b, self._dot, self._error, self._excess)
            if finite
            else math.nan,
            worst_position=profiles.worst_position if profiles else None,
            worst_position_relative_rms=profiles.worst_position_relative_rms if profiles else None,
            nan_a=nan_a,
            nan_b=nan_b,
            inf_a=inf_a,
            inf_b=inf_b,
            nonfinite_mismatches=mismatches,
            first=tuple(self._places.first[: self.limit]),
            top=tuple(self._places.top[: self.limit]),
            max_ulp=self._max_ulp,
            worst_channel=profiles.worst_channel if profiles else None,
            worst_channel_relative_rms=profiles.worst_channel_relative_rms if profiles else None,
        )

    def profiles(self) -> Profiles:
        """The difference by position and by channel, over everything that was added.

        Raises:
            ValueError: another number of elements came than was announced, or the rows are not known.
        """
        self._check_complete()
        if self._grid is None:
            raise ValueError("without rows there are no profiles")
        if self._profiles is None:
            self._profiles = self._grid.profiles()
        return self._profiles

    def _check_complete(self) -> None:
        if self.count is not None and self.count != self._seen:
            raise ValueError(f"{self.count} elements were announced, {self._seen} came")


def _tiles(rows: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Cuts [rows, width] into tiles of about `tiles.TILE` elements and one height: whole rows, or all rows of some columns."""
    wide = min(width, max(tiles.TILE // rows // tiles.WIDE, 1) * tiles.WIDE)
    high = -(-rows // max(round(rows * wide / tiles.TILE), 1))
    for row in range(0, rows, high):
        for column in range(0, width, wide):
            yield slice(row, min(row + high, rows)), slice(column, min(column + wide, width))


def _greater(a: float | None, b: float | None) -> float | None:
    """The greater one; NaN before any number, None (not known) before both."""
    if a is None or b is None:
        return None
    return math.nan if math.isnan(a) or math.isnan(b) else max(a, b)


def compare_arrays(a: Floats, b: Floats, positions_shape: Sequence[int] | None = None, limit: int = 10) -> Difference:
    """Compares a subject with a reference, element by element in C order.

    Args:
        a: float, any shape; the subject.
        b: float, the same shape; the reference.
        positions_shape: [positions, …] if rows are positions; None leaves positions and channels out.
        limit: how many differing elements to name.

    Raises:
        ValueError: the shapes differ, or `positions_shape` does not fit them.
    """
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ")
    if positions_shape is not None and math.prod(positions_shape) != a.size:
        raise ValueError(f"{a.size} elements do not have the shape {list(positions_shape)}")
    accumulator = Accumulator(positions_shape[0] if positions_shape else None, a.size, limit)
    accumulator.add(a.reshape(-1), b.reshape(-1))
    return accumulator.finish()


def compare_with_profiles(a: Floats, b: Floats, limit: int = 1) -> tuple[Difference, Profiles]:
    """The distances of two [positions, channels] arrays, and the same by position and by channel, in one pass.

    Args:
        a: float [T, C], the subject.
        b: float [T, C], the reference.
        limit: how many differing elements to name.

    Raises:
        ValueError: the shapes differ or are not two-dimensional, or there is nothing in them.
    """
    if a.shape != b.shape or a.ndim != 2 or not a.size:
        raise ValueError(f"shapes {a.shape} and {b.shape} are not the same [positions, channels]")
    accumulator = Accumulator(len(a), a.size, limit)
    accumulator.add(a.reshape(-1), b.reshape(-1))
    return accumulator.finish(), accumulator.profiles()


def profiles(a: Floats, b: Floats) -> Profiles:
    """The profiles of `compare_with_profiles` alone.

    Raises:
        ValueError: likewise.
    """
    return compare_with_profiles(a, b)[1]
