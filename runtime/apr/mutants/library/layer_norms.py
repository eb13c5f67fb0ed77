"""Faults of LayerNorm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.norm import layer_norm, rms_norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}


def _centred(x: Floats, axis: int | None = -1) -> Floats:
    centred: Floats = x - x.mean(axis=axis, keepdims=True, dtype=x.dtype)
    return centred


def _scaled(centred: Floats, variance: Floats, weight: Floats, epsilon: float) -> Floats:
    scaled: Floats = centred / np.sqrt(variance + centred.dtype.type(epsilon)) * weight
    return scaled


@mutant(
    "layer-norm-of-squares",
    of="layer_norm",
    fault="the variance is mean(x**2) - mean(x)**2, which cancels",
    into=MUTANTS,
)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    mean = x.mean(axis=-1, keepdims=True, dtype=x.dtype)
    variance = (x * x).mean(axis=-1, keepdims=True, dtype=x.dtype) - mean * mean
    return _scaled(x - mean, variance, weight, epsilon) + bias


@mutant("layer-norm-without-mean", of="layer_norm", fault="the mean is not subtracted, as in RMSNorm", into=MUTANTS)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    return rms_norm(x, weight, epsilon) + bias


@mutant(
    "layer-norm-variance-about-zero",
    of="layer_norm",
    fault="the mean is subtracted, but the variance is that of x about 0",
    into=MUTANTS,
)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    return _scaled(_centred(x), (x * x).mean(axis=-1, keepdims=True, dtype=x.dtype), weight, epsilon) + bias


@mutant("layer-norm-sample-variance", of="layer_norm", fault="squares are divided by n - 1", into=MUTANTS)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    centred = _centred(x)
    total = (centred * centred).sum(axis=-1, keepdims=True)
    return _scaled(centred, total / x.dtype.type(max(1, x.shape[-1] - 1)), weight, epsilon) + bias


@mutant(
    "layer-norm-epsilon-outside",
    of="layer_norm",
    fault="epsilon is added to the deviation, not to the variance",
    into=MUTANTS,
)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    centred = _centred(x)
    deviation = np.sqrt((centred * centred).mean(axis=-1, keepdims=True, dtype=x.dtype))
    scaled: Floats = centred / (deviation + x.dtype.type(epsilon)) * weight
    return scaled + bias


@mutant(
    "layer-norm-without-epsilon",
    of="layer_norm",
    fault="nothing is added to the variance, so equal elements give 0 / 0",
    into=MUTANTS,
)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    return layer_norm(x, weight, bias, 0 * epsilon)


@mutant("layer-norm-without-bias", of="layer_norm", fault="the bias is not added", into=MUTANTS)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    return layer_norm(x, weight, np.zeros_like(bias), epsilon)


@mutant(
    "layer-norm-bias-before-weight",
    of="layer_norm",
    fault="the bias is added before the weight multiplies",
    into=MUTANTS,
)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    plain = layer_norm(x, np.ones_like(weight), bias, epsilon)
    return plain * weight


@mutant(
    "layer-norm-over-the-batch", of="layer_norm", fault="mean and variance are those of all rows together", into=MUTANTS
)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    centred = _centred(x, axis=None)
    return _scaled(centred, (centred * centred).mean(keepdims=True, dtype=x.dtype), weight, epsilon) + bias


@mutant(
    "layer-norm-over-columns",
    of="layer_norm",
    fault="each column is normalised over the rows, as batch normalisation does",
    into=MUTANTS,
)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    centred = _centred(x, axis=0)
    return _scaled(centred, (centred * centred).mean(axis=0, keepdims=True, dtype=x.dtype), weight, epsilon) + bias


@mutant(
    "layer-norm-bias-one-off", of="layer_norm", fault="biases are read one place further, round the end", into=MUTANTS
)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    return layer_norm(x, weight, np.roll(bias, -1), epsilon)


@mutant(
    "layer-norm-mean-of-fewer", of="layer_norm", fault="the loop over the mean ends one element early", into=MUTANTS
)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    centred = x - x[..., :-1].sum(axis=-1, keepdims=True) / x.dtype.type(x.shape[-1])
    return _scaled(centred, (centred * centred).mean(axis=-1, keepdims=True, dtype=x.dtype), weight, epsilon) + bias


@mutant(
    "layer-norm-in-float16", of="layer_norm", fault="the mean and what is left without it are float16", into=MUTANTS
)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    half = _centred(x.astype(np.float16)).astype(x.dtype)
    return _scaled(half, (half * half).mean(axis=-1, keepdims=True, dtype=x.dtype), weight, epsilon) + bias


@mutant("layer-norm-variance-from-1e-8", of="layer_norm", fault="a variance below 1e-8 counts as 1e-8", into=MUTANTS)
def _(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    centred = _centred(x)
    variance = (centred * centred).mean(axis=-1, keepdims=True, dtype=x.dtype)
    return _scaled(centred, np.maximum(variance, x.dtype.type(1e-8)), weight, epsilon) + bias
