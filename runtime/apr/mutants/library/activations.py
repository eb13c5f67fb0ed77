"""Faults of SiLU and SwiGLU; those of GELU are in `gelus`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library import gelus
from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.activation import gelu_tanh, silu

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

_SILU: dict[str, KernelMutant] = {}


def _sigmoid(x: Floats) -> Floats:
    sigmoid: Floats = 1 / (1 + np.exp(-x))
    return sigmoid


@mutant("silu-overflows", of="silu", fault="x exp(x) / (1 + exp(x)), which is no number above 88", into=_SILU)
def _(x: Floats) -> Any:
    return x * (np.exp(x) / (1 + np.exp(x)))


@mutant("silu-clips-its-argument", of="silu", fault="the sigmoid sees nothing beyond 10, against overflow", into=_SILU)
def _(x: Floats) -> Floats:
    return x * _sigmoid(np.clip(x, -10, 10))


@mutant("silu-sign-lost", of="silu", fault="exp(x) instead of exp(-x) under the fraction", into=_SILU)
def _(x: Floats) -> Floats:
    return x * _sigmoid(-x)


@mutant("silu-is-hard", of="silu", fault="hard swish, x min(max(x + 3, 0), 6) / 6", into=_SILU)
def _(x: Floats) -> Floats:
    return x * (np.clip(x + 3, 0, 6) / 6)


@mutant("silu-is-quick-gelu", of="silu", fault="the sigmoid is of 1.702 x", into=_SILU)
def _(x: Floats) -> Floats:
    return x * _sigmoid(x.dtype.type(1.702) * x)


@mutant("silu-is-gelu", of="silu", fault="GELU in its tanh form", into=_SILU)
def _(x: Floats) -> Floats:
    return gelu_tanh(x)


@mutant("silu-is-sigmoid", of="silu", fault="the factor x is forgotten", into=_SILU)
def _(x: Floats) -> Floats:
    return _sigmoid(x)


@mutant("silu-is-relu", of="silu", fault="max(x, 0)", into=_SILU)
def _(x: Floats) -> Floats:
    return np.maximum(x, 0)


@mutant("silu-from-a-table", of="silu", fault="looked up by the float16 nearest to x", into=_SILU)
def _(x: Floats) -> Floats:
    return silu(x.astype(np.float16).astype(np.float32)).astype(np.float16).astype(x.dtype)


@mutant("silu-is-mish", of="silu", fault="x tanh(log(1 + exp(x)))", into=_SILU)
def _(x: Floats) -> Floats:
    return x * np.tanh(np.logaddexp(x.dtype.type(0), x))


@mutant("silu-in-place", of="silu", fault="the result is written over the caller's x", into=_SILU)
def _(x: Floats) -> Floats:
    x *= _sigmoid(x)
    return x


@mutant("swiglu-halves-exchanged", of="swiglu", fault="the activation is of `up`, not of `gate`", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    return gate * silu(up)


@mutant("swiglu-activates-both", of="swiglu", fault="both halves are activated", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    return silu(gate) * silu(up)


@mutant("swiglu-activates-none", of="swiglu", fault="gate times up, without activation", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    return gate * up


@mutant("swiglu-activates-the-product", of="swiglu", fault="the activation is of gate times up", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    return silu(gate * up)


@mutant("swiglu-adds-up", of="swiglu", fault="the halves are added", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    return silu(gate) + up


@mutant("swiglu-is-geglu", of="swiglu", fault="GELU in the place of SiLU", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    return gelu_tanh(gate) * up


@mutant("swiglu-up-plus-one", of="swiglu", fault="one is added to `up`, as gpt-oss does", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    return silu(gate) * (up + 1)


@mutant("swiglu-clips", of="swiglu", fault="both halves are kept within 7, as gpt-oss does", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    return silu(np.minimum(gate, 7)) * np.clip(up, -7, 7)


@mutant("swiglu-of-bfloat16", of="swiglu", fault="the activated gate loses its low 16 bits", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    cut = silu(gate).view(np.uint32) & np.uint32(0xFFFF0000)
    return cut.view(np.float32) * up


@mutant("swiglu-first-row-of-up", of="swiglu", fault="`up` of the first position lets all of them through", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    return silu(gate) * up[:1]


@mutant("swiglu-in-place", of="swiglu", fault="the product is written over the caller's `up`", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    up *= silu(gate)
    return up


@mutant("swiglu-in-place-of-gate", of="swiglu", fault="the product is written over the caller's gate", into=_SILU)
def _(gate: Floats, up: Floats) -> Floats:
    gate[...] = silu(gate) * up
    return gate


@mutant(
    "swiglu-one-scale-for-all",
    of="swiglu",
    fault="`up` is rounded to 8 bits by one scale for all positions",
    into=_SILU,
)
def _(gate: Floats, up: Floats) -> Any:
    step = np.maximum(np.abs(up).max(), up.dtype.type(1e-30)) / up.dtype.type(127)
    return silu(gate) * (np.rint(up / step) * step)


MUTANTS = {**_SILU, **gelus.MUTANTS}
