"""What comes of a comparison, as plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Element:
    """One differing element.

    Attributes:
        index: in C order, from 0.
        a: the subject's value.
        b: the reference's value.
        abs_diff: |a - b| in float64; NaN as soon as a NaN is involved, 0 for -0 against 0.
    """

    index: int
    a: float
    b: float
    abs_diff: float


@dataclass(frozen=True)
class Difference:
    """The outcome of comparing `a` (subject) with `b` (reference), both of n elements; d = a - b.

    Whole numbers (`integers`) are ids, between which there is no near miss: equal or not. All distances between them are 0 where all
    are equal and infinite otherwise, and the cosine is NaN, always: it has no meaning.

    Attributes:
        count: n.
        bit_identical: every element has the same bits: equal NaN payloads count as identical, -0 and 0 do not. Ids: all are equal.
        n_different: elements whose bits differ; unequal ids.
        max_abs_diff: max |d| over the elements whose bits differ, 0 without any; NaN if a NaN is involved (NaN is worst). Exact float64.
        max_abs_diff_index: the first element that has it; None without a difference.
        rms_diff: sqrt(sum(d²) / n); elements with the same bits count as d = 0, NaN or infinite otherwise.
        relative_rms: sqrt(sum(d²) / sum(b²)) = rms(d) / rms(b); 0/0 is 0, x/0 is infinite. Like all that is made of squares NaN where
            numbers of float64 are too large or too small to square.
        nmse: sum(d²) / sum(b²) = mean(d²) / mean(b²); 0/0 is 0, x/0 is infinite.
        cosine: sum(a·b) / (|a|·|b|), cut to [-1, 1]; 0 where either side is all zeros, so that zeros never pass for agreement.
        worst_position: the row with the greatest relative RMS, NaN first, then the lowest; None where rows are not known. Ids: the
            first row with the most unequal ones.
        worst_position_relative_rms: that row's relative RMS; None where rows are not known.
        nan_a: NaNs in a.
        nan_b: NaNs in b.
        inf_a: infinities in a.
        inf_b: infinities in b.
        nonfinite_mismatches: elements where one side is not finite and the other is not the same infinity or another NaN.
        first: the first differing elements, by index.
        top: the elements that differ most: NaN first, then by falling |d|, then by index.
        max_ulp: max over the elements of the number of float32 steps from b to a, counted through zero, a whole number; NaN if a NaN
            is involved; None where a side is not float32 or holds ids.
        worst_channel: the column with the greatest `formulas.channel_relative_rms`, NaN first, then the lowest; None where rows are not
            known, and for ids.
        worst_channel_relative_rms: that column's value; None likewise.
        integers: the elements are ids.
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
    max_ulp: float | None = None
    worst_channel: int | None = None
    worst_channel_relative_rms: float | None = None
    integers: bool = False

    @property
    def all_finite(self) -> bool:
        """Neither side holds a NaN or an infinity."""
        return not (self.nan_a or self.nan_b or self.inf_a or self.inf_b)
