"""Faults of inventories: a tensor too few or too many, or one of another shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.shapes_inventory import (
    tensor_shapes_llama,
    tensor_shapes_qwen2,
    tensor_shapes_qwen3,
    tensor_shapes_qwen3moe,
)
from apr.mutants.library.planting import mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Whole = NDArray[np.int64]

MUTANTS: dict[str, KernelMutant] = {}


def _outer(tied: bool) -> int:
    """Rows in front of the layers."""
    return 2 if tied else 3


def _layers(table: Whole, tied: bool, layers: int) -> Whole:
    """[layers, tensors of a layer, 3], to be written to."""
    return table[_outer(tied) :].reshape(layers, -1, 3)


@mutant(
    "inventory-head-despite-tied", of="tensor_shapes_llama", fault="a tied model is asked for a head, too", into=MUTANTS
)
def _(layers: int, hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int,
      _tied: bool, biased: bool = False) -> Whole:  # fmt: skip
    return tensor_shapes_llama(layers, hidden, feed_forward, heads, kv_heads, head_dim, vocabulary, False, biased)


@mutant("inventory-down-not-turned", of="tensor_shapes_llama", fault="the down projection has the shape of the up projection",
        into=MUTANTS)  # fmt: skip
def _(layers: int, hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int,
      tied: bool, biased: bool = False) -> Whole:  # fmt: skip
    table = tensor_shapes_llama(layers, hidden, feed_forward, heads, kv_heads, head_dim, vocabulary, tied, biased)
    _layers(table, tied, layers)[:, -1] = 1, feed_forward, hidden
    return table


@mutant("inventory-keys-of-all-heads", of="tensor_shapes_llama", fault="keys and values have a head for each query head",
        into=MUTANTS)  # fmt: skip
def _(layers: int, hidden: int, feed_forward: int, heads: int, _kv_heads: int, head_dim: int, vocabulary: int,
      tied: bool, biased: bool = False) -> Whole:  # fmt: skip
    return tensor_shapes_llama(layers, hidden, feed_forward, heads, heads, head_dim, vocabulary, tied, biased)


@mutant("inventory-dims-not-reversed", of="tensor_shapes_llama", fault="dimensions stand as GGUF writes them, innermost first",
        into=MUTANTS)  # fmt: skip
def _(*given: Any) -> Whole:
    table = tensor_shapes_llama(*given)
    return np.where(table[:, 1:2] == 1, table, table[:, [0, 2, 1]])


@mutant(
    "inventory-biases-forgotten", of="tensor_shapes_qwen2", fault="a qwen2 has the tensors of a llama", into=MUTANTS
)
def _(*given: Any) -> Whole:
    return tensor_shapes_llama(*given)


@mutant(
    "inventory-bias-of-hidden",
    of="tensor_shapes_qwen2",
    fault="the bias of keys is as long as that of queries",
    into=MUTANTS,
)
def _(layers: int, hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int,
      tied: bool) -> Whole:  # fmt: skip
    table = tensor_shapes_qwen2(layers, hidden, feed_forward, heads, kv_heads, head_dim, vocabulary, tied)
    rows = _layers(table, tied, layers)
    rows[:, 7] = rows[:, 6]
    return table


@mutant(
    "inventory-head-norms-forgotten",
    of="tensor_shapes_qwen3",
    fault="a qwen3 has no norms of single heads",
    into=MUTANTS,
)
def _(*given: Any) -> Whole:
    return tensor_shapes_llama(*given)


@mutant("inventory-norm-over-all-heads", of="tensor_shapes_qwen3", fault="the norm of queries has a gain for each column of all heads",
        into=MUTANTS)  # fmt: skip
def _(layers: int, hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int,
      tied: bool) -> Whole:  # fmt: skip
    table = tensor_shapes_qwen3(layers, hidden, feed_forward, heads, kv_heads, head_dim, vocabulary, tied)
    _layers(table, tied, layers)[:, 6, 2] = heads * head_dim
    return table


@mutant(
    "inventory-heads-of-hidden",
    of="tensor_shapes_qwen3",
    fault="heads are hidden / heads wide, as in a llama",
    into=MUTANTS,
)
def _(layers: int, hidden: int, feed_forward: int, heads: int, kv_heads: int, _head_dim: int, vocabulary: int,
      tied: bool) -> Whole:  # fmt: skip
    width = max(1, hidden // heads)
    return tensor_shapes_qwen3(layers, hidden, feed_forward, heads, kv_heads, width, vocabulary, tied)


@mutant(
    "inventory-experts-dense",
    of="tensor_shapes_qwen3moe",
    fault="a dense feed-forward part stands for the experts",
    into=MUTANTS,
)
def _(layers: int, hidden: int, _experts: int, expert_feed_forward: int, heads: int, kv_heads: int, head_dim: int,
      vocabulary: int, tied: bool) -> Whole:  # fmt: skip
    return tensor_shapes_qwen3(layers, hidden, expert_feed_forward, heads, kv_heads, head_dim, vocabulary, tied)


@mutant("inventory-experts-innermost", of="tensor_shapes_qwen3moe", fault="the number of experts is the innermost dimension",
        into=MUTANTS)  # fmt: skip
def _(layers: int, hidden: int, experts: int, expert_feed_forward: int, heads: int, kv_heads: int, head_dim: int,
      vocabulary: int, tied: bool) -> Whole:  # fmt: skip
    table = tensor_shapes_qwen3moe(
        layers, hidden, experts, expert_feed_forward, heads, kv_heads, head_dim, vocabulary, tied
    )
    rows = _layers(table, tied, layers)
    rows[:, -3:] = np.roll(rows[:, -3:], -1, axis=-1)
    return table


@mutant("inventory-router-forgotten", of="tensor_shapes_qwen3moe", fault="there is no router", into=MUTANTS)
def _(layers: int, hidden: int, experts: int, expert_feed_forward: int, heads: int, kv_heads: int, head_dim: int,
      vocabulary: int, tied: bool) -> Whole:  # fmt: skip
    table = tensor_shapes_qwen3moe(
        layers, hidden, experts, expert_feed_forward, heads, kv_heads, head_dim, vocabulary, tied
    )
    rows = _layers(table, tied, layers)
    return np.concatenate([table[: _outer(tied)], np.delete(rows, -4, axis=1).reshape(-1, 3)])
