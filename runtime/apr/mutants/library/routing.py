"""Faults of the routing and dispatch of experts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.routing import choose_experts, expert_weights, moe_dispatch
from apr.mutants.library.planting import mutant
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Floats = NDArray[np.floating[Any]]
    Indices = NDArray[np.integer[Any]]

MUTANTS: dict[str, KernelMutant] = {}


def _by(probabilities: Floats, used: int) -> tuple[Floats, Indices]:
    chosen = choose_experts(probabilities, used)
    return expert_weights(probabilities, chosen), chosen


@mutant("route-not-normalised", of="moe_route", fault="weights are not divided by their sum", into=MUTANTS)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    probabilities = softmax(logits)
    chosen = choose_experts(probabilities, used)
    return np.take_along_axis(probabilities, chosen, -1), chosen


@mutant("route-sigmoid", of="moe_route", fault="a sigmoid stands for the softmax, as in other families", into=MUTANTS)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    return _by(1 / (1 + np.exp(-logits)), used)


@mutant(
    "route-without-maximum", of="moe_route", fault="exponentials of the logits themselves, which overflow", into=MUTANTS
)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    with np.errstate(all="ignore"):
        powers = np.exp(logits)
        return _by(powers / powers.sum(axis=-1, keepdims=True), used)


@mutant("route-ties-to-the-higher", of="moe_route", fault="of equals the higher index comes first", into=MUTANTS)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    probabilities = softmax(logits)
    chosen = np.argsort(probabilities, axis=-1, kind="stable")[:, ::-1][:, :used]
    return expert_weights(probabilities, chosen), chosen


@mutant("route-weights-by-index", of="moe_route", fault="weights stand in the order of the indices", into=MUTANTS)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    probabilities = softmax(logits)
    chosen = choose_experts(probabilities, used)
    return expert_weights(probabilities, np.sort(chosen, axis=-1)), chosen


@mutant("route-over-positions", of="moe_route", fault="the softmax runs over the positions", into=MUTANTS)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    return _by(softmax(np.ascontiguousarray(logits.T)).T, used)


@mutant("route-in-float16", of="moe_route", fault="the probabilities are rounded to float16", into=MUTANTS)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    return _by(softmax(logits).astype(np.float16).astype(logits.dtype), used)


@mutant("choice-of-the-least", of="choose_experts", fault="the sort runs upwards", into=MUTANTS)
def _(probabilities: Floats, used: int) -> Indices:
    return np.argsort(probabilities, axis=-1, kind="stable")[:, :used]


@mutant("choice-not-stable", of="choose_experts", fault="the sort was turned round, so of equals the higher index comes first",
        into=MUTANTS)  # fmt: skip
def _(probabilities: Floats, used: int) -> Indices:
    return np.argsort(probabilities, axis=-1, kind="stable")[:, ::-1][:, :used]


@mutant("choice-in-any-order", of="choose_experts", fault="the k likeliest are taken, but not in order", into=MUTANTS)
def _(probabilities: Floats, used: int) -> Indices:
    return np.sort(choose_experts(probabilities, used), axis=-1)


@mutant("choice-one-late", of="choose_experts", fault="the likeliest is left out where that is possible", into=MUTANTS)
def _(probabilities: Floats, used: int) -> Indices:
    order = choose_experts(probabilities, probabilities.shape[-1])
    return np.roll(order, -1, axis=-1)[:, :used]


@mutant(
    "weights-of-all",
    of="expert_weights",
    fault="divided by the sum over all experts, not over those chosen",
    into=MUTANTS,
)
def _(probabilities: Floats, chosen: Indices) -> Floats:
    weights: Floats = np.take_along_axis(probabilities, chosen, -1) / probabilities.sum(axis=-1, keepdims=True)
    return weights


@mutant(
    "weights-softmax-again",
    of="expert_weights",
    fault="a softmax of the probabilities stands for the division",
    into=MUTANTS,
)
def _(probabilities: Floats, chosen: Indices) -> Floats:
    return softmax(np.take_along_axis(probabilities, chosen, -1))


@mutant(
    "weights-of-neighbours", of="expert_weights", fault="weights belong to the ranks, not to the experts", into=MUTANTS
)
def _(probabilities: Floats, chosen: Indices) -> Floats:
    return expert_weights(probabilities, np.broadcast_to(np.arange(chosen.shape[-1]), chosen.shape))


@mutant("dispatch-next-expert", of="moe_dispatch", fault="experts are counted from 1", into=MUTANTS)
def _(x: Floats, gate: Floats, up: Floats, down: Floats, chosen: Indices, weights: Floats) -> Floats:
    return moe_dispatch(x, gate, up, down, (chosen + 1) % len(gate), weights)


@mutant("dispatch-first-alone", of="moe_dispatch", fault="only the likeliest expert is asked", into=MUTANTS)
def _(x: Floats, gate: Floats, up: Floats, down: Floats, chosen: Indices, weights: Floats) -> Floats:
    return moe_dispatch(x, gate, up, down, chosen[:, :1], weights[:, :1])


@mutant("dispatch-unweighted", of="moe_dispatch", fault="outputs are averaged, whatever their weights", into=MUTANTS)
def _(x: Floats, gate: Floats, up: Floats, down: Floats, chosen: Indices, weights: Floats) -> Floats:
    return moe_dispatch(x, gate, up, down, chosen, np.full_like(weights, 1 / weights.shape[-1]))


@mutant(
    "dispatch-gate-and-up-swapped", of="moe_dispatch", fault="the activation stands on the up projection", into=MUTANTS
)
def _(x: Floats, gate: Floats, up: Floats, down: Floats, chosen: Indices, weights: Floats) -> Floats:
    return moe_dispatch(x, up, gate, down, chosen, weights)


@mutant("dispatch-every-expert", of="moe_dispatch", fault="every expert is computed, and those not chosen weigh 0: 0 * NaN is NaN",
        into=MUTANTS)  # fmt: skip
def _(x: Floats, gate: Floats, up: Floats, down: Floats, chosen: Indices, weights: Floats) -> Floats:
    everyone = np.broadcast_to(np.arange(len(gate)), (len(x), len(gate)))
    dense = np.zeros((len(x), len(gate)), weights.dtype)
    np.put_along_axis(dense, np.asarray(chosen, np.intp), weights, -1)
    return moe_dispatch(x, gate, up, down, everyone, dense)


@mutant(
    "dispatch-position-lost",
    of="moe_dispatch",
    fault="the last position of an expert's rows is not written back",
    into=MUTANTS,
)
def _(x: Floats, gate: Floats, up: Floats, down: Floats, chosen: Indices, weights: Floats) -> Floats:
    out = moe_dispatch(x, gate, up, down, chosen, weights)
    if len(out) > 1:
        out[-1] = 0
    return out


@mutant("dispatch-in-the-input", of="moe_dispatch", fault="the result is written over the input", into=MUTANTS)
def _(x: Floats, gate: Floats, up: Floats, down: Floats, chosen: Indices, weights: Floats) -> Floats:
    x[...] = moe_dispatch(x, gate, up, down, chosen, weights)
    return x


@mutant(
    "route-greedy", of="moe_route", fault="the most likely expert is found k times and never struck out", into=MUTANTS
)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    probabilities = softmax(logits)
    chosen = np.repeat(choose_experts(probabilities, 1), used, axis=-1)
    return expert_weights(probabilities, chosen), chosen


@mutant(
    "route-common-maximum", of="moe_route", fault="the maximum of all positions is subtracted from each", into=MUTANTS
)
def _(logits: Floats, used: int) -> tuple[Floats, Indices]:
    powers = np.exp(logits - logits.max())
    return _by(powers / powers.sum(axis=-1, keepdims=True), used)


@mutant(
    "dispatch-in-float16",
    of="moe_dispatch",
    fault="what experts give is rounded to float16 before it is added",
    into=MUTANTS,
)
def _(x: Floats, gate: Floats, up: Floats, down: Floats, chosen: Indices, weights: Floats) -> Floats:
    out = np.zeros_like(x)
    for rank in range(chosen.shape[-1]):
        part = slice(rank, rank + 1)
        out += moe_dispatch(x, gate, up, down, chosen[:, part], weights[:, part]).astype(np.float16)
    return out


@mutant("dispatch-weights-by-index", of="moe_dispatch", fault="weights stand in the order of the experts", into=MUTANTS)
def _(x: Floats, gate: Floats, up: Floats, down: Floats, chosen: Indices, weights: Floats) -> Floats:
    return moe_dispatch(x, gate, up, down, np.sort(chosen, axis=-1), weights)


@mutant("dispatch-normalises", of="moe_dispatch", fault="weights are divided by their sum once more", into=MUTANTS)
def _(x: Floats, gate: Floats, up: Floats, down: Floats, chosen: Indices, weights: Floats) -> Floats:
    total = weights.sum(axis=-1, keepdims=True)
    return moe_dispatch(x, gate, up, down, chosen, weights / np.where(total > 0, total, 1))
