"""Faults of `qk_norm`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.attending import in_f16
from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.norm import rms_norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}
_of_norm = partial(mutant, of="qk_norm", into=MUTANTS)


def _squares(x: Floats, axis: int | tuple[int, ...] = -1) -> Floats:
    out: Floats = np.mean(x * x, axis=axis, keepdims=True, dtype=x.dtype)
    return out


@_of_norm("qk-norm-over-all-heads", fault="one mean of squares for all heads of a position")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return (x / np.sqrt(_squares(x, (-2, -1)) + x.dtype.type(epsilon)) * weight).astype(x.dtype)


@_of_norm("qk-norm-over-positions", fault="one mean of squares for all positions of a head")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return (x / np.sqrt(_squares(x, (0, -1)) + x.dtype.type(epsilon)) * weight).astype(x.dtype)


@_of_norm("qk-norm-centred", fault="a layer norm: the mean is subtracted")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(x - x.mean(axis=-1, keepdims=True, dtype=x.dtype), weight, epsilon)


@_of_norm("qk-norm-epsilon-outside", fault="epsilon is added to the root, not under it")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return (x / (np.sqrt(_squares(x)) + x.dtype.type(epsilon)) * weight).astype(x.dtype)


@_of_norm("qk-norm-without-epsilon", fault="no epsilon: a head of zeros is not a number")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:  # noqa: ARG001  the fault is to ignore it
    return (x / np.sqrt(_squares(x)) * weight).astype(x.dtype)


@_of_norm("qk-norm-epsilon-of-another-model", fault="epsilon is 1e-5, whatever the model says")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:  # noqa: ARG001  the fault is to ignore it
    return rms_norm(x, weight, 1e-5)


@_of_norm("qk-norm-of-length-one", fault="heads get length one, not root mean square one")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    total = x.shape[-1] * _squares(x)
    return np.asarray(x / np.sqrt(total + x.dtype.type(epsilon)) * weight, x.dtype)


@_of_norm("qk-norm-of-n-minus-1", fault="the sum of squares is divided by head_dim - 1, as an estimate of a variance")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    mean = (x * x).sum(axis=-1, keepdims=True) / max(1, x.shape[-1] - 1)
    return np.asarray(x / np.sqrt(mean + x.dtype.type(epsilon)) * weight, x.dtype)


@_of_norm("qk-norm-without-root", fault="divided by the mean of squares, not by its root")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return (x / (_squares(x) + x.dtype.type(epsilon)) * weight).astype(x.dtype)


@_of_norm("qk-norm-weight-plus-one", fault="the gain is 1 + weight, as Gemma stores it")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(x, 1 + weight, epsilon)


@_of_norm("qk-norm-of-ones", fault="the gain is missing and taken for ones")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(x, np.ones_like(weight), epsilon)


@_of_norm("qk-norm-gain-before", fault="the gain is applied before the norm, which sees it")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(x * weight, np.ones_like(weight), epsilon)


@_of_norm("qk-norm-missing", fault="queries and keys are not normalised")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:  # noqa: ARG001  the fault is to ignore it
    return (x * weight).astype(x.dtype)


@_of_norm("qk-norm-squares-in-f16", fault="the mean of squares is rounded to float16, which overflows above 65504")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return (x / np.sqrt(in_f16(_squares(x)) + x.dtype.type(epsilon)) * weight).astype(x.dtype)


@_of_norm("qk-norm-of-magnitudes", fault="magnitudes are normalised, and signs are lost")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(abs(x), weight, epsilon)


@_of_norm("qk-norm-by-the-greatest", fault="divided by the greatest magnitude")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    top = abs(x).max(axis=-1, keepdims=True)
    return np.asarray(x / np.sqrt(top * top + x.dtype.type(epsilon)) * weight, x.dtype)


@_of_norm("qk-norm-gain-turned-round", fault="the gain runs from the last channel to the first")
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(x, weight[::-1], epsilon)
