"""Every distance as a formula over sums, once.

`a` is the subject, `b` the reference, d = a - b; the reference is always the denominator. Sums are float64; how exactly they are
taken says `apr.parity.metrics.tiles`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.float64]

# a sum of squares of float64 from here has lost nothing that counts: what vanishes of it is below 2^-1074 an element
_TINY = 2.0**-900
# sum(d²) up to this share of sum(b²) is near enough for the cosine that does not cancel
_NEAR = 0.25


def ratio(numerator: float, denominator: float) -> float:
    """Divides two sums of squares: 0/0 is 0 (nothing apart from nothing), x/0 is infinite."""
    if math.isnan(numerator) or math.isnan(denominator):
        return math.nan
    if denominator == 0:
        return 0.0 if numerator == 0 else math.inf
    return math.nan if math.isinf(denominator) else numerator / denominator


def ratios(numerators: Doubles, denominators: Doubles) -> Doubles:
    """`ratio` of each pair, float64 [n]."""
    if _plain(denominators):
        return numerators / denominators
    with np.errstate(all="ignore"):  # x/0 and NaN are results here
        each: Doubles = numerators / denominators
    each[(denominators == 0) & (numerators == 0)] = 0.0
    each[np.isinf(denominators)] = np.nan
    return each


def _plain(denominators: Doubles) -> bool:
    """Whether all are positive and finite."""
    return bool(np.minimum.reduce(denominators) > 0 and math.isfinite(np.maximum.reduce(denominators)))


def kept(errors: Doubles, powers: Doubles, greatest: Doubles) -> Doubles:
    """sum(d²) by row, NaN where numbers are too small to square, so that a distance that vanished is no agreement; float64 [n].

    Beside a sum(b²) of `_TINY` or more nothing that vanishes counts; nor does it where sum(b²) is 0 and the distance infinite anyway.
    float32 numbers are never that small.

    Args:
        errors: float64 [n], sum(d²).
        powers: float64 [n], sum(b²).
        greatest: float64 [n], max |d|.
    """
    if not np.minimum.reduce(powers) < _TINY:
        return errors
    lost = (powers < _TINY) & (greatest > 0) & ((powers > 0) | (errors < _TINY))
    return np.where(lost, np.nan, errors)


def rms(squares: float, count: int) -> float:
    """sqrt(sum(d²) / n); 0 of nothing."""
    return math.sqrt(squares / count) if count else 0.0


def nmse(error: float, power_b: float) -> float:
    """sum(d²) / sum(b²), the mean square error over the mean square (not the variance) of the reference."""
    return ratio(error, power_b)


def relative_rms(error: float, power_b: float) -> float:
    """sqrt(sum(d²) / sum(b²)) = rms(d) / rms(b)."""
    return math.sqrt(ratio(error, power_b))


def cosine(power_a: float, power_b: float, dot: float, error: float, excess: float) -> float:
    """sum(a·b) / (|a|·|b|), cut to [-1, 1]; 0 where either side is all zeros, so that zeros never pass for agreement.

    Near agreement it is taken as 1 - (|d|² - (|a| - |b|)²) / (2·|a|·|b|), which is the same by the law of cosines and does not lose
    what it is asked for: an error of the sums by a factor 1 + e moves it by no more than 3·e·NMSE instead of e.

    Args:
        power_a: sum(a²).
        power_b: sum(b²).
        dot: sum(a·b).
        error: sum(d²).
        excess: sum(a²) - sum(b²), taken without cancellation as sum(d·(a + b)).
    """
    if power_a == 0 or power_b == 0:
        return 0.0
    if not (math.isfinite(power_a) and math.isfinite(power_b)):
        return math.nan
    length_a, length_b = math.sqrt(power_a), math.sqrt(power_b)
    if error <= _NEAR * power_b:
        longer = excess / (length_a + length_b)
        return 1 - max(0.0, error - longer * longer) / (2 * length_a * length_b)
    found = dot / (length_a * length_b)
    return found if math.isnan(found) else max(-1.0, min(1.0, found))  # min() would turn NaN into 1


def worst(each: Doubles) -> int:
    """The place of the greatest, NaN first, the lowest among equals."""
    return int(np.argmax(each))  # numpy takes NaN for the greatest


def channel_relative_rms(error: Doubles, power_b: Doubles) -> Doubles:
    """rms(d_c) / max(rms(b_c), m) for each channel c, m the (upper) median of rms(b_c) over the channels that are not all zeros.

    Neither of the two plain denominators is right. By the channel's own RMS, a channel near zero is the worst of every honest run: the
    rounding of a dot product goes with sum|w·x|, not with a result that happens to cancel. By the stage's RMS, the few massive channels
    of a residual stream, thousands of times the others, decide alone: their own rounding outweighs another channel that is all
    wrong. So a channel is held against itself, but against no less than a usual channel.

    Args:
        error: float64 [channels], sum over the positions of d².
        power_b: float64 [channels], of b².

    Returns:
        float64 [channels]; NaN where a NaN or an infinity is involved.
    """
    usual = power_b if _plain(power_b) else power_b[(power_b > 0) & np.isfinite(power_b)]
    middle = usual.size // 2
    floor = float(np.partition(usual, middle)[middle]) if usual.size else 0.0
    each: Doubles = np.sqrt(ratios(error, np.maximum(power_b, floor)))
    return each
