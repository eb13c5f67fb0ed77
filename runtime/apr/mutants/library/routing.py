"""Faults of the routing of experts, and, from `dispatching`, of the way through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.routing import choose_experts, expert_weights
from apr.mutants.library import dispatching
from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Indices = NDArray[np.integer[Any]]

_ROUTING: dict[str, KernelMutant] = {}


def _by(probabilities: Floats, used: int) -> tuple[Floats, Indices]:
    chosen = choose_experts(probabilities, used)
    return expert_weights(probabilities, chosen), chosen


@mutant("route-not-normalised", of="moe_route", fault="weights are not divided by their sum", into=_ROUTING)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    probabilities = softmax(logits)
    chosen = choose_experts(probabilities, used)
    return np.take_along_axis(probabilities, chosen, -1), chosen


@mutant("route-sigmoid", of="moe_route", fault="a sigmoid stands for the softmax, as in other families", into=_ROUTING)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    return _by(1 / (1 + np.exp(-logits)), used)


@mutant(
    "route-without-maximum",
    of="moe_route",
    fault="exponentials of the logits themselves, which overflow",
    into=_ROUTING,
)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    with np.errstate(all="ignore"):
        powers = np.exp(logits)
        return _by(powers / powers.sum(axis=-1, keepdims=True), used)


@mutant("route-ties-to-the-higher", of="moe_route", fault="of equals the higher index comes first", into=_ROUTING)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    probabilities = softmax(logits)
    chosen = np.argsort(probabilities, axis=-1, kind="stable")[:, ::-1][:, :used]
    return expert_weights(probabilities, chosen), chosen


@mutant("route-weights-by-index", of="moe_route", fault="weights stand in the order of the indices", into=_ROUTING)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    probabilities = softmax(logits)
    chosen = choose_experts(probabilities, used)
    return expert_weights(probabilities, np.sort(chosen, axis=-1)), chosen


@mutant("route-over-positions", of="moe_route", fault="the softmax runs over the positions", into=_ROUTING)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    return _by(softmax(np.ascontiguousarray(logits.T)).T, used)


@mutant("route-in-float16", of="moe_route", fault="the probabilities are rounded to float16", into=_ROUTING)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    return _by(softmax(logits).astype(np.float16).astype(logits.dtype), used)


@mutant("choice-of-the-least", of="choose_experts", fault="the sort runs upwards", into=_ROUTING)
def _(probabilities: Floats, used: int) -> Indices:
    return np.argsort(probabilities, axis=-1, kind="stable")[:, :used]


@mutant("choice-not-stable", of="choose_experts", fault="the sort was turned round, so of equals the higher index comes first",
        into=_ROUTING)  # fmt: skip
def _(probabilities: Floats, used: int) -> Indices:
    return np.argsort(probabilities, axis=-1, kind="stable")[:, ::-1][:, :used]


@mutant("choice-in-any-order", of="choose_experts", fault="the k likeliest are taken, but not in order", into=_ROUTING)
def _(probabilities: Floats, used: int) -> Indices:
    return np.sort(choose_experts(probabilities, used), axis=-1)


@mutant("choice-one-late", of="choose_experts", fault="the likeliest is left out where that is possible", into=_ROUTING)
def _(probabilities: Floats, used: int) -> Indices:
    order = choose_experts(probabilities, probabilities.shape[-1])
    return np.roll(order, -1, axis=-1)[:, :used]


@mutant(
    "weights-of-all",
    of="expert_weights",
    fault="divided by the sum over all experts, not over those chosen",
    into=_ROUTING,
)
def _(probabilities: Floats, chosen: Indices) -> Floats:
    weights: Floats = np.take_along_axis(probabilities, chosen, -1) / probabilities.sum(axis=-1, keepdims=True)
    return weights


@mutant(
    "weights-softmax-again",
    of="expert_weights",
    fault="a softmax of the probabilities stands for the division",
    into=_ROUTING,
)
def _(probabilities: Floats, chosen: Indices) -> Floats:
    return softmax(np.take_along_axis(probabilities, chosen, -1))


@mutant(
    "weights-of-neighbours", of="expert_weights", fault="weights belong to the ranks, not to the experts", into=_ROUTING
)
def _(probabilities: Floats, chosen: Indices) -> Floats:
    return expert_weights(probabilities, np.broadcast_to(np.arange(chosen.shape[-1]), chosen.shape))


@mutant(
    "route-greedy", of="moe_route", fault="the most likely expert is found k times and never struck out", into=_ROUTING
)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    probabilities = softmax(logits)
    chosen = np.repeat(choose_experts(probabilities, 1), used, axis=-1)
    return expert_weights(probabilities, chosen), chosen


@mutant(
    "route-common-maximum", of="moe_route", fault="the maximum of all positions is subtracted from each", into=_ROUTING
)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    powers = np.exp(logits - logits.max())
    return _by(powers / powers.sum(axis=-1, keepdims=True), used)


MUTANTS: dict[str, KernelMutant] = {**_ROUTING, **dispatching.MUTANTS}
