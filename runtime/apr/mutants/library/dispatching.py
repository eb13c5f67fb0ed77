"""Faults of the way through the experts that were chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.routing import moe_dispatch
from apr.mutants.library.planting import mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Floats = NDArray[np.floating[Any]]
    Indices = NDArray[np.integer[Any]]

MUTANTS: dict[str, KernelMutant] = {}


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
