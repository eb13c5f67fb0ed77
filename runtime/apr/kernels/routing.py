"""Routing and dispatch of a mixture of experts, plain arrays in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.ops.activation import silu
from apr.ops.experts import choose_experts, expert_weights, through_experts, weighted_sum
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Indices = NDArray[np.integer[Any]]

__all__ = ["choose_experts", "expert_weights", "moe_dispatch", "moe_route"]


def moe_route(logits: Floats, used: int) -> tuple[Floats, Indices]:
    """How much each of the experts counts that a position goes to, and which they are, the likeliest first.

    A softmax over all experts, the `used` likeliest, of equal ones the lower index, their probabilities divided by their sum
    (Yang et al. 2025, as Qwen3 routes).

    Args:
        logits: [positions, experts] floats.
        used: experts a position, from 1 to all of them.

    Returns:
        [positions, used] weights in the dtype of the logits, and [positions, used] indices.
    """
    probabilities = softmax(logits)
    chosen = choose_experts(probabilities, used)
    return expert_weights(probabilities, chosen), chosen


def moe_dispatch(x: Floats, gate: Floats, up: Floats, down: Floats, chosen: Indices, weights: Floats) -> Floats:
    """Each position through its experts: sum over r of weights[t, r] * down_e (silu(gate_e x_t) * up_e x_t), e = chosen[t, r].

    Shazeer et al. 2017, equation 1, with the gated experts of Shazeer 2020. Outputs are added in order of rank.

    Args:
        x: [positions, hidden] floats.
        gate: [experts, inner, hidden].
        up: the same shape.
        down: [experts, hidden, inner].
        chosen: [positions, used] indices of experts.
        weights: [positions, used].

    Returns:
        [positions, hidden] in the dtype of x.
    """

    def expert(rows: Floats, index: int) -> Floats:
        out: Floats = (silu(rows @ gate[index].T) * (rows @ up[index].T)) @ down[index].T
        return out

    taken = np.asarray(chosen, np.intp)
    rows = np.broadcast_to(x[:, None], (*taken.shape, x.shape[-1]))
    return weighted_sum(through_experts(rows, taken, x.shape[-1], expert, x.dtype), weights)
