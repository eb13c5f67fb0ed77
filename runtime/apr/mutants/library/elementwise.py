"""Faults of the sums element by element: the bias and the residual stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.planting import KernelMutant, mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}


def _in_float16(x: Floats) -> Floats:
    return x.astype(np.float16).astype(x.dtype)


def _cut_to_bfloat16(x: Floats) -> Floats:
    return (x.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


@mutant("bias-add-forgotten", of="bias_add", fault="the bias is dropped", into=MUTANTS)
def _(x: Floats, bias: Floats) -> Floats:
    return x + 0 * bias


@mutant("bias-add-subtracts", of="bias_add", fault="the bias is subtracted", into=MUTANTS)
def _(x: Floats, bias: Floats) -> Floats:
    return x - bias


@mutant("bias-add-twice", of="bias_add", fault="the bias is added by the product and once more behind it", into=MUTANTS)
def _(x: Floats, bias: Floats) -> Floats:
    return x + bias + bias


@mutant("bias-add-to-first-row", of="bias_add", fault="only the first position gets the bias", into=MUTANTS)
def _(x: Floats, bias: Floats) -> Floats:
    biased = np.array(x)
    biased[0] += bias
    return biased


@mutant("bias-add-one-off", of="bias_add", fault="biases are read one place further, round the end", into=MUTANTS)
def _(x: Floats, bias: Floats) -> Floats:
    return x + np.roll(bias, -1)


@mutant(
    "bias-add-by-row",
    of="bias_add",
    fault="a row gets the bias of its position, not a column that of its channel",
    into=MUTANTS,
)
def _(x: Floats, bias: Floats) -> Floats:
    return x + bias[np.arange(len(x)) % len(bias), None]


@mutant("bias-add-last-left-out", of="bias_add", fault="the loop over the channels ends one early", into=MUTANTS)
def _(x: Floats, bias: Floats) -> Floats:
    biased = np.array(x)
    biased[:, :-1] += bias[:-1]
    return biased


@mutant("bias-add-in-float16", of="bias_add", fault="the bias is stored in float16", into=MUTANTS)
def _(x: Floats, bias: Floats) -> Floats:
    return x + _in_float16(bias)


@mutant("bias-add-cut-to-bfloat16", of="bias_add", fault="the sum loses its low 16 bits", into=MUTANTS)
def _(x: Floats, bias: Floats) -> Floats:
    return _cut_to_bfloat16(x + bias)


@mutant("bias-add-in-place", of="bias_add", fault="the sum is written over the caller's x", into=MUTANTS)
def _(x: Floats, bias: Floats) -> Floats:
    x += bias
    return x


@mutant("residual-forgotten", of="residual_add", fault="the branch alone goes on", into=MUTANTS)
def _(x: Floats, delta: Floats) -> Floats:
    return 0 * x + delta


@mutant("residual-branch-forgotten", of="residual_add", fault="the stream alone goes on", into=MUTANTS)
def _(x: Floats, delta: Floats) -> Floats:
    return x + 0 * delta


@mutant("residual-branch-twice", of="residual_add", fault="the branch is added twice", into=MUTANTS)
def _(x: Floats, delta: Floats) -> Floats:
    return x + delta + delta


@mutant(
    "residual-scaled",
    of="residual_add",
    fault="the sum is divided by the root of 2, as another architecture does",
    into=MUTANTS,
)
def _(x: Floats, delta: Floats) -> Floats:
    return (x + delta) * x.dtype.type(np.sqrt(0.5))


@mutant("residual-subtracts", of="residual_add", fault="the branch is subtracted", into=MUTANTS)
def _(x: Floats, delta: Floats) -> Floats:
    return x - delta


@mutant("residual-in-bfloat16", of="residual_add", fault="the stream is stored in bfloat16, by cutting", into=MUTANTS)
def _(x: Floats, delta: Floats) -> Floats:
    return _cut_to_bfloat16(x + delta)


@mutant("residual-branch-in-float16", of="residual_add", fault="the branch comes in float16", into=MUTANTS)
def _(x: Floats, delta: Floats) -> Floats:
    return x + _in_float16(delta)


@mutant(
    "residual-position-off", of="residual_add", fault="a position gets the branch of the one before it", into=MUTANTS
)
def _(x: Floats, delta: Floats) -> Floats:
    return x + np.roll(delta, 1, axis=0)


@mutant("residual-at-last-position", of="residual_add", fault="only the last position gets its branch", into=MUTANTS)
def _(x: Floats, delta: Floats) -> Floats:
    out = np.array(x)
    out[-1] += delta[-1]
    return out


@mutant(
    "residual-in-place",
    of="residual_add",
    fault="the sum is written over the stream that the next norm still reads",
    into=MUTANTS,
)
def _(x: Floats, delta: Floats) -> Floats:
    x += delta
    return x


@mutant("residual-saturates", of="residual_add", fault="the stream is kept within float16's 65504", into=MUTANTS)
def _(x: Floats, delta: Floats) -> Floats:
    return np.clip(x + delta, -65504, 65504)


@mutant("residual-in-place-of-branch", of="residual_add", fault="the sum is written over the branch", into=MUTANTS)
def _(x: Floats, delta: Floats) -> Floats:
    delta += x
    return delta


@mutant("bias-add-sign-lost", of="bias_add", fault="the sign bits of the biases are cut off", into=MUTANTS)
def _(x: Floats, bias: Floats) -> Floats:
    return x + np.abs(bias)


@mutant("residual-branch-sign-lost", of="residual_add", fault="the sign bits of the branch are cut off", into=MUTANTS)
def _(x: Floats, delta: Floats) -> Floats:
    return x + np.abs(delta)
