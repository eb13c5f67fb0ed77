"""How the differences of a stage spread in units of its null model, and how far they may honestly spread."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.parity.result import Histogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

# half octaves of |d| / tau: honest differences and gross faults fit on one axis
EDGES = tuple(2.0 ** (half / 2) for half in range(-10, 21))
BINS = len(EDGES) + 1


def histogram(d: NDArray[np.floating[Any]], tau: NDArray[np.floating[Any]]) -> Histogram:
    """Counts the elements by |d| / tau.

    Args:
        d: float [positions, width], the differences.
        tau: float, of the same shape, the null model's proxy of each element; 0 where every bit must agree.

    Raises:
        ValueError: the shapes differ.
    """
    if d.shape != tau.shape:
        raise ValueError(f"differences of shape {d.shape} and a null model of shape {tau.shape} do not belong together")
    apart, proxy = np.abs(d, dtype=np.float64), tau.astype(np.float64, copy=False)
    with np.errstate(divide="ignore", invalid="ignore"):  # x / 0 is infinite and lands in the last bin; 0 / 0 is mended
        scaled = np.where(apart == 0, 0.0, apart / proxy)
    # NaN sorts behind every edge, so it lands in the last bin too
    bins = np.searchsorted(np.asarray(EDGES), scaled.reshape(-1), side="right")
    counts = np.bincount(bins, minlength=BINS)
    return Histogram(tuple(int(count) for count in counts), int(np.count_nonzero(apart == 0)))


def honest(count: int) -> tuple[float, ...]:
    """How many of `count` elements two correct implementations put into each bin at most, on average.

    An honest difference is sub-Gaussian, P(|d| / tau >= t) <= 2 exp(-t^2 / 2) (`apr.parity.null.base`), and everything in a bin
    is at or beyond its lower edge.

    Returns:
        One number for each bin of `Histogram.counts`, never more than `count`.
    """
    return (float(count), *(count * min(1.0, 2 * math.exp(-edge * edge / 2)) for edge in EDGES))
