"""Faults of `attention` and `attention_full`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library import attending
from apr.mutants.library.attending import attend, distance, in_f16, products
from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}
_of_causal = partial(mutant, of="attention", into=MUTANTS)
_of_full = partial(mutant, of="attention_full", into=MUTANTS)


@_of_causal("attention-without-scale", fault="scores are not scaled")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:  # noqa: ARG001  the fault is to ignore it
    return attend(q, k, v, 1.0, distance(q, k) >= 0)


@_of_causal("attention-scaled-twice", fault="queries and keys are scaled, and their product so twice")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, v, scale * scale, distance(q, k) >= 0)


@_of_causal("attention-not-causal", fault="queries see later positions")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, v, scale, distance(q, k) >= -len(k))


@_of_causal("attention-sees-one-ahead", fault="queries see the position after their own")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, v, scale, distance(q, k) >= -1)


@_of_causal("attention-blind-to-itself", fault="queries do not see their own position")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, v, scale, distance(q, k) >= 1)


@_of_causal(
    "attention-mask-from-the-start", fault="fewer queries than keys are taken for the first positions, not the last"
)
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, v, scale, np.arange(len(q))[:, None] >= np.arange(len(k))[None, :])


@_of_causal("attention-mask-added", fault="-inf is added to masked scores, and NaN and infinity stay NaN")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    mask = lambda scores, seen: scores + np.where(seen, 0, -np.inf).astype(scores.dtype)  # noqa: E731  one line of a fault
    return attend(q, k, v, scale, distance(q, k) >= 0, mask=mask)


@_of_causal("attention-mask-of-minus-20", fault="masked scores are -20, which is low and not lowest")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    mask = lambda scores, seen: np.where(seen, scores, scores.dtype.type(-20))  # noqa: E731  one line of a fault
    return attend(q, k, v, scale, distance(q, k) >= 0, mask=mask)


@_of_causal("attention-masked-after-softmax", fault="weights are masked after the softmax and not normalised again")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    seen = distance(q, k) >= 0
    weigh = lambda scores: np.where(seen, softmax(scores), scores.dtype.type(0))  # noqa: E731  one line of a fault
    return attend(q, k, v, scale, seen, mask=lambda scores, _: scores, weigh=weigh)


@_of_causal("attention-softmax-over-queries", fault="the softmax runs along the queries")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, v, scale, distance(q, k) >= 0, weigh=attending.over_queries)


@_of_causal("attention-without-top", fault="exponentials of the scores themselves, which overflow above 88")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, v, scale, distance(q, k) >= 0, weigh=attending.without_top)


@_of_causal("attention-one-in-total", fault="the total of a softmax has one more")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, v, scale, distance(q, k) >= 0, weigh=attending.one_in_total)


@_of_causal("attention-scores-in-f16", fault="scores are rounded to float16")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    score = lambda a, b, c: in_f16(products(a, b, c))  # noqa: E731  one line of a fault
    return attend(q, k, v, scale, distance(q, k) >= 0, score=score)


@_of_causal("attention-weights-in-f16", fault="weights are rounded to float16 before they meet the values")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, v, scale, distance(q, k) >= 0, weigh=lambda scores: in_f16(softmax(scores)))


@_of_causal("attention-mixture-in-f16", fault="the mixture is rounded to float16")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return in_f16(attend(q, k, v, scale, distance(q, k) >= 0))


@_of_causal("attention-values-of-the-next-head", fault="a head mixes the values of the one after it")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, np.roll(v, -1, axis=1), scale, distance(q, k) >= 0)


@_of_causal("attention-total-of-all-heads", fault="scores of a head are added to those of the heads before it")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(np.cumsum(q, axis=1, dtype=q.dtype), k, v, scale, distance(q, k) >= 0)


@_of_causal("attention-keys-as-positions", fault="a slope of the distance is left on, as in ALiBi")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    away = distance(q, k)
    score = lambda a, b, c: products(a, b, c) - (away / 8).astype(a.dtype)  # noqa: E731  one line of a fault
    return attend(q, k, v, scale, away >= 0, score=score)


@_of_causal("attention-keys-normalised", fault="keys are divided by their length, for a model without such a norm")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    length = np.maximum(np.linalg.norm(k, axis=-1, keepdims=True), k.dtype.type(1e-6))
    return attend(q, (k / length).astype(k.dtype), v, scale, distance(q, k) >= 0)


@_of_causal("attention-scales-in-place", fault="queries are scaled in the caller's memory")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    q *= q.dtype.type(scale)
    return attend(q, k, v, 1.0, distance(q, k) >= 0)


_SCRATCH: dict[tuple[int, ...], Floats] = {}


@_of_causal("attention-scratch-not-cleared", fault="the mixture is added to what an earlier call left in its memory")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    scratch = _SCRATCH.setdefault((*q.shape[:2], v.shape[2]), np.zeros((*q.shape[:2], v.shape[2]), q.dtype))
    scratch += attend(q, k, v, scale, distance(q, k) >= 0)
    return scratch.copy()


@_of_full("full-attention-causal", fault="queries see no later positions")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, v, scale, distance(q, k) >= 0)


@_of_full("full-attention-without-the-last-key", fault="the last of several keys is not read")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    used = max(1, len(k) - 1)
    return attend(q, k[:used], v[:used], scale, np.ones((len(q), used), np.bool_))


@_of_full("full-attention-values-one-off", fault="the weight of a key goes to the value after it")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return attend(q, k, np.roll(v, -1, axis=0), scale, np.ones((len(q), len(k)), np.bool_))


@_of_full("full-attention-scores-in-f16", fault="scores are rounded to float16")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    score = lambda a, b, c: in_f16(products(a, b, c))  # noqa: E731  one line of a fault
    return attend(q, k, v, scale, np.ones((len(q), len(k)), np.bool_), score=score)
