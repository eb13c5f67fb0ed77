"""Faults of the widths of stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.shapes_flow import flow_llama, flow_qwen2, flow_qwen3, flow_qwen3moe
from apr.mutants.library.planting import mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Whole = NDArray[np.int64]

MUTANTS: dict[str, KernelMutant] = {}


@mutant(
    "flow-attention-of-hidden",
    of="flow_llama",
    fault="attention gives rows as wide as the residual stream",
    into=MUTANTS,
)
def _(hidden: int, *rest: Any) -> Whole:
    widths = flow_llama(hidden, *rest)
    widths[5] = hidden
    return widths


@mutant("flow-qkv-one-part", of="flow_llama", fault="queries, keys and values count as three parts of the width of queries",
        into=MUTANTS)  # fmt: skip
def _(hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int) -> Whole:
    widths = flow_llama(hidden, feed_forward, heads, kv_heads, head_dim, vocabulary)
    widths[2] = 3 * heads * head_dim
    return widths


@mutant(
    "flow-keys-repeated", of="flow_llama", fault="keys are kept repeated, one head for each query head", into=MUTANTS
)
def _(*given: Any) -> Whole:
    widths = flow_llama(*given)
    widths[4] = widths[3]
    return widths


@mutant(
    "flow-gate-and-up-together", of="flow_llama", fault="gate and up come as one stage of twice the width", into=MUTANTS
)
def _(*given: Any) -> Whole:
    widths = flow_llama(*given)
    widths[9] *= 2
    return widths


@mutant(
    "flow-head-of-hidden", of="flow_llama", fault="the head gives rows as wide as the residual stream", into=MUTANTS
)
def _(hidden: int, *rest: Any) -> Whole:
    return np.append(flow_llama(hidden, *rest)[:-1], hidden)


@mutant("flow-bias-of-queries", of="flow_qwen2", fault="the biased stage holds queries alone", into=MUTANTS)
def _(*given: Any) -> Whole:
    widths = flow_qwen2(*given)
    widths[3] = widths[4]
    return widths


@mutant("flow-bias-skipped", of="flow_qwen2", fault="there is no stage of its own for the biases", into=MUTANTS)
def _(*given: Any) -> Whole:
    return flow_llama(*given)


@mutant("flow-norm-of-one-head", of="flow_qwen3", fault="the normed queries are those of one head", into=MUTANTS)
def _(hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int) -> Whole:
    widths = flow_qwen3(hidden, feed_forward, heads, kv_heads, head_dim, vocabulary)
    widths[3] = head_dim
    return widths


@mutant("flow-heads-of-hidden", of="flow_qwen3", fault="heads are hidden / heads wide", into=MUTANTS)
def _(hidden: int, feed_forward: int, heads: int, kv_heads: int, _head_dim: int, vocabulary: int) -> Whole:
    return flow_qwen3(hidden, feed_forward, heads, kv_heads, max(1, hidden // heads), vocabulary)


@mutant("flow-one-expert", of="flow_qwen3moe", fault="the experts' stages hold one of the chosen experts", into=MUTANTS)
def _(hidden: int, experts: int, used: int, expert_feed_forward: int, *rest: Any) -> Whole:
    widths = flow_qwen3moe(hidden, experts, used, expert_feed_forward, *rest)
    widths[13:17] = expert_feed_forward
    return widths


@mutant(
    "flow-weights-of-all", of="flow_qwen3moe", fault="the router's stage holds a weight for every expert", into=MUTANTS
)
def _(hidden: int, experts: int, *rest: Any) -> Whole:
    widths = flow_qwen3moe(hidden, experts, *rest)
    widths[12] = experts
    return widths


@mutant(
    "flow-experts-side-by-side",
    of="flow_qwen3moe",
    fault="outputs of the chosen experts are not added, but stand side by side",
    into=MUTANTS,
)
def _(hidden: int, experts: int, used: int, *rest: Any) -> Whole:
    widths = flow_qwen3moe(hidden, experts, used, *rest)
    widths[17] = used * hidden
    return widths
