"""Faults of `grouped_attention`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.attending import attend, distance
from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.attention import repeat_heads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}
_of_groups = partial(mutant, of="grouped_attention", into=MUTANTS)


def _by(
    q: Floats, k: Floats, v: Floats, scale: float, keys: NDArray[Any], values: NDArray[Any] | None = None
) -> Floats:
    """Head h reads head keys[h] of the keys and head values[h] of the values."""
    chosen = keys if values is None else values
    return attend(q, k[:, keys], v[:, chosen], scale, distance(q, k) >= 0)


def _right(q: Floats, k: Floats) -> NDArray[Any]:
    return np.asarray(np.arange(q.shape[1]) // (q.shape[1] // k.shape[1]))


@_of_groups("groups-tiled", fault="head h reads head h mod kv_heads")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return _by(q, k, v, scale, np.arange(q.shape[1]) % k.shape[1])


@_of_groups("groups-values-tiled", fault="head h reads head h mod kv_heads of the values; the keys are right")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return _by(q, k, v, scale, _right(q, k), np.arange(q.shape[1]) % k.shape[1])


@_of_groups("groups-keys-tiled", fault="head h reads head h mod kv_heads of the keys; the values are right")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return _by(q, k, v, scale, np.arange(q.shape[1]) % k.shape[1], _right(q, k))


@_of_groups("groups-of-the-first", fault="all heads read the first head of keys and values")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return _by(q, k, v, scale, np.zeros(q.shape[1], np.intp))


@_of_groups("groups-reversed", fault="groups are counted from the last head")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return _by(q, k, v, scale, _right(q, k)[::-1])


@_of_groups("groups-one-off", fault="groups begin one head late")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return _by(q, k, v, scale, np.roll(_right(q, k), 1))


@_of_groups("groups-kv-heads-long", fault="head h reads head h // kv_heads: the number of groups for their length")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    return _by(q, k, v, scale, np.minimum(np.arange(q.shape[1]) // k.shape[1], k.shape[1] - 1))


@_of_groups("groups-averaged", fault="all heads read the mean of the heads of keys and values")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    mean_k, mean_v = (np.repeat(x.mean(axis=1, keepdims=True), q.shape[1], axis=1) for x in (k, v))
    return attend(q, mean_k, mean_v, scale, distance(q, k) >= 0)


@_of_groups("groups-queries-averaged", fault="the queries of a group are averaged, and its heads all give the same")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    heads, shared = q.shape[1], k.shape[1]
    mean = q.reshape(len(q), shared, heads // shared, -1).mean(axis=2)
    queries, keys, values = (repeat_heads(x, heads) for x in (mean, k, v))
    return attend(queries, keys, values, scale, distance(q, k) >= 0)


@_of_groups("groups-scale-of-the-group", fault="the scale is that of a head as wide as its whole group")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    heads = q.shape[1]
    narrower = scale / np.sqrt(heads // k.shape[1])
    return attend(q, repeat_heads(k, heads), repeat_heads(v, heads), narrower, distance(q, k) >= 0)


@_of_groups("groups-not-causal", fault="queries see later positions")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    heads = q.shape[1]
    return attend(q, repeat_heads(k, heads), repeat_heads(v, heads), scale, np.ones((len(q), len(k)), np.bool_))


@_of_groups("groups-reshaped", fault="keys and values are repeated along the memory, channels for heads")
def _(q: Floats, k: Floats, v: Floats, scale: float) -> Floats:
    heads = q.shape[1]
    each = heads // k.shape[1]
    spread_k, spread_v = (np.repeat(x.reshape(len(x), -1), each, axis=1).reshape(len(x), heads, -1) for x in (k, v))
    return attend(q, spread_k, spread_v, scale, distance(q, k) >= 0)
