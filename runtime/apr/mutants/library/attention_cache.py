"""Faults of `cached_attention`: what goes wrong between two passes over one text."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.attending import attend, in_f16
from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.attention import repeat_heads

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Mask = NDArray[np.bool_]
    Past = Callable[[Floats, int], Floats]

MUTANTS: dict[str, KernelMutant] = {}
_of_cache = partial(mutant, of="cached_attention", into=MUTANTS)
_ROOM = 16  # rows that there is room for at first


def _whole(x: Floats, start: int) -> Floats:
    return x[:start]


def _causal(start: int, end: int, keys: int) -> Mask:
    """Queries from start to end, of whose positions the last is that of the last of so many keys."""
    own = np.arange(keys - (end - start), keys)
    out: Mask = own[:, None] >= np.arange(keys)[None, :]
    return out


def _spans(ends: Mask) -> list[tuple[int, int]]:
    """Where each pass begins and ends."""
    inner = (np.flatnonzero(ends[:-1]) + 1).tolist()
    return list(pairwise([0, *inner, len(ends)]))


def _passes(
    q: Floats,
    k: Floats,
    v: Floats,
    scale: float,
    ends: Mask,
    *,
    past_keys: Past = _whole,
    past_values: Past = _whole,
    repeat: Callable[[Floats, int], Floats] = repeat_heads,
    mask: Callable[[int, int, int], Mask] = _causal,
) -> Floats:
    """Attention pass by pass; what a pass finds in the cache, how heads share it and what it sees can be others."""
    parts = []
    for start, end in _spans(ends):
        keys = np.concatenate([past_keys(k, start), k[start:end]])
        values = np.concatenate([past_values(v, start), v[start:end]])
        shared = (repeat(keys, q.shape[1]), repeat(values, q.shape[1]))
        parts.append(attend(q[start:end], *shared, scale, mask(start, end, len(keys))))
    return np.concatenate(parts)


def _of_past(name: str, fault: str, past: Past) -> None:
    """A fault of what is found in the cache, keys and values alike."""

    @_of_cache(name, fault=fault)
    def _(q: Floats, k: Floats, v: Floats, scale: float, ends: Mask) -> Floats:
        return _passes(q, k, v, scale, ends, past_keys=past, past_values=past)


def _of_mask(name: str, fault: str, mask: Callable[[int, int, int], Mask]) -> None:
    """A fault of what the queries of a pass see."""

    @_of_cache(name, fault=fault)
    def _(q: Floats, k: Floats, v: Floats, scale: float, ends: Mask) -> Floats:
        return _passes(q, k, v, scale, ends, mask=mask)


def _lost_when_grown(x: Floats, start: int) -> Floats:
    kept = x[:start].copy()
    if start > _ROOM:
        kept[:_ROOM] = 0
    return kept


def _in_bf16(x: Floats, start: int) -> Floats:
    bits = x[:start].astype(np.float32).view(np.uint32)
    return (bits & np.uint32(0xFFFF0000)).view(np.float32).astype(x.dtype)


_of_past("cache-forgets", "a pass does not see those before it", lambda x, _: x[:0])
_of_past("cache-last-row-overwritten", "a pass is written one row early, over the last of the pass before",
         lambda x, start: x[: max(0, start - 1)])  # fmt: skip
_of_past("cache-first-row-lost", "the cache is read from its second row on", lambda x, start: x[1:start])
_of_past("cache-lost-when-grown", "rows are not copied when the cache grows beyond 16", _lost_when_grown)
_of_past(
    "cache-ring-of-16",
    "the seventeenth row is written over the first",
    lambda x, start: x[max(0, start - _ROOM) : start],
)
_of_past(
    "cache-first-row-twice", "the first row is stored twice", lambda x, start: x[[0, *range(start)]] if start else x[:0]
)
_of_past("cache-in-f16", "keys and values are kept as float16", lambda x, start: in_f16(x[:start]))
_of_past("cache-cut-to-bf16", "keys and values are kept as the upper halves of their bits", _in_bf16)
_of_past("cache-of-the-last-four", "only the last four rows are found", lambda x, start: x[max(0, start - 4) : start])

_of_mask("cache-positions-from-zero", "positions of a pass are counted from 0",
         lambda start, end, keys: np.arange(end - start)[:, None] >= np.arange(keys)[None, :])  # fmt: skip
_of_mask(
    "cache-pass-not-causal",
    "queries of a pass see all of it",
    lambda start, end, keys: np.ones((end - start, keys), np.bool_),
)
_of_mask("cache-sees-past-only", "queries see what was cached before their pass, and of the pass the first row alone",
         lambda start, end, keys: np.broadcast_to(np.arange(keys) <= start, (end - start, keys)))  # fmt: skip


@_of_cache("cache-values-one-behind", fault="the values of a cached position are those of the one before it")
def _(q: Floats, k: Floats, v: Floats, scale: float, ends: Mask) -> Floats:
    return _passes(q, k, v, scale, ends, past_values=lambda x, start: np.roll(x[:start], 1, axis=0))


@_of_cache("cache-heads-tiled", fault="head h reads head h mod kv_heads of what is cached")
def _(q: Floats, k: Floats, v: Floats, scale: float, ends: Mask) -> Floats:
    return _passes(q, k, v, scale, ends, repeat=lambda x, heads: np.tile(x, (1, heads // x.shape[1], 1)))


_LEFT: dict[tuple[int, ...], Floats] = {}


@_of_cache("cache-of-the-text-before", fault="keys are found that the last text of as many positions left")
def _(q: Floats, k: Floats, v: Floats, scale: float, ends: Mask) -> Floats:
    left = _LEFT.get(k.shape, k)
    _LEFT[k.shape] = k.copy()
    return _passes(q, k, v, scale, ends, past_keys=lambda _, start: left[:start])


@_of_cache("cache-empty-rows-seen", fault="rows that nothing was written to yet, zeros, are seen")
def _(q: Floats, k: Floats, v: Floats, scale: float, ends: Mask) -> Floats:
    parts, own = [], np.arange(len(k))
    for start, end in _spans(ends):
        written = (np.concatenate([x[:end], np.zeros_like(x[end:])]) for x in (k, v))
        keys, values = (repeat_heads(x, q.shape[1]) for x in written)
        seen = (own[start:end, None] >= own[None, :]) | (own >= end)
        parts.append(attend(q[start:end], keys, values, scale, seen))
    return np.concatenate(parts)


@_of_cache("cache-scales-in-place", fault="keys are scaled in the caller's memory when they are stored")
def _(q: Floats, k: Floats, v: Floats, scale: float, ends: Mask) -> Floats:
    k *= k.dtype.type(scale)
    return _passes(q, k, v, 1.0, ends)
