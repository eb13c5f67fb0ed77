"""Faults of counts of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.kernels.shapes_counts import parameters_llama, parameters_qwen2, parameters_qwen3, parameters_qwen3moe
from apr.mutants.library.planting import mutant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Whole = NDArray[np.int64]

MUTANTS: dict[str, KernelMutant] = {}


@mutant("parameters-tied-twice", of="parameters_llama", fault="a tied head counts once more", into=MUTANTS)
def _(layers: int, hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int,
      _tied: bool, biased: bool = False) -> Whole:  # fmt: skip
    return parameters_llama(layers, hidden, feed_forward, heads, kv_heads, head_dim, vocabulary, False, biased)


@mutant(
    "parameters-keys-of-all-heads", of="parameters_llama", fault="keys and values count as without groups", into=MUTANTS
)
def _(layers: int, hidden: int, feed_forward: int, heads: int, _kv_heads: int, head_dim: int, vocabulary: int,
      tied: bool, biased: bool = False) -> Whole:  # fmt: skip
    return parameters_llama(layers, hidden, feed_forward, heads, heads, head_dim, vocabulary, tied, biased)


@mutant("parameters-without-gate", of="parameters_llama", fault="two matrices of a feed-forward part count, as without a gate",
        into=MUTANTS)  # fmt: skip
def _(layers: int, hidden: int, feed_forward: int, *rest: Any) -> Whole:
    return parameters_llama(layers, hidden, feed_forward, *rest) - layers * hidden * feed_forward


@mutant("parameters-one-norm", of="parameters_llama", fault="a layer has one norm", into=MUTANTS)
def _(layers: int, hidden: int, *rest: Any) -> Whole:
    return parameters_llama(layers, hidden, *rest) - layers * hidden


@mutant("parameters-final-norm", of="parameters_llama", fault="the last norm is left out", into=MUTANTS)
def _(layers: int, hidden: int, *rest: Any) -> Whole:
    return parameters_llama(layers, hidden, *rest) - hidden


@mutant("parameters-in-float32", of="parameters_llama", fault="the sum is a float32, of 24 bits", into=MUTANTS)
def _(*given: Any) -> Whole:
    return parameters_llama(*given).astype("float32").astype("int64")


@mutant("parameters-biases-forgotten", of="parameters_qwen2", fault="biases do not count", into=MUTANTS)
def _(*given: Any) -> Whole:
    return parameters_llama(*given)


@mutant("parameters-value-bias", of="parameters_qwen2", fault="the bias of values does not count", into=MUTANTS)
def _(layers: int, hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, *rest: Any) -> Whole:
    counted = parameters_qwen2(layers, hidden, feed_forward, heads, kv_heads, head_dim, *rest)
    return counted - layers * kv_heads * head_dim


@mutant("parameters-heads-of-hidden", of="parameters_qwen3", fault="heads are hidden / heads wide", into=MUTANTS)
def _(layers: int, hidden: int, feed_forward: int, heads: int, kv_heads: int, _head_dim: int, *rest: Any) -> Whole:
    return parameters_qwen3(layers, hidden, feed_forward, heads, kv_heads, max(1, hidden // heads), *rest)


@mutant("parameters-head-norms", of="parameters_qwen3", fault="norms of single heads do not count", into=MUTANTS)
def _(*given: Any) -> Whole:
    return parameters_llama(*given)


@mutant("parameters-one-expert", of="parameters_qwen3moe", fault="one expert of a layer counts", into=MUTANTS)
def _(layers: int, hidden: int, _experts: int, *rest: Any) -> Whole:
    return parameters_qwen3moe(layers, hidden, 1, *rest)


@mutant("parameters-router", of="parameters_qwen3moe", fault="the router does not count", into=MUTANTS)
def _(layers: int, hidden: int, experts: int, *rest: Any) -> Whole:
    return parameters_qwen3moe(layers, hidden, experts, *rest) - layers * hidden * experts


@mutant(
    "parameters-first-layer-dense",
    of="parameters_qwen3moe",
    fault="the first layer has one expert, as in families whose first layer is dense",
    into=MUTANTS,
)
def _(layers: int, hidden: int, experts: int, expert_feed_forward: int, *rest: Any) -> Whole:
    counted = parameters_qwen3moe(layers, hidden, experts, expert_feed_forward, *rest)
    return counted - 3 * (experts - 1) * hidden * expert_feed_forward * min(1, layers)
