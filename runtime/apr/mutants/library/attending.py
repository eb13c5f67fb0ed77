"""What faults of attention are made of: the steps of attention, each of which can be another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Mask = NDArray[np.bool_]

F16, F32 = np.float16, np.float32


def distance(q: Floats, k: Floats) -> NDArray[np.intp]:
    """[queries, keys]: how many positions a key lies before a query; the last of both stand together."""
    out: NDArray[np.intp] = np.arange(len(k) - len(q), len(k))[:, None] - np.arange(len(k))[None, :]
    return out


def products(q: Floats, k: Floats, scale: float) -> Floats:
    """Scores of one head: [queries, keys]."""
    scores: Floats = q @ k.T * q.dtype.type(scale)
    return scores


def masked(scores: Floats, seen: Mask) -> Floats:
    """-inf where a query may not look."""
    return np.where(seen, scores, scores.dtype.type(-np.inf))


def attend(
    q: Floats,
    k: Floats,
    v: Floats,
    scale: float,
    seen: Mask,
    *,
    score: Callable[[Floats, Floats, float], Floats] = products,
    mask: Callable[[Floats, Mask], Floats] = masked,
    weigh: Callable[[Floats], Floats] = softmax,
) -> Floats:
    """Attention with any of its steps replaced: [queries, heads, value_dim]."""
    heads = [weigh(mask(score(q[:, h], k[:, h], scale), seen)) @ v[:, h] for h in range(q.shape[1])]
    return np.stack(heads, axis=1).astype(q.dtype)


def in_f16(x: Floats) -> Floats:
    """Rounded to float16 and back."""
    out: Floats = x.astype(F16).astype(x.dtype)
    return out


def without_top(scores: Floats) -> Floats:
    """A softmax of the scores themselves, which overflow above 88."""
    weights = np.exp(scores)
    out: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return out


def over_queries(scores: Floats) -> Floats:
    """A softmax along the wrong axis."""
    return softmax(scores.T).T


def one_in_total(scores: Floats) -> Floats:
    """A softmax whose total has one more (Miller 2023), for a model that was trained without it."""
    top = np.maximum(scores.max(axis=-1, keepdims=True), scores.dtype.type(0))
    weights = np.exp(scores - top)
    out: Floats = weights / (np.exp(-top) + weights.sum(axis=-1, keepdims=True))
    return out
