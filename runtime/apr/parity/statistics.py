"""Moments of one stage, for a first look."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from apr.capture import Array

_HIGH_STD = 100.0  # upstream marks rows above this


@dataclass(frozen=True)
class Statistics:
    """Over the finite elements of one array, in float64; None where there is none.

    Attributes:
        count: all elements.
        mean, std: std with n - 1.
        minimum, maximum: of the finite elements.
        nan, inf: how many are not finite.
    """

    count: int
    mean: float | None
    std: float | None
    minimum: float | None
    maximum: float | None
    nan: int
    inf: int

    @property
    def verdict(self) -> str:
        """`ANOMALY` with any NaN or infinity, `HIGH-VAR` above a standard deviation of 100, else empty."""
        if self.nan or self.inf:
            return "ANOMALY"
        return "HIGH-VAR" if (self.std or 0.0) > _HIGH_STD else ""

    def cells(self) -> tuple[str, ...]:
        """For a table: mean, std, min, max, NaN, Inf, verdict."""
        moments = (self.mean, self.std, self.minimum, self.maximum)
        return (
            *("-" if value is None else f"{value:.4g}" for value in moments),
            str(self.nan),
            str(self.inf),
            self.verdict,
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"verdict": self.verdict}


def describe(array: Array) -> Statistics:
    """The statistics of any array of floats."""
    wide = array.astype(np.float64).ravel()
    finite = wide[np.isfinite(wide)]
    nan = int(np.isnan(wide).sum())
    if not finite.size:
        return Statistics(wide.size, None, None, None, None, nan, wide.size - nan)
    std = float(finite.std(ddof=1)) if finite.size > 1 else math.nan
    return Statistics(
        wide.size,
        float(finite.mean()),
        None if math.isnan(std) else std,
        float(finite.min()),
        float(finite.max()),
        nan,
        wide.size - nan - finite.size,
    )
