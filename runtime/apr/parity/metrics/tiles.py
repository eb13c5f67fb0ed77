"""The sums that all distances are made of, over one tile of two arrays: fast in float32, exact in float64.

Two ways lead to the same `Tile`. The exact one takes everything in float64. The fast one is for float32 arrays that nearly agree: it
works in float32 on a tile that stays in the processor's cache and adds up in short pieces. With u = 2^-24 and g_k = k·u / (1 - k·u)
(Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1):

* each product of d = fl(a - b) and b carries at most three roundings, and a row is added up in pieces of at most `SEGMENT` products
  (error g_(SEGMENT-1) in any order), the pieces in float64: sums of squares by row are right to g_(SEGMENT+2) < 7.8e-6;
* sums of mixed products, which only the cosine needs, are added up in pieces of at most `WIDE`: right to g_(WIDE+1) < 1.3e-4 of the sum
  of their magnitudes, and to a fiftieth of that where roundings are as good as random (Higham and Mary 2019: the root of their number);
* a column's part in a tile is added up over its R rows: right to g_(R+2);
* max |d| of a row is right to 3u: one rounding of d, half of that of its square, one of the root. The greatest of all is taken again in
  float64.

A relative RMS, the root of a ratio of two such sums, is as right as one of them. What is squared below 2^-126 may vanish. A row or a
column of b whose sum of squares is below `TINY` is therefore taken exactly; elsewhere what vanishes is below sqrt(2^-126 / TINY) = 2^-33
of the RMS of b a row's element. Overflow and what is not finite show in the sums, and the tile is taken exactly.

sum(a²) is taken as sum(b²) + 2·sum(b·d) + sum(d²), and sum(a·b) as sum(b²) + sum(b·d), as long as that cannot cancel: as long as
sum(d²) is at most `FAR` of sum(b²). Beyond, both are added up themselves.
"""

from __future__ import annotations

import functools
import math
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apr.parity.metrics import ulp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Singles = NDArray[np.float32]
    Doubles = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Indices = NDArray[np.intp]

_NONE = np.empty(0, np.intp)
# elements of a tile: its two sides and two arrays of scratch, 3 MiB, stay in a cache, and the fifty calls of numpy that it takes do not
# count; measured in `benchmarks/compare.py`, half of it is a tenth slower
TILE = 3 << 16
# products of a dot product at most: far from the 10,000 at which OpenBLAS wakes its threads
WIDE = 1 << 11
# products added up in float32
SEGMENT = 128
TINY = 2.0**-60
FAR = 2.0**-6
# how much less than the greatest of its elements a row's `max_rows` may be, and more: 3u and then some
SLACK = 2.0**-22
# squares from here have lost nothing
_SAFE_SQUARE = np.float32(2.0**-120)
# elements a BLAS call gets at most: below it OpenBLAS does not wake its threads (2304·4, its interface/gemv.c)
_ONE_THREAD = 1 << 13
FINITE: tuple[int, ...] = (0, 0, 0, 0, 0)


class Tile(NamedTuple):
    """Sums over a tile of R rows and W columns.

    Attributes:
        error: sum(d²); elements with the same bits count as 0.
        power_a, power_b, dot: sum(a²), sum(b²), sum(a·b).
        excess: sum(a²) - sum(b²), without cancellation.
        error_rows, power_rows: [R], of d² and b²; the error is NaN where either side is not finite, None where all bits are the same
            and finite.
        max_rows: [R], max |d|, right to 3u (`SLACK`) or exact; None likewise.
        error_columns, power_columns: [W], as by row; None also where they were not asked for.
        different: elements whose bits differ.
        max_ulp: None where a side is not float32.
        nonfinite: NaNs in a, in b, infinities in a, in b, and elements where the sides do not agree on it.
        d: [R, W], rounded to float32, or |d| in float64; None where all bits are the same. Only until the next tile is measured.
        unequal: bool [R, W], whether the bits differ; likewise.
    """

    error: float
    power_a: float
    power_b: float
    dot: float
    excess: float
    error_rows: Doubles | None
    power_rows: Doubles
    max_rows: Floats | None
    error_columns: Floats | None
    power_columns: Floats | None
    different: int
    max_ulp: float | None
    nonfinite: tuple[int, ...]
    d: Floats | None
    unequal: Bools | None


class _Scratch(threading.local):
    """Arrays of a tile's size that every tile of a thread uses again."""

    def __init__(self) -> None:
        self.make(0)

    def make(self, size: int) -> None:
        self.d, self.work, self.unequal = (
            np.empty(size, np.float32),
            np.empty(size, np.float32),
            np.empty(size, np.bool_),
        )

    def take(self, shape: tuple[int, ...]) -> tuple[Singles, Singles, Bools]:
        size = math.prod(shape)
        if self.d.size < size:
            self.make(max(size, TILE))
        return self.d[:size].reshape(shape), self.work[:size].reshape(shape), self.unequal[:size].reshape(shape)


