"""Distances between predictions: what two rows of logits say about the next token.

`a` is the subject, `b` the reference; p_a and p_b are softmax(a) and softmax(b), everything in float64 from logits as they are.
A logit of -inf is a token that cannot come; any other value that is not finite makes the position NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.parity.metrics.formulas import worst

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.float64]
    Bools = NDArray[np.bool_]

TOP = (1, 5, 10)
# below it e^t - 1 - t is taken from its series, whose first term left out, t^5/120, is less than a rounding of the first, t²/2
_SMALL = 1e-4


@dataclass(frozen=True, eq=False)
class TopAgreement:
    """How far the k likeliest tokens agree; among equal logits the lower id comes first.

    Attributes:
        k: how many; no more than there are tokens.
        share: float64 [T], how many of the reference's top k are among the subject's, over k; NaN where a side is not a number.
        same_order: bool [T], the same tokens in the same order.
    """

    k: int
    share: Doubles
    same_order: Bools


@dataclass(frozen=True, eq=False)
class LogitsDifference:
    """Two arrays of logits, T positions over V tokens.

    Attributes:
        kl: float64 [T], KL(b || a) = sum(p_b · (log p_b - log p_a)) in nats, never negative; infinite where the subject rules out
            what the reference does not, NaN where a side is not a number.
        worst_position: the greatest KL, NaN first, then the lowest position.
        worst_kl: of that position.
        mean_kl: over the positions; NaN if one is. Reported, never judged: a mean hides a position.
        top: agreement for each k of `TOP`.
        argmax_differs: positions at which another token is the likeliest, or a side is not a number.
        argmax_gap: float64 [T], max(b) - b[argmax(a)]: how far below its best the reference sees the subject's choice; 0 where they
            agree, NaN where a side is not a number.
        margin: float64 [T], the reference's best logit less its second: what a gap has to be held against; infinite with one token.
    """

    kl: Doubles
    worst_position: int
    worst_kl: float
    mean_kl: float
    top: tuple[TopAgreement, ...]
    argmax_differs: tuple[int, ...]
    argmax_gap: Doubles
    margin: Doubles


def log_softmax(logits: Doubles) -> Doubles:
    """The logarithm of softmax, x - max(x) - log(sum(exp(x - max(x)))), float64 [V]; NaN throughout where something is NaN or +inf, or all are -inf."""
    with np.errstate(invalid="ignore"):
        shifted = logits - logits.max()
        result: Doubles = shifted - math.log(np.exp(shifted).sum())
    return result


def kl_divergence(a: Floats, b: Floats) -> float:
    """KL(b || a) of one position in nats, from logits float [V].

    Taken as sum(p_b · (e^t - 1 - t)), t = log p_a - log p_b, which is the same because both sum to 1. No term is negative, so nothing
    cancels: logits with the same bits are exactly 0 apart, and 1e-12 is as good a figure as 1.
    """
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    if not (_usable(wide_a) and _usable(wide_b)):
        return math.nan
    log_a, log_b = log_softmax(wide_a), log_softmax(wide_b)
    possible = log_b > -math.inf
    if (log_a[possible] == -math.inf).any():
        return math.inf
    # where the reference has nothing, e^t·p_b is what the subject has there
    elsewhere = float(np.exp(log_a[~possible]).sum())
    t = log_a[possible] - log_b[possible]
    p = np.exp(log_b[possible])
    with np.errstate(over="ignore", invalid="ignore"):
        terms = np.where(np.abs(t) < _SMALL, t * t * (0.5 + t * (1 / 6 + t / 24)), np.expm1(t) - t)
        # e^t may overflow where p vanishes, and their product is what the subject has
        terms = np.where(t > 1, np.exp(log_a[possible]) - p - p * t, p * terms)
    return float(terms.sum()) + elsewhere


def compare_logits(a: Floats, b: Floats) -> LogitsDifference:
    """The predictions of two sides, position by position.

    Args:
        a: float [T, V], the subject's logits.
        b: float [T, V], the reference's.

    Raises:
        ValueError: the shapes differ or are not two-dimensional, or there is nothing in them.
    """
    if a.shape != b.shape or a.ndim != 2 or not a.size:
        raise ValueError(f"shapes {a.shape} and {b.shape} are not the same [positions, tokens]")
    rows, tokens = a.shape
    kl, gap, margin = np.zeros(rows), np.zeros(rows), np.full(rows, math.inf)
    ks = tuple(dict.fromkeys(min(k, tokens) for k in TOP))
    share, order = np.zeros((len(ks), rows)), np.zeros((len(ks), rows), np.bool_)
    differs = []
    for row, (x, y) in enumerate(zip(a, b, strict=True)):
        kl[row] = kl_divergence(x, y)
        if math.isnan(kl[row]):
            gap[row] = margin[row] = math.nan
            share[:, row] = math.nan
            differs.append(row)
            continue
        best_x, best_y = top_tokens(x, ks[-1]), top_tokens(y, max(ks[-1], min(2, tokens)))
        for place, k in enumerate(ks):
            share[place, row] = len(np.intersect1d(best_x[:k], best_y[:k])) / k
            order[place, row] = np.array_equal(best_x[:k], best_y[:k])
        gap[row] = float(y[best_y[0]]) - float(y[best_x[0]])
        if tokens > 1:
            margin[row] = float(y[best_y[0]]) - float(y[best_y[1]])
        if best_x[0] != best_y[0]:
            differs.append(row)
    position = worst(kl)
    return LogitsDifference(
        kl=kl,
        worst_position=position,
        worst_kl=float(kl[position]),
        mean_kl=float(kl.mean()),
        top=tuple(TopAgreement(k, share[place], order[place]) for place, k in enumerate(ks)),
        argmax_differs=tuple(differs),
        argmax_gap=gap,
        margin=margin,
    )


def top_tokens(logits: Floats, k: int) -> NDArray[np.intp]:
    """The k likeliest tokens, the likeliest first, the lower id first among equals: intp [k]."""
    limit = np.partition(logits, logits.size - k)[logits.size - k]
    candidates = np.flatnonzero(logits >= limit)
    ranked: NDArray[np.intp] = candidates[np.argsort(-logits[candidates], kind="stable")][:k]
    return ranked


def _usable(logits: Doubles) -> bool:
    """Whether they say anything: no NaN, no +inf, and something possible."""
    return bool(math.isfinite(logits.max()))
