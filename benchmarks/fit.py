"""The exponent of a curve: the slope of a line through logarithms, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Student's t at 97.5 %, by degrees of freedom
_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306}


@dataclass(frozen=True)
class Fit:
    """y = factor * x ** exponent; `low` and `high` hold the exponent in 95 % of cases, where errors are independent."""

    exponent: float
    factor: float
    low: float
    high: float


def fit(x: Sequence[float], y: Sequence[float]) -> Fit:
    """Least squares on logarithms.

    Raises:
        ValueError: fewer than three points, unequal lengths, or a value that is not above zero.
    """
    if len(x) != len(y) or len(x) < 3:
        raise ValueError(f"{len(x)} and {len(y)} values: three points at least are needed, as many x as y")
    if min(*x, *y) <= 0:
        raise ValueError("a value that is not above zero has no logarithm")
    u, v = [math.log(one) for one in x], [math.log(one) for one in y]
    count = len(u)
    mean_u, mean_v = sum(u) / count, sum(v) / count
    spread = sum((one - mean_u) ** 2 for one in u)
    slope = sum((a - mean_u) * (b - mean_v) for a, b in zip(u, v, strict=True)) / spread
    left = sum((b - mean_v - slope * (a - mean_u)) ** 2 for a, b in zip(u, v, strict=True))
    half = _T[min(count - 2, max(_T))] * math.sqrt(left / (count - 2) / spread)
    return Fit(slope, math.exp(mean_v - slope * mean_u), slope - half, slope + half)
