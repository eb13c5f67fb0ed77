"""How far two arrays are apart: one definition for each measure, summed in float64, block by block.

Throughout, `a` is the subject, `b` the reference, n the number of elements and d = a - b. What is not finite never
vanishes: as soon as either side holds a NaN or an infinity, every measure that divides (relative RMS, NMSE, cosine) is NaN.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Indices = NDArray[np.intp]

# elements compared at a time: the float64 temporaries of one block stay in the processor's cache
BLOCK = 1 << 13


@dataclass(frozen=True, slots=True)
class Element:
    """One differing element.

    Attributes:
        index: in C order, from 0.
        a: the subject's value.
        b: the reference's value.
        abs_diff: |a - b|; NaN as soon as a NaN is involved, 0 for -0 against 0.
    """

    index: int
    a: float
    b: float
    abs_diff: float


@dataclass(frozen=True)
class Difference:
    """The outcome of comparing `a` (subject) with `b` (reference), both of n elements.

    Attributes:
        count: n.
        bit_identical: every element has the same bits: equal NaN payloads count as identical, -0 and 0 do not.
        n_different: elements whose bits differ.
        max_abs_diff: max |d| over the elements whose bits differ, 0 without any; NaN if a NaN is involved (NaN is worst).
        max_abs_diff_index: the first element that has it; None without a difference.
        rms_diff: sqrt(mean(d²)); elements with the same bits count as d = 0, NaN or infinite otherwise.
        relative_rms: sqrt(sum(d²) / sum(b²)) = rms(d) / rms(b); 0/0 is 0, x/0 is infinite.
        nmse: sum(d²) / sum(b²) = mean(d²) / mean(b²); 0/0 is 0, x/0 is infinite.
        cosine: sum(a·b) / (|a|·|b|), cut to [-1, 1]; 0 where either side is all zeros, so that zeros never pass for agreement.
        worst_position: the row with the greatest relative RMS, NaN first, then the lowest; None where rows are not known.
        worst_position_relative_rms: that row's relative RMS; None where rows are not known.
        nan_a: NaNs in a.
        nan_b: NaNs in b.
        inf_a: infinities in a.
        inf_b: infinities in b.
        nonfinite_mismatches: elements where one side is not finite and the other is not the same infinity or another NaN.
        first: the first differing elements, by index.
        top: the elements that differ most: NaN first, then by falling |d|, then by index.
    """

    count: int
    bit_identical: bool
    n_different: int
    max_abs_diff: float
    max_abs_diff_index: int | None
    rms_diff: float
    relative_rms: float
    nmse: float
    cosine: float
    worst_position: int | None
    worst_position_relative_rms: float | None
    nan_a: int
    nan_b: int
    inf_a: int
    inf_b: int
    nonfinite_mismatches: int
    first: tuple[Element, ...] = ()
    top: tuple[Element, ...] = ()

    @property
    def all_finite(self) -> bool:
        """Neither side holds a NaN or an infinity."""
        return not (self.nan_a or self.nan_b or self.inf_a or self.inf_b)


def ratio(numerator: float, denominator: float) -> float:
    """Divides two sums of squares: 0/0 is 0 (nothing apart from nothing), x/0 is infinite."""
    if math.isnan(numerator) or math.isnan(denominator):
        return math.nan
    if denominator == 0:
        return 0.0 if numerator == 0 else math.inf
    return math.nan if math.isinf(denominator) else numerator / denominator


@dataclass
class _Rows:
    """Sums of squares by row, for the worst position."""

    width: int
    error: Doubles
    power: Doubles

    def add(self, start: int, squared_error: Doubles, squared_reference: Doubles) -> None:
        """Adds a block of d² and b², float64 [n], whose first element has index `start`."""
        end = start + squared_error.size
        first, last = start // self.width, (end - 1) // self.width
        cuts = np.maximum(np.arange(first, last + 1) * self.width - start, 0)
        self.error[first : last + 1] += np.add.reduceat(squared_error, cuts)
        self.power[first : last + 1] += np.add.reduceat(squared_reference, cuts)

    def worst(self) -> tuple[int, float]:
        """The row with the greatest relative RMS, NaN first, then the lowest."""
        each = [
            math.sqrt(ratio(error, power))
            for error, power in zip(self.error.tolist(), self.power.tolist(), strict=True)
        ]
        row = max(range(len(each)), key=lambda row: (math.inf, 1) if math.isnan(each[row]) else (each[row], 0))
        return row, each[row]


@dataclass
class Accumulator:
    """Compares two arrays of the same length that arrive block by block; `finish` gives the outcome.

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
    _errors: list[float] = field(default_factory=list)
    _powers_a: list[float] = field(default_factory=list)
    _powers_b: list[float] = field(default_factory=list)
    _dots: list[float] = field(default_factory=list)
    _nonfinite: list[int] = field(default_factory=lambda: [0, 0, 0, 0, 0])
    _first: list[Element] = field(default_factory=list)
    _top: list[Element] = field(default_factory=list)
    _by_row: _Rows | None = None

    def __post_init__(self) -> None:
        if self.rows and self.count:
            if self.count % self.rows:
                raise ValueError(f"{self.count} elements do not divide into {self.rows} rows")
            zeros = np.zeros(self.rows)
            self._by_row = _Rows(self.count // self.rows, zeros, zeros.copy())

    def add(self, a: Floats, b: Floats) -> None:
        """Takes the next block.

        Args:
            a: float [n], the subject's next elements.
            b: float [n], the reference's.

        Raises:
            ValueError: the blocks have different shapes.
        """
        if a.shape != b.shape or a.ndim != 1:
            raise ValueError(f"blocks of shapes {a.shape} and {b.shape} do not belong together")
        if not a.size:
            return
        same = _same_bits(a, b)
        with np.errstate(all="ignore"):  # NaN and infinity are results here, and are counted
            wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
            error = np.where(same, 0.0, wide_a - wide_b)
            squared_error, squared_b = error * error, wide_b * wide_b
            self._errors.append(float(squared_error.sum()))
            # pairwise sums, not np.dot: that one's result and speed depend on BLAS and its threads
            self._powers_a.append(float((wide_a * wide_a).sum()))
            self._powers_b.append(float(squared_b.sum()))
            self._dots.append(float((wide_a * wide_b).sum()))
            if self._by_row is not None:
                # a row with anything infinite on either side has no meaningful ratio
                broken = np.where(np.isfinite(wide_a) & np.isfinite(wide_b), 0.0, np.nan)
                self._by_row.add(self._seen, squared_error + broken, squared_b)
        self._count_nonfinite(wide_a, wide_b)
        different = np.flatnonzero(~same)
        if different.size:
            self._note(different, wide_a, wide_b, np.abs(error[different]))
        self._different += different.size
        self._seen += a.size

    def _count_nonfinite(self, a: Doubles, b: Doubles) -> None:
        # a finite sum of squares proves a block finite, and is at hand
        if math.isfinite(self._powers_a[-1]) and math.isfinite(self._powers_b[-1]):
            return
        nan_a, nan_b = np.isnan(a), np.isnan(b)
        inf_a, inf_b = np.isinf(a), np.isinf(b)
        alike = (nan_a & nan_b) | (inf_a & (a == b))
        mismatches = (nan_a | nan_b | inf_a | inf_b) & ~alike
        for index, what in enumerate((nan_a, nan_b, inf_a, inf_b, mismatches)):
            self._nonfinite[index] += int(np.count_nonzero(what))

    def _note(self, different: Indices, a: Doubles, b: Doubles, apart: Doubles) -> None:
        """Keeps the first and the most differing elements of a block, of which `different` gives the places."""

        def element(place: int) -> Element:
            index = int(different[place])
            return Element(self._seen + index, float(a[index]), float(b[index]), float(apart[place]))

        wanted = max(self.limit, 1)  # the greatest difference is always known
        self._first += [element(place) for place in range(min(wanted - len(self._first), different.size))]
        candidates = self._top + [element(int(place)) for place in _greatest(apart, wanted)]
        self._top = sorted(candidates, key=_worst_first)[:wanted]

    def finish(self) -> Difference:
        """The outcome over everything that was added.

        Raises:
            ValueError: another number of elements came than was announced.
        """
        if self.count is not None and self.count != self._seen:
            raise ValueError(f"{self.count} elements were announced, {self._seen} came")
        error, power_a, power_b = _total(self._errors), _total(self._powers_a), _total(self._powers_b)
        nan_a, nan_b, inf_a, inf_b, mismatches = self._nonfinite
        finite = not any(self._nonfinite)
        nmse = ratio(error, power_b) if finite else math.nan
        position, position_rms = self._by_row.worst() if self._by_row is not None else (None, None)
        return Difference(
            count=self._seen,
            bit_identical=self._different == 0,
            n_different=self._different,
            max_abs_diff=self._top[0].abs_diff if self._top else 0.0,
            max_abs_diff_index=self._top[0].index if self._top else None,
            rms_diff=math.sqrt(error / self._seen) if self._seen else 0.0,
            relative_rms=math.sqrt(nmse),
            nmse=nmse,
            cosine=_cosine(_total(self._dots), power_a, power_b) if finite else math.nan,
            worst_position=position,
            worst_position_relative_rms=position_rms,
            nan_a=nan_a,
            nan_b=nan_b,
            inf_a=inf_a,
            inf_b=inf_b,
            nonfinite_mismatches=mismatches,
            first=tuple(self._first[: self.limit]),
            top=tuple(self._top[: self.limit]),
        )


def _same_bits(a: Floats, b: Floats) -> Bools:
    """Which elements have the same bits; arrays of different types are compared as float64."""
    if a.dtype != b.dtype:
        a, b = a.astype(np.float64), b.astype(np.float64)
    bits = np.dtype(f"u{a.dtype.itemsize}")
    same: Bools = np.ascontiguousarray(a).view(bits) == np.ascontiguousarray(b).view(bits)
    return same


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


def _total(parts: list[float]) -> float:
    """Exact sum of the blocks' sums; fsum refuses infinities of both signs, which a dot product can have."""
    return math.fsum(parts) if all(map(math.isfinite, parts)) else sum(parts)


def _cosine(dot: float, power_a: float, power_b: float) -> float:
    if power_a == 0 or power_b == 0:
        return 0.0
    cosine = dot / (math.sqrt(power_a) * math.sqrt(power_b))
    return cosine if math.isnan(cosine) else max(-1.0, min(1.0, cosine))  # min() would turn NaN into 1


def compare_arrays(a: Floats, b: Floats, positions_shape: Sequence[int] | None = None, limit: int = 10) -> Difference:
    """Compares a subject with a reference, element by element in C order.

    Args:
        a: float, any shape; the subject.
        b: float, the same shape; the reference.
        positions_shape: [positions, …] if rows are positions; None leaves the worst position out.
        limit: how many differing elements to name.

    Raises:
        ValueError: the shapes differ, or `positions_shape` does not fit them.
    """
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ")
    if positions_shape is not None and math.prod(positions_shape) != a.size:
        raise ValueError(f"{a.size} elements do not have the shape {list(positions_shape)}")
    accumulator = Accumulator(positions_shape[0] if positions_shape else None, a.size, limit)
    flat_a, flat_b = a.reshape(-1), b.reshape(-1)
    for start, end in itertools.pairwise([*range(0, a.size, BLOCK), a.size]):
        accumulator.add(flat_a[start:end], flat_b[start:end])
    return accumulator.finish()
