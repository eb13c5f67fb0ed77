"""Attention over blocks of keys, without the matrix of all scores (Milakov and Gimelshein 2018; Dao et al. 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def attend_in_blocks(
    q: NDArray[np.floating[Any]],
    k: NDArray[np.floating[Any]],
    v: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_],
    scale: float,
    block: int,
) -> NDArray[np.floating[Any]]:
    """softmax(q k^T * scale) v for each head, as `apr.ops.attention.attend`; never more than `block` scores of a query.

    Args:
        q: [queries, heads, head_dim].
        k: [keys, heads, head_dim]; key heads already repeated.
        v: [keys, heads, value_dim]; value heads already repeated.
        mask: [queries, keys], True where a query may look; a block that no query may look at is not read.
        scale: usually 1 / sqrt(head_dim).
        block: how many keys are looked at together.

    Returns:
        [queries, heads * value_dim]; NaN where a query may look nowhere.

    Raises:
        ValueError: blocks without keys.
    """
    if block < 1:
        raise ValueError(f"a block of {block} keys cannot be attended to")
    mixed = np.empty((*q.shape[:2], v.shape[2]), q.dtype)
    q, k, v = map(np.ascontiguousarray, (q, k, v))  # how a product adds up depends on how its operands lie in memory
    for head in range(q.shape[1]):
        mixed[:, head] = _head(q[:, head], k[:, head], v[:, head], mask, q.dtype.type(scale), block)
    return mixed.reshape(len(q), -1)


def _head(
    q: NDArray[np.floating[Any]],
    k: NDArray[np.floating[Any]],
    v: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_],
    scale: np.floating[Any],
    block: int,
) -> NDArray[np.floating[Any]]:
    """One head: the greatest score so far, the total of the weights and the mixture of values, both relative to it."""
    top = np.full((len(q), 1), -np.inf, q.dtype)
    total = np.zeros((len(q), 1), q.dtype)
    mixed = np.zeros((len(q), v.shape[1]), q.dtype)
    for start in range(0, len(k), block):
        part = slice(start, start + block)
        if not mask[:, part].any():
            continue
        scores = np.where(mask[:, part], q @ k[part].T * scale, q.dtype.type(-np.inf))
        higher = np.maximum(top, scores.max(axis=-1, keepdims=True))
        # a query that has seen no key yet has no top: its weights are exp(-inf) = 0, and -inf - -inf would be NaN
        shift = np.where(np.isneginf(higher), q.dtype.type(0), higher)
        kept, weights = np.exp(top - shift), np.exp(scores - shift)
        total = total * kept + weights.sum(axis=-1, keepdims=True)
        mixed = mixed * kept + weights @ v[part]
        top = higher
    out: NDArray[np.floating[Any]] = mixed / total
    return out
