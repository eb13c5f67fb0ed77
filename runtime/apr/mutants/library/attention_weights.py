"""Faults of `attention_weights` and `head_scale`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library import attending
from apr.mutants.library.attending import distance, in_f16, products
from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}
_of_scale = partial(mutant, of="head_scale", into=MUTANTS)
_of_weights = partial(mutant, of="attention_weights", into=MUTANTS)


@_of_scale("scale-of-the-width", fault="1 / head_dim, without the root")
def _(head_dim: int) -> float:
    return 1 / head_dim


@_of_scale("scale-turned-over", fault="sqrt(head_dim), where scores are multiplied")
def _(head_dim: int) -> float:
    return float(np.sqrt(head_dim))


@_of_scale("scale-of-one-more", fault="1 / sqrt(head_dim + 1)")
def _(head_dim: int) -> float:
    return float((head_dim + 1) ** -0.5)


@_of_scale("scale-of-64", fault="1 / 8, whatever the width")
def _(head_dim: int) -> float:  # noqa: ARG001  the fault is to ignore it
    return 0.125


@_of_scale("scale-in-f16", fault="rounded to float16")
def _(head_dim: int) -> float:
    return float(np.float16(head_dim**-0.5))


def _weights(
    q: Floats,
    k: Floats,
    scale: float,
    *,
    score: Callable[[Floats, Floats, float], Floats] = products,
    weigh: Callable[[Floats], Floats] = softmax,
    ahead: int = 0,
    hidden: float = -np.inf,
) -> Floats:
    seen = distance(q, k) >= -ahead
    scores = [score(q[:, h], k[:, h], scale) for h in range(q.shape[1])]
    return np.stack([weigh(np.where(seen, one, one.dtype.type(hidden))) for one in scores]).astype(q.dtype)


@_of_weights("weights-divided-by-scale", fault="scores are divided by the scale")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(q, k, 1 / scale)


@_of_weights("weights-without-scale", fault="scores are not scaled")
def _(q: Floats, k: Floats, scale: float) -> Floats:  # noqa: ARG001  the fault is to ignore it
    return _weights(q, k, 1.0)


@_of_weights("weights-scaled-twice", fault="queries and keys are scaled, and their product so twice")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(q, k, scale * scale)


@_of_weights("weights-of-negative-scores", fault="the sign of the scores is turned")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(q, k, -scale)


@_of_weights("weights-sigmoid", fault="sigmoids divided by their sum in place of a softmax")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    def weigh(scores: Floats) -> Floats:
        gates = 1 / (1 + np.exp(-np.clip(scores, -60, 60)))
        kept = np.where(np.isneginf(scores), 0, gates)
        out: Floats = kept / kept.sum(axis=-1, keepdims=True)
        return out

    return _weights(q, k, scale, weigh=weigh)


@_of_weights("weights-soft-capped", fault="scores are capped at 30 by a tanh, for a model without a cap")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(q, k, scale, score=lambda a, b, c: 30 * np.tanh(products(a, b, c) / 30))


@_of_weights("weights-over-queries", fault="the softmax runs along the queries")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(q, k, scale, weigh=attending.over_queries)


@_of_weights("weights-one-in-total", fault="the total of a softmax has one more")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(q, k, scale, weigh=attending.one_in_total)


@_of_weights("weights-not-divided", fault="exponentials are not divided by their sum")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(q, k, scale, weigh=lambda scores: np.exp(scores - scores.max(axis=-1, keepdims=True)))


@_of_weights("weights-without-top", fault="exponentials of the scores themselves, which overflow above 88")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(q, k, scale, weigh=attending.without_top)


@_of_weights("weights-see-one-ahead", fault="queries see the position after their own")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(q, k, scale, ahead=1)


@_of_weights("weights-mask-of-minus-20", fault="masked scores are -20, which is low and not lowest")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(q, k, scale, hidden=-20)


@_of_weights("weights-scores-in-f16", fault="scores are rounded to float16")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(q, k, scale, score=lambda a, b, c: in_f16(products(a, b, c)))


@_of_weights("weights-of-the-first-head", fault="all heads have the weights of the first")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    first = _weights(q[:, :1], k[:, :1], scale)
    return np.repeat(first, q.shape[1], axis=0)


@_of_weights("weights-of-bounded-queries", fault="queries are cut off at 4 before they meet the keys")
def _(q: Floats, k: Floats, scale: float) -> Floats:
    return _weights(np.clip(q, -4, 4), k, scale)
