"""Attention: queries, keys and values as [positions, heads, head_dim]; the last query stands at the position of the last key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.models.cache import KvCache
from apr.ops import attention as ops
from apr.ops.flash import attend_in_blocks
from apr.ops.norm import rms_norm
from apr.stages import StageKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Mask = NDArray[np.bool_]


def head_scale(head_dim: int) -> float:
    """What scores of heads so wide are multiplied by: 1 / sqrt(head_dim) (Vaswani et al. 2017, section 3.2.1)."""
    return ops.head_scale(head_dim)


def attention_weights(q: Floats, k: Floats, scale: float) -> Floats:
    """How much each query takes of each position up to its own: [heads, queries, keys], in the dtype of q.

    Args:
        q: [queries, heads, head_dim].
        k: [keys, heads, head_dim], keys >= queries.
        scale: of the scores.
    """
    q, k, mask = np.ascontiguousarray(q), np.ascontiguousarray(k), _causal(q, k)
    return np.stack([ops.attention_weights(q[:, head], k[:, head], mask, scale) for head in range(q.shape[1])])


def attention(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    """Causal attention: [queries, heads, value_dim], in the dtype of q (Vaswani et al. 2017, equation 1).

    Args:
        q: [queries, heads, head_dim].
        k: [keys, heads, head_dim], keys >= queries.
        v: [keys, heads, value_dim].
        scale: of the scores, usually 1 / sqrt(head_dim).
    """
    return _heads(ops.attend(q, k, v, _causal(q, k), scale), q)


def attention_full(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    """Attention without a mask; arguments and result as of `attention`, with any number of queries."""
    return _heads(ops.attend(q, k, v, np.ones((len(q), len(k)), np.bool_), scale), q)


def sliding_window_attention(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    """Causal attention to a query's own position and the window - 1 before it; otherwise as `attention`.

    Beltagy et al. 2020, section 3.1; Jiang et al. 2023, section 2.
    """
    return _heads(ops.attend(q, k, v, _window(q, k, window), scale), q)


def grouped_attention(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    """Causal attention in which heads / kv_heads heads of queries in a row share one of keys and values.

    Args:
        q: [queries, heads, head_dim].
        k: [keys, kv_heads, head_dim].
        v: [keys, kv_heads, value_dim].
        scale: of the scores.

    Returns:
        [queries, heads, value_dim] (Ainslie et al. 2023, section 2.2).

    Raises:
        ValueError: heads are no multiple of kv_heads.
    """
    heads = q.shape[1]
    return attention(q, ops.repeat_heads(k, heads), ops.repeat_heads(v, heads), scale)


def qk_norm(x: Floats, weight: Floats, epsilon: float) -> Floats:
    """Root mean square normalisation of every head of queries or keys by itself, before the rotation.

    Args:
        x: [positions, heads, head_dim].
        weight: [head_dim], the same for all heads.
        epsilon: added to the mean of squares.

    Returns:
        [positions, heads, head_dim] (Dehghani et al. 2023, section 2; Yang et al. 2025, Qwen3).
    """
    return rms_norm(x, weight, epsilon)


def flash_attention(q: Floats, k: Floats, v: Floats, scale: float, block: int) -> Floats:
    """Causal attention over blocks of so many keys; otherwise as `attention` (Dao et al. 2022, algorithm 1).

    Raises:
        ValueError: block < 1.
    """
    return _heads(attend_in_blocks(q, k, v, _causal(q, k), scale, block), q)


def flash_window_attention(q: Floats, k: Floats, v: Floats, scale: float, window: int, block: int) -> Floats:
    """Attention to a sliding window over blocks of so many keys; otherwise as `sliding_window_attention`.

    Raises:
        ValueError: block < 1.
    """
    return _heads(attend_in_blocks(q, k, v, _window(q, k, window), scale, block), q)


def cached_attention(q: Floats, k: Floats, v: Floats, scale: float, ends: Mask) -> Floats:
    """Causal attention of one text in several passes, each of which reads what earlier ones left in the cache.

    Args:
        q: [positions, heads, head_dim].
        k: [positions, kv_heads, head_dim].
        v: [positions, kv_heads, head_dim].
        scale: of the scores.
        ends: [positions], True where a pass ends; the last position always ends one.

    Returns:
        [positions, heads, head_dim].

    Raises:
        ValueError: heads are no multiple of kv_heads.
    """
    cache, parts, start = KvCache(1), [], 0
    flat_k, flat_v = k.reshape(len(k), -1), v.reshape(len(v), -1)
    for end in [*(np.flatnonzero(ends[:-1]) + 1), len(q)]:
        cache.add(0, flat_k[start:end], flat_v[start:end], np.arange(start, end))
        past = cache.past(0)
        keys, values = (past[StageKey(name, 0)].reshape(-1, *k.shape[1:]) for name in ("past_keys", "past_values"))
        parts.append(grouped_attention(q[start:end], keys, values, scale))
        start = end
    return np.concatenate(parts)


def _positions(q: Floats, k: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.arange(len(k) - len(q), len(k)), np.arange(len(k))


def _causal(q: Floats, k: Floats) -> Mask:
    return ops.causal_mask(*_positions(q, k))


def _window(q: Floats, k: Floats, window: int) -> Mask:
    return ops.window_mask(*_positions(q, k), window)


def _heads(mixed: Floats, q: Floats) -> Floats:
    return mixed.reshape(len(q), q.shape[1], -1)
