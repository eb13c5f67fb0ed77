"""Null models of a router of experts: softmax of logits over all experts, the k likeliest, their weights over the weights' sum.

**Weights.** w_i = exp(l_i) / sum over those chosen of exp(l_j), so errors eta_j of the logits' exponentials move w_i by
w_i (eta_i - sum_j w_j eta_j): w_i^2 ((1 - 2 w_i) eta_i^2 + sum_j w_j^2 eta_j^2). eta_j^2 is the squared proxy of a logit, a sum
like any other, and for each side in float32 the exponential and u^2 (l - max)^2, with four more roundings of the weight itself (two
divisions or products, the sum of at most k terms counted as two). They add up to 1, so a row is one error.

**Choice.** Whole numbers agree or they do not, but two experts whose logits are less than `_NEAR` of their common proxy apart may
change places honestly: P(|d| > 8 tau) is at most 2 exp(-32), 3e-14. A rank that this leaves to one expert holds that expert. At the
others tau is infinite, and who may stand there is judged by the ranking, see `ranking`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from apr.parity.null.pair import EXP, Pair, U
from apr.parity.null.ranking import open_ranks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

_NEAR = 8.0


class Logits(NamedTuple):
    """Of a router, [positions, experts] each: as the judge computed them, and their squared proxies."""

    values: Doubles
    variance: Doubles


def _relative(pair: Pair, logits: Logits) -> Doubles:
    """Squared relative proxies of the exponentials."""
    below = logits.values - logits.values.max(axis=-1, keepdims=True)
    exponential: Doubles = logits.variance + pair.narrow * (EXP**2 + (U * below) ** 2)
    return exponential


def variance_of_weights(pair: Pair, logits: Logits, chosen: NDArray[np.intp]) -> Doubles:
    """Squared proxies of the weights of the experts chosen: [positions, used]."""
    taken = np.take_along_axis(logits.values, chosen, axis=-1)
    w = np.exp(taken - taken.max(axis=-1, keepdims=True))
    w /= w.sum(axis=-1, keepdims=True)
    eta = np.take_along_axis(_relative(pair, logits), chosen, axis=-1)
    together = (w * w * eta).sum(axis=-1, keepdims=True)
    own = U * U * (4 * pair.narrow + 2 * pair.mixed)
    squared: Doubles = w * w * (np.maximum(1 - 2 * w, 0.0) * eta + together + own)
    return squared


def ranking(pair: Pair, logits: Logits) -> Doubles:
    """Logits, and the squares of what they may be off: [2, positions, experts], see `apr.parity.null.ranking`."""
    return np.stack([logits.values, _NEAR**2 * _relative(pair, logits)])


def variance_of_choice(ranked: Doubles, used: int) -> Doubles:
    """0 where a rank must hold the same expert, infinite where several could: [positions, used]."""
    return np.where(open_ranks(ranked, used), np.inf, 0.0)
