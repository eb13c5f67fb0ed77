"""Faults of GELU in its exact and its tanh form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.activation import gelu, gelu_tanh, silu

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}
_ERF = np.frompyfunc(math.erf, 1, 1)


def _erf(x: Floats) -> Floats:
    """In the dtype of x, as a kernel's own error function gives it."""
    return np.asarray(_ERF(x.astype(np.float64)), np.float64).astype(x.dtype)


def _tanh_form(x: Floats, cubic: float = 0.044715, root: float = math.sqrt(2 / math.pi), power: int = 3) -> Floats:
    wide = x.astype(np.float64)
    formed = 0.5 * wide * (1 + np.tanh(root * (wide + cubic * wide**power)))
    rounded: Floats = formed.astype(x.dtype)
    return rounded


@mutant("gelu-cancels", of="gelu", fault="1 + erf in float32, which has no digits left below -5", into=MUTANTS)
def _(x: Floats) -> Floats:
    half, one = x.dtype.type(0.5), x.dtype.type(1)
    return x * half * (one + _erf(x * x.dtype.type(math.sqrt(0.5))))


@mutant("gelu-is-its-tanh-form", of="gelu", fault="the tanh form where the exact one is meant", into=MUTANTS)
def _(x: Floats) -> Floats:
    return gelu_tanh(x)


@mutant("gelu-is-quick", of="gelu", fault="x sigmoid(1.702 x)", into=MUTANTS)
def _(x: Floats) -> Any:
    return x / (1 + np.exp(x.dtype.type(-1.702) * x))


@mutant("gelu-is-silu", of="gelu", fault="SiLU", into=MUTANTS)
def _(x: Floats) -> Floats:
    return silu(x)


@mutant("gelu-without-root-two", of="gelu", fault="erf(x) instead of erf(x / sqrt(2))", into=MUTANTS)
def _(x: Floats) -> Floats:
    return x * (x.dtype.type(0.5) * (1 + _erf(x)))


@mutant("gelu-without-half", of="gelu", fault="the factor 1/2 is forgotten", into=MUTANTS)
def _(x: Floats) -> Floats:
    return 2 * gelu(x)


@mutant("gelu-ends-at-minus-three", of="gelu", fault="0 below -3, as a table without tail gives", into=MUTANTS)
def _(x: Floats) -> Floats:
    return np.where(x < -3, x.dtype.type(0), gelu(x))


@mutant("gelu-from-a-table", of="gelu", fault="looked up by the float16 nearest to x", into=MUTANTS)
def _(x: Floats) -> Floats:
    return gelu(x.astype(np.float16).astype(np.float32)).astype(np.float16).astype(x.dtype)


@mutant("gelu-clips-its-argument", of="gelu", fault="the distribution function sees nothing beyond 4", into=MUTANTS)
def _(x: Floats) -> Floats:
    inner = np.clip(x, -4, 4) * x.dtype.type(math.sqrt(0.5))
    return x * (x.dtype.type(0.5) * (1 + _erf(inner)))


@mutant("gelu-tanh-is-exact", of="gelu_tanh", fault="the exact form where the tanh form is meant", into=MUTANTS)
def _(x: Floats) -> Floats:
    return gelu(x)


@mutant("gelu-tanh-without-cubic", of="gelu_tanh", fault="0.044715 x**3 is forgotten", into=MUTANTS)
def _(x: Floats) -> Floats:
    return _tanh_form(x, cubic=0)


@mutant("gelu-tanh-of-squares", of="gelu_tanh", fault="x**2 instead of x**3", into=MUTANTS)
def _(x: Floats) -> Floats:
    return _tanh_form(x, power=2)


@mutant("gelu-tanh-decimal-lost", of="gelu_tanh", fault="0.44715 instead of 0.044715", into=MUTANTS)
def _(x: Floats) -> Floats:
    return _tanh_form(x, cubic=0.44715)


@mutant("gelu-tanh-without-root", of="gelu_tanh", fault="2 / pi instead of its root", into=MUTANTS)
def _(x: Floats) -> Floats:
    return _tanh_form(x, root=2 / math.pi)


@mutant("gelu-tanh-rounded-root", of="gelu_tanh", fault="0.797 instead of 0.7978846", into=MUTANTS)
def _(x: Floats) -> Floats:
    return _tanh_form(x, root=0.797)


@mutant("gelu-tanh-is-quick", of="gelu_tanh", fault="x sigmoid(1.702 x)", into=MUTANTS)
def _(x: Floats) -> Any:
    return x / (1 + np.exp(x.dtype.type(-1.702) * x))


@mutant("gelu-tail-by-series", of="gelu", fault="erf by its first three terms, which leave it beyond 2", into=MUTANTS)
def _(x: Floats) -> Floats:
    inner = x * x.dtype.type(math.sqrt(0.5))
    series = x.dtype.type(2 / math.sqrt(math.pi)) * (inner - inner**3 / 3 + inner**5 / 10)
    return x * (x.dtype.type(0.5) * (1 + series))


@mutant("gelu-tanh-of-magnitudes", of="gelu_tanh", fault="tanh is taken of |z|, from a table of one side", into=MUTANTS)
def _(x: Floats) -> Floats:
    wide = x.astype(np.float64)
    formed = 0.5 * wide * (1 + np.tanh(np.abs(math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3))))
    return np.asarray(formed, x.dtype)
