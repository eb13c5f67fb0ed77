"""The null model of attention: scores s_j = scale q k_j, weights p = softmax(s), y = sum_j p_j v_j.

To first order an error eta_j of a score, or a relative error of its exponential, moves y by p_j eta_j (v_j - y): what all weights have
in common is divided out. A side in float32 has, for each key,

    eta^2 = u^2 (n s^2 + n scale^2 sum_c (q_c k_jc)^2 + s^2 + (s - max)^2) + EXP^2,

a sum of n = head_dim products (`ggml` in at least four lanes, the numpy judge of `ggml` in float64 with one rounding at the end), the
rounding of the scaled score, of its distance to the greatest, and the exponential. The reciprocal of the total and its
product with each weight are common or u more: eta^2 gains 2 u^2. Then the mix is a sum over the keys that are seen:
n u^2 (y^2 + sum_j p_j^2 v_j^2), see `sums`.

All channels of a head share the errors of the scores, so a head's covariance has its greatest eigenvalue at most at their
share of the trace, and the rest is independent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apr.parity.null.pair import EXP, Pair, U

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

_JOIN = 8
_LANES = 4


class _Depths(NamedTuple):
    """How many float32 additions deep the sums of all sides are, and how many sides make the other roundings."""

    scores: float
    mix: Doubles
    sides: int


class Spread(NamedTuple):
    """Of [positions, heads, head_dim].

    Attributes:
        variance: squared proxies, [positions, heads * head_dim].
        top: [positions], a bound of the greatest eigenvalue of the errors, each over its own tau.
    """

    variance: Doubles
    top: Doubles


def _depths(pair: Pair, head_dim: int, seen: Doubles) -> _Depths:
    scores, mix = 0.0, np.zeros_like(seen)
    for arithmetic, judge in ((pair.judge, True), (pair.other, False)):
        if arithmetic == "f64":
            continue
        if arithmetic == "f32":
            scores, mix = scores + head_dim + 1, mix + seen + 1
        elif arithmetic == "ggml" and judge:
            scores, mix = scores + 1, mix + 1
        else:
            scores, mix = scores + head_dim / _LANES + _JOIN, mix + np.minimum(seen / _LANES + _JOIN, seen + 1)
    return _Depths(scores + 2 * pair.mixed, mix + 2 * pair.mixed, pair.narrow)


def spread_of_attention(
    pair: Pair, q: Doubles, k: Doubles, v: Doubles, mask: NDArray[np.bool_], scale: float
) -> Spread:
    """Squared proxies, and how correlated a row is.

    Args:
        pair: the two arithmetics.
        q: [queries, heads, head_dim].
        k: [keys, heads, head_dim], heads already repeated.
        v: the same shape.
        mask: [queries, keys], True where a query may look.
        scale: of the scores.
    """
    depths = _depths(pair, q.shape[-1], mask.sum(axis=-1).astype(np.float64))
    variance, share = np.empty(q.shape), np.zeros(len(q))
    for head in range(q.shape[1]):
        by_scores, by_mix = _head(depths, q[:, head], k[:, head], v[:, head], mask, scale)
        variance[:, head] = by_scores + by_mix
        whole = np.where(variance[:, head] > 0, variance[:, head], 1.0)
        share = np.maximum(share, (by_scores / whole).sum(axis=-1))
    return Spread(variance.reshape(len(q), -1), share + 1.0)


def _head(
    depths: _Depths, q: Doubles, k: Doubles, v: Doubles, mask: NDArray[np.bool_], scale: float
) -> tuple[Doubles, Doubles]:
    """Of one head, [queries, head_dim] each: what errors of scores do, and what roundings of the mix do."""
    raw = q @ k.T * scale
    scores = np.where(mask, raw, -np.inf)
    below = np.where(mask, raw - scores.max(axis=-1, keepdims=True), 0.0)
    p = np.where(mask, np.exp(below), 0.0)
    p /= p.sum(axis=-1, keepdims=True)
    products = (q * q) @ (k * k).T * scale**2
    roundings: Any = depths.scores * (raw**2 + products) + depths.sides * (raw**2 + below**2 + 2)
    weights = p * p * (U * U * roundings + depths.sides * EXP * EXP)
    y = p @ v
    # sum_j w_j (v_j - y)^2, by which cancellation below 0 is only rounding
    moved = np.maximum(weights @ (v * v) - 2 * y * (weights @ v) + y * y * weights.sum(axis=-1, keepdims=True), 0.0)
    mixed = U * U * depths.mix[:, None] * (y * y + (p * p) @ (v * v))
    return moved, mixed
