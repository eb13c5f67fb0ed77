"""The null model of root mean square norms, y = x w / sqrt(mean(x^2) + eps).

Between arithmetics `ggml` and `exact` there is one order of operations, and the sum of squares in float64 rounds the same in any:
every bit agrees (measured over every layer of every model here, and a claim of `stage-parity-v1`).

Otherwise a side in float32 rounds, for the whole row: n squares and their sum, whose partial sums all are at most the sum S, so
that its relative proxy is at most u sqrt(n + 1); the mean, the addition of eps, then the root halves what came so far and rounds
itself; a reciprocal. Relative: c^2 = u^2 ((n + 3) / 4 + 2). `ggml` sums in float64: c^2 = u^2 (3 / 4 + 2 + 1), the squares' own roundings
averaging to less than one. For each element two products, e^2 = 2 u^2, and where float64 meets float32 its rounded input
and output.

The row's part is common to all elements of a group (a row, or a head), so a group has an eigenvalue of
(n c^2 + e^2) / (c^2 + e^2) over its tau.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.parity.null.pair import Pair, U

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]


def _common(arithmetic: str, size: int) -> float:
    return {"f64": 0.0, "f32": (size + 3) / 4 + 2}.get(arithmetic, 3.75)


def _parts(pair: Pair, size: int) -> tuple[float, float]:
    """Squared relative proxies of what a group shares and of what each element has, in u^2."""
    shared = _common(pair.judge, size) + _common(pair.other, size)
    return shared, 2.0 * pair.narrow + 2.0 * pair.mixed


def _same(pair: Pair) -> bool:
    return "f64" not in pair and "f32" not in pair


def variance_of_norm(pair: Pair, y: Doubles, size: int) -> Doubles:
    """Squared proxies of a norm over groups of `size` elements: the shape of y."""
    if _same(pair):
        return np.zeros_like(y)
    squared: Doubles = U * U * sum(_parts(pair, size)) * y * y
    return squared


def rank_of_norm(pair: Pair, y: Doubles, size: int) -> Doubles | None:
    """[positions]: width over the greatest eigenvalue of a group."""
    if _same(pair):
        return None
    shared, own = _parts(pair, size)
    return np.full(len(y), y.shape[-1] * (shared + own) / (size * shared + own))
