"""Causal scaled dot product attention with grouped key and value heads (Vaswani et al. 2017; Ainslie et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.ops.softmax import softmax, softmax_ggml

if TYPE_CHECKING:
    from numpy.typing import NDArray

_F32, _F64 = np.float32, np.float64


def causal_mask(
    query_positions: NDArray[np.integer[Any]], key_positions: NDArray[np.integer[Any]]
) -> NDArray[np.bool_]:
    """[queries, keys]: True where a query may look, at its own position and before."""
    return query_positions[:, None] >= key_positions[None, :]


def window_mask(
    query_positions: NDArray[np.integer[Any]], key_positions: NDArray[np.integer[Any]], window: int
) -> NDArray[np.bool_]:
    """[queries, keys]: True for a query's own position and the window - 1 before it (Beltagy et al. 2020, section 3.1)."""
    distance = query_positions[:, None] - key_positions[None, :]
    seen: NDArray[np.bool_] = (distance >= 0) & (distance < window)
    return seen


def head_scale(head_dim: int) -> float:
    """1 / sqrt(head_dim), which keeps the variance of scores at one (Vaswani et al. 2017, section 3.2.1)."""
    return float(head_dim**-0.5)


def repeat_heads(x: NDArray[np.floating[Any]], n_heads: int) -> NDArray[np.floating[Any]]:
    """[positions, kv_heads, head_dim] to [positions, heads, head_dim]: query head h reads head h // (heads / kv_heads).

    Raises:
        ValueError: the heads of queries are no multiple of those of keys.
    """
    each, rest = divmod(n_heads, x.shape[1])
    if rest:
        raise ValueError(f"{n_heads} heads of queries cannot share {x.shape[1]} heads of keys evenly")
    return np.repeat(x, each, axis=1)


def attention_weights(
    q: NDArray[np.floating[Any]], k: NDArray[np.floating[Any]], mask: NDArray[np.bool_], scale: float
) -> NDArray[np.floating[Any]]:
    """softmax(q k^T * scale) of one head: [queries, keys] of q [queries, head_dim] and k [keys, head_dim], in the dtype of q."""
    return softmax(np.where(mask, q @ k.T * q.dtype.type(scale), q.dtype.type(-np.inf)))


def attend(
    q: NDArray[np.floating[Any]],
    k: NDArray[np.floating[Any]],
    v: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_],
    scale: float,
) -> NDArray[np.floating[Any]]:
    """softmax(q k^T * scale) v for each head, in the dtype of q.

    Args:
        q: [queries, heads, head_dim].
        k: [keys, heads, head_dim]; key heads already repeated.
        v: [keys, heads, value_dim]; value heads already repeated.
        mask: [queries, keys], True where a query may look.
        scale: usually 1 / sqrt(head_dim).

    Returns:
        [queries, heads * value_dim]; NaN where a query may look nowhere.
    """
    mixed = np.empty((*q.shape[:2], v.shape[2]), q.dtype)
    q, k, v = map(np.ascontiguousarray, (q, k, v))  # how a product adds up depends on how its operands lie in memory
    for head in range(q.shape[1]):  # one at a time: [queries, keys] of all heads at once is what would not fit
        mixed[:, head] = attention_weights(q[:, head], k[:, head], mask, scale) @ v[:, head]
    return mixed.reshape(len(q), -1)


def attend_ggml(
    q: NDArray[np.float32],
    k: NDArray[np.float32],
    v: NDArray[np.float32],
    mask: NDArray[np.bool_],
    scale: float,
) -> NDArray[np.float32]:
    """The same with the roundings of ggml-cpu (float32 cache, flash attention off); sums in float64.

    Scores are rounded to float32 before and after the scale, the softmax is float32 with a float64 total whose float32
    reciprocal is multiplied in. What is left against llama.cpp is its float32 summation order and its polynomial `exp`.
    """
    mixed = np.empty(q.shape, _F32)
    for head in range(q.shape[1]):
        products = (q[:, head].astype(_F64) @ k[:, head].astype(_F64).T).astype(_F32)
        scores = np.where(mask, products * _F32(scale), _F32(-np.inf))  # [queries, keys]
        mixed[:, head] = (softmax_ggml(scores).astype(_F64) @ v[:, head].astype(_F64)).astype(_F32)
    return mixed.reshape(len(q), -1)