_scratch = _Scratch()


def measure(a: Floats, b: Floats, *, columns: bool) -> Tile:
    """The sums over a tile; to be called where numpy's floating-point warnings are off.

    Args:
        a: float [R, W], the subject.
        b: float [R, W], the reference.
        columns: whether sums by column are wanted.
    """
    if a.dtype == b.dtype == np.float32:
        tile = _fast(a, b, columns=columns)
        if tile is not None:
            return tile
    return _exact(a, b, columns=columns)


def same_bits(a: Floats, b: Floats) -> Bools:
    """Which elements have the same bits; arrays of different types are compared as float64."""
    if a.dtype != b.dtype:
        a, b = a.astype(np.float64), b.astype(np.float64)
    bits = np.dtype(f"u{a.dtype.itemsize}")
    same: Bools = a.view(bits) == b.view(bits)
    return same


@functools.lru_cache(maxsize=1024)
def _pieces(rows: int, width: int) -> tuple[int, int] | None:
    """How to add up rows by matrix-vector products: the length of a piece, and how many pieces a product takes.

    None where the width has no divisor that is worth it.
    """
    length = next(length for length in range(min(width, SEGMENT), 0, -1) if width % length == 0)
    if length < min(width, SEGMENT // 4):
        return None
    if width // length > _ONE_THREAD or rows * width // length > _ONE_THREAD:
        return None
    pieces = rows * width // length
    each = next(each for each in range(min(pieces, _ONE_THREAD // length), 0, -1) if pieces % each == 0)
    return length, each


_ONES, _ONES_WIDE = np.ones(SEGMENT, np.float32), np.ones(_ONE_THREAD)


def _row_sums(products: Singles) -> Doubles:
    """Sums by row of a contiguous float32 [R, W], float64 [R]; see the error bound of the module."""
    rows, width = products.shape
    plan = _pieces(rows, width)
    if plan is None:
        wide: Doubles = np.add.reduce(products, 1, dtype=np.float64)
        return wide
    length, each = plan
    pieces = np.matmul(products.reshape(-1, each, length), _ONES[:length]).reshape(rows, width // length)
    sums: Doubles = np.matmul(pieces.astype(np.float64), _ONES_WIDE[: width // length])
    return sums


@functools.lru_cache(maxsize=1024)
def _rows_together(rows: int, width: int) -> int:
    """How many rows of a contiguous array make one dot product."""
    return next(many for many in range(max(min(rows, WIDE // width), 1), 0, -1) if rows % many == 0)


def _dot(a: Singles, b: Singles) -> float:
    """sum(a·b) of two float32 [R, W]; see the error bound of the module."""
    rows, width = a.shape
    if width > WIDE:
        return math.fsum(_dot(a[:, at : at + WIDE], b[:, at : at + WIDE]) for at in range(0, width, WIDE))
    many = _rows_together(rows, width)
    if many > 1 and a.flags.c_contiguous and b.flags.c_contiguous:
        a, b = a.reshape(rows // many, many * width), b.reshape(rows // many, many * width)
    return float(np.add.reduce(np.vecdot(a, b), dtype=np.float64))


def _fast(a: Singles, b: Singles, *, columns: bool) -> Tile | None:
    """The sums in float32; None where they would not be good enough."""
    d, work, unequal = _scratch.take(a.shape)
    bits_a, bits_b = a.view(np.int32), b.view(np.int32)
    different = int(np.count_nonzero(np.not_equal(bits_a, bits_b, out=unequal)))
    steps = ulp.max_ulp_of_bits(bits_a, bits_b, work.view(np.int32)) if different else 0
    np.multiply(b, b, out=work)
    power_rows = _row_sums(work)
    power = float(np.add.reduce(power_rows))
    if not math.isfinite(power) or np.minimum.reduce(power_rows) < TINY:
        return None
    power_columns: Floats | None = np.add.reduce(work, 0) if columns else None
    tiny = _tiny(power_columns)
    if not different:
        if power_columns is not None and tiny.size:
            power_columns = _tiny_powers_exactly(b, tiny, power_columns)
        return Tile(
            0.0, power, power, power, 0.0,
            None, power_rows, None, None, power_columns,
            0, 0, FINITE, None, None,
        )  # fmt: skip
    np.subtract(a, b, out=d)
    cross = _dot(b, d)
    np.multiply(d, d, out=work)
    error_rows = _row_sums(work)
    error = float(np.add.reduce(error_rows))
    if not math.isfinite(error):
        return None
    excess = 2 * cross + error
    power_a, dot = power + excess, power + cross
    if error > FAR * power:
        power_a, dot = _dot(a, a), _dot(a, b)
        if not TINY <= power_a < math.inf:  # NaN is not, either
            return None
    max_rows = _max_rows(d, np.maximum.reduce(work, 1))
    error_columns: Floats | None = np.add.reduce(work, 0) if columns else None
    if power_columns is not None and error_columns is not None and tiny.size:
        power_columns = _tiny_powers_exactly(b, tiny, power_columns)
        error_columns = _tiny_errors_exactly(a, b, tiny, error_columns)
    return Tile(
        error, power_a, power, dot, excess,
        error_rows, power_rows, max_rows, error_columns, power_columns,
        different, steps, FINITE, d, unequal,
    )  # fmt: skip


def _max_rows(d: Singles, squares: Singles) -> Singles:
    """The greatest |d| by row, from max d² by row where that did not vanish: it spares a pass over the tile."""
    if np.minimum.reduce(squares) >= _SAFE_SQUARE:
        return np.sqrt(squares, out=squares)
    greatest: Singles = np.maximum.reduce(np.absolute(d), 1)
    return greatest


def _tiny(power: Floats | None) -> Indices:
    """The columns whose sum of squares is near zero."""
    if power is None or not np.minimum.reduce(power) < TINY:
        return _NONE
    return np.flatnonzero(power < TINY)


def _tiny_powers_exactly(b: Singles, tiny: Indices, power: Floats) -> Doubles:
    """sum(b²) by column, of columns near zero taken again in float64."""
    wide_b = b[:, tiny].astype(np.float64)
    wide: Doubles = power.astype(np.float64)
    wide[tiny] = (wide_b * wide_b).sum(0)
    return wide


def _tiny_errors_exactly(a: Singles, b: Singles, tiny: Indices, error: Floats) -> Doubles:
    """sum(d²) by column, of columns near zero taken again in float64."""
    d = np.subtract(a[:, tiny], b[:, tiny], dtype=np.float64)
    wide: Doubles = error.astype(np.float64)
    wide[tiny] = (d * d).sum(0)
    return wide


def _exact(a: Floats, b: Floats, *, columns: bool) -> Tile:
    """The sums in float64, whatever the values and types."""
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    same = same_bits(a, b)
    d = np.where(same, 0.0, wide_a - wide_b)
    squares, squares_b = d * d, wide_b * wide_b
    error, power_a, power_b = float(squares.sum()), float((wide_a * wide_a).sum()), float(squares_b.sum())
    nonfinite, by_row_and_column = FINITE, squares
    # finite sums of squares prove a tile finite, and are at hand
    if not (math.isfinite(power_a) and math.isfinite(power_b)):
        nonfinite = _count_nonfinite(wide_a, wide_b)
        # a row or column with anything infinite on either side has no meaningful ratio
        by_row_and_column = np.where(np.isfinite(wide_a) & np.isfinite(wide_b), squares, np.nan)
    different = int(a.size - np.count_nonzero(same))
    steps: float | None = None
    if a.dtype == b.dtype == np.float32:
        steps = ulp.max_ulp(a, b) if nonfinite[0] or nonfinite[1] else _max_ulp(a, b)
    excess = float((d * (wide_a + wide_b)).sum())
    np.absolute(d, out=d)
    return Tile(
        error, power_a, power_b, float((wide_a * wide_b).sum()), excess,
        by_row_and_column.sum(1), squares_b.sum(1), d.max(1),
        by_row_and_column.sum(0) if columns else None, squares_b.sum(0) if columns else None,
        different, steps, nonfinite, d, ~same,
    )  # fmt: skip


def _max_ulp(a: Singles, b: Singles) -> int:
    """`ulp.max_ulp` where no NaN is involved."""
    return ulp.max_ulp_of_bits(a.view(np.int32), b.view(np.int32), _scratch.take(a.shape)[1].view(np.int32))


def _count_nonfinite(a: Doubles, b: Doubles) -> tuple[int, ...]:
    nan_a, nan_b = np.isnan(a), np.isnan(b)
    inf_a, inf_b = np.isinf(a), np.isinf(b)
    alike = (nan_a & nan_b) | (inf_a & (a == b))
    mismatches = (nan_a | nan_b | inf_a | inf_b) & ~alike
    return tuple(int(np.count_nonzero(what)) for what in (nan_a, nan_b, inf_a, inf_b, mismatches))
