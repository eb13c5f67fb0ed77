"""Stages of whole numbers: ids are equal or not, and which number is nearer says nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.parity.metrics.difference import Difference, Element
from apr.parity.metrics.formulas import worst
from apr.parity.metrics.profiles import Profiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Counts = NDArray[np.int64]


@dataclass
class IdAccumulator:
    """`Accumulator` for ids, held as floats that are whole numbers; anything else, NaN above all, is unequal to everything.

    Args:
        rows: how many rows (positions) the arrays have, if that is known.
        count: how many elements will come; needed with `rows`.
        limit: how many unequal ids to name.
    """

    rows: int | None = None
    count: int | None = None
    limit: int = 10
    _seen: int = 0
    _unequal: int = 0
    _nonfinite: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    _mismatches: int = 0
    _first: list[Element] = field(default_factory=list)
    _by_row: Counts | None = None
    _by_column: Counts | None = None

    def __post_init__(self) -> None:
        if self.rows and self.count:
            if self.count % self.rows:
                raise ValueError(f"{self.count} elements do not divide into {self.rows} rows")
            self._by_row = np.zeros(self.rows, np.int64)
            self._by_column = np.zeros(self.count // self.rows, np.int64)

    def add(self, a: Floats, b: Floats) -> None:
        """Takes the next block.

        Args:
            a: float [n], the subject's next ids.
            b: float [n], the reference's.

        Raises:
            ValueError: the blocks have different shapes, or more elements come than were announced.
        """
        if a.shape != b.shape or a.ndim != 1:
            raise ValueError(f"blocks of shapes {a.shape} and {b.shape} do not belong together")
        if self.count is not None and self._seen + a.size > self.count:
            raise ValueError(f"{self.count} elements were announced, more came")
        whole = np.isfinite(a) & (np.rint(a) == a)
        unequal = np.flatnonzero(~whole | (a != b))
        self._unequal += unequal.size
        for index in unequal[: max(self.limit - len(self._first), 0)].tolist():
            self._first.append(Element(self._seen + index, float(a[index]), float(b[index]), math.inf))
        for place, what in enumerate((np.isnan(a), np.isnan(b), np.isinf(a), np.isinf(b))):
            self._nonfinite[place] += int(np.count_nonzero(what))
        alike = (np.isnan(a) & np.isnan(b)) | (np.isinf(a) & (a == b)) | (np.isfinite(a) & np.isfinite(b))
        self._mismatches += int(np.count_nonzero(~alike))
        if self._by_row is not None and self._by_column is not None:
            rows, columns = np.divmod(self._seen + unequal, self._by_column.size)
            np.add.at(self._by_row, rows, 1)
            np.add.at(self._by_column, columns, 1)
        self._seen += a.size

    def finish(self) -> Difference:
        """The outcome over everything that was added.

        Raises:
            ValueError: another number of elements came than was announced.
        """
        self._check_complete()
        apart = _apart(self._unequal)
        nan_a, nan_b, inf_a, inf_b = self._nonfinite
        row = None if self._by_row is None else int(self._by_row.argmax())
        return Difference(
            count=self._seen,
            bit_identical=self._unequal == 0,
            n_different=self._unequal,
            max_abs_diff=apart,
            max_abs_diff_index=self._first[0].index if self._first else None,
            rms_diff=apart,
            relative_rms=apart,
            nmse=apart,
            cosine=math.nan,
            worst_position=row,
            worst_position_relative_rms=None if self._by_row is None else _apart(int(self._by_row.max())),
            nan_a=nan_a,
            nan_b=nan_b,
            inf_a=inf_a,
            inf_b=inf_b,
            nonfinite_mismatches=self._mismatches,
            first=tuple(self._first),
            top=tuple(self._first),
            integers=True,
        )

    def profiles(self) -> Profiles:
        """The same by position and by column (the k-th choice): 0 where all ids are equal, infinite elsewhere.

        Raises:
            ValueError: another number of elements came than was announced, or the rows are not known.
        """
        self._check_complete()
        if self._by_row is None or self._by_column is None:
            raise ValueError("without rows there are no profiles")
        rows, columns = (np.where(counts > 0, np.inf, 0.0) for counts in (self._by_row, self._by_column))
        return Profiles(
            position_relative_rms=rows,
            position_max_abs=rows,
            channel_relative_rms=columns,
            channel_error=columns,
            channel_power=np.full(columns.size, np.nan),
            worst_position=int(self._by_row.argmax()),
            worst_channel=worst(columns),
        )

    def _check_complete(self) -> None:
        if self.count is not None and self.count != self._seen:
            raise ValueError(f"{self.count} elements were announced, {self._seen} came")


def _apart(unequal: int) -> float:
    """How far ids are apart."""
    return math.inf if unequal else 0.0
