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


def repeat_heads(x: NDArray[np.floating[Any]], n_heads: int) -> NDArray[np.floating[Any]]:
    """[positions, kv_heads, head_dim] to [positions, heads, head_dim]: query head h reads head h // (heads / kv_heads)."""
    return np.repeat(x, n_heads // x.shape[1], axis=1)


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
        v: the same shape; value heads already repeated.
        mask: [queries, keys], True where a query may look.
        scale: usually 1 / sqrt(head_dim).

    Returns:
        [queries, heads * head_dim].
    """
    mixed = np.empty(q.shape, q.dtype)
    for head in range(q.shape[1]):  # one at a time: [queries, keys] of all heads at once is what would not fit
        scores = np.where(mask, q[:, head] @ k[:, head].T * q.dtype.type(scale), q.dtype.type(-np.inf))
        mixed[:, head] = softmax(scores) @ v[:, head]
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
