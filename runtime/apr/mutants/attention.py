"""Faults of attention, planted in a model of 30 layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apr.mutants.planting import Call, Mutant, at, output
from apr.ops.attention import repeat_heads

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.capture import Array


class _Heads(NamedTuple):
    """Queries [positions, heads, head_dim]; keys and values [positions, kv_heads, head_dim]."""

    q: Array
    k: Array
    v: Array


def _heads(call: Call) -> _Heads:
    model = call.model
    parts = (call.input("q_post_rope"), call.input("k_post_rope"), model.values(call.input("qkv")))
    return _Heads(*(np.asarray(x, model.arithmetic.dtype).reshape(len(x), -1, model.config.head_dim) for x in parts))


def _attention_with(
    call: Call,
    *,
    scale: float = 1.0,
    ahead: int = 0,
    repeat: Callable[[Array, int], Array] = repeat_heads,
    cache: Any = None,
) -> Array:
    """Attention with one thing wrong: the scale multiplied, positions ahead seen, heads repeated otherwise, or a rounded cache."""
    config, (q, k, v) = call.model.config, _heads(call)
    if cache is not None:
        k, v = k.astype(cache).astype(q.dtype), v.astype(cache).astype(q.dtype)
    k, v = repeat(k, config.n_heads), repeat(v, config.n_heads)
    mask = call.positions[:, None] + ahead >= call.positions[None, :]
    out: Array = call.model.arithmetic.attend(q, k, v, mask, scale * config.head_dim**-0.5)
    return out


def _tiled(x: Array, n_heads: int) -> NDArray[Any]:
    """Query head h reads head h mod kv_heads."""
    return np.tile(x, (1, n_heads // x.shape[1], 1))


def _probabilities_in_float16(call: Call) -> Array:
    config, (q, k, v) = call.model.config, _heads(call)
    k, v = repeat_heads(k, config.n_heads), repeat_heads(v, config.n_heads)
    mask = call.positions[:, None] >= call.positions[None, :]
    mixed = np.empty(q.shape, q.dtype)
    for head in range(q.shape[1]):
        products = (q[:, head].astype(np.float64) @ k[:, head].astype(np.float64).T).astype(q.dtype)
        scores = np.where(mask, products * q.dtype.type(config.head_dim**-0.5), q.dtype.type(-np.inf))
        weights = np.asarray(call.model.arithmetic.softmax(scores)).astype(np.float16).astype(np.float64)
        mixed[:, head] = weights @ v[:, head].astype(np.float64)
    return mixed.reshape(len(q), -1)


def _first_two_k_heads_swapped(call: Call) -> Array:
    k, width = call.input("k_post_rope").copy(), call.model.config.head_dim
    k[:, :width], k[:, width : 2 * width] = k[:, width : 2 * width].copy(), k[:, :width].copy()
    return call.with_input("k_post_rope", k)


def _head_gain(factor: float) -> Callable[[Call], Array]:
    """The fifth head, or the last of fewer."""

    def faulty(call: Call) -> Array:
        width = call.model.config.head_dim
        start = min(4, call.model.config.n_heads - 1) * width

        def change(out: Array) -> None:
            out[:, start : start + width] *= out.dtype.type(factor)

        return output(change)(call)

    return faulty


def _attention(
    name: str, fault: str, layer: int | None, change: Callable[[Call], Array], kinds: tuple[str, ...] = ()
) -> Mutant:
    return Mutant(name, fault, "attention", layer or 0, at("attention", layer, change), kinds=kinds)


_ALL = [
    _attention("mask-off-by-one", "layer 22 sees one position ahead", 22, lambda c: _attention_with(c, ahead=1), kinds=("mask",)),
    _attention("mask-missing", "layer 2 sees every position", 2, lambda c: _attention_with(c, ahead=1 << 30), kinds=("mask",)),
    _attention("scale-head-dim-65", "attention scaled by 1/sqrt(head_dim + 1)", None,
               lambda c: _attention_with(c, scale=(1 + 1 / c.model.config.head_dim) ** -0.5), kinds=("scale",)),
    _attention("scale-omitted", "scores are not scaled", None,
               lambda c: _attention_with(c, scale=c.model.config.head_dim**0.5), kinds=("scale",)),
    _attention("scale-1.00001", "attention scale off by 0.001 % in layer 3", 3, lambda c: _attention_with(c, scale=1.00001), kinds=("scale",)),
    _attention("k-heads-swapped", "key heads 0 and 1 swapped in layer 9", 9, _first_two_k_heads_swapped, kinds=("permutation",)),
    _attention("heads-tiled", "grouped heads tiled instead of repeated in layer 9", 9, lambda c: _attention_with(c, repeat=_tiled), kinds=("permutation",)),
    _attention("cache-f16", "keys and values rounded to float16", None, lambda c: _attention_with(c, cache=np.float16), kinds=("rounding",)),
    _attention("probabilities-f16", "the softmax is rounded to float16", None, _probabilities_in_float16, kinds=("rounding",)),
    _attention("head-gain-2e-4", "one head of layer 12 is 0.02 % too large", 12, _head_gain(1.0002), kinds=("head gain",)),
    _attention("head-gain-2e-6", "one head of layer 12 is 0.0002 % too large", 12, _head_gain(1.000002), kinds=("head gain",)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
