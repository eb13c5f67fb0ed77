"""Faults of RMSNorm and of LayerNorm; those of the second are in `layer_norms`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library import layer_norms
from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.norm import rms_norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

_RMS: dict[str, KernelMutant] = {}


def _mean_square(x: Floats, axis: int | None = -1) -> Floats:
    mean: Floats = np.mean(x * x, axis=axis, keepdims=True, dtype=x.dtype)
    return mean


@mutant("rms-norm-epsilon-outside", of="rms_norm", fault="epsilon is added to the root, not under it", into=_RMS)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return x / (np.sqrt(_mean_square(x)) + x.dtype.type(epsilon)) * weight


@mutant(
    "rms-norm-without-epsilon",
    of="rms_norm",
    fault="nothing is added under the root, so a row of zeros is 0 / 0",
    into=_RMS,
)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(x, weight, 0 * epsilon)


@mutant("rms-norm-epsilon-as-built", of="rms_norm", fault="epsilon is 1e-5 whatever the model says", into=_RMS)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(x, weight, 1e-5 + 0 * epsilon)


@mutant(
    "rms-norm-subtracts-the-mean", of="rms_norm", fault="the mean is subtracted first, as LayerNorm does", into=_RMS
)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(x - x.mean(axis=-1, keepdims=True, dtype=x.dtype), weight, epsilon)


@mutant(
    "rms-norm-by-deviation",
    of="rms_norm",
    fault="the root of the variance divides, not that of the mean square",
    into=_RMS,
)
def _(x: Floats, weight: Floats, epsilon: float) -> Any:
    return x / np.sqrt(x.var(axis=-1, keepdims=True, dtype=x.dtype) + x.dtype.type(epsilon)) * weight


@mutant("rms-norm-by-sum", of="rms_norm", fault="the sum of squares is not divided by their number", into=_RMS)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    total = np.sum(x * x, axis=-1, keepdims=True, dtype=x.dtype)
    return x / np.sqrt(total + x.dtype.type(epsilon)) * weight


@mutant("rms-norm-over-the-batch", of="rms_norm", fault="one mean square for all rows", into=_RMS)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return x / np.sqrt(_mean_square(x, axis=None) + x.dtype.type(epsilon)) * weight


@mutant("rms-norm-weight-plus-one", of="rms_norm", fault="the weight is stored less one, as Gemma's is", into=_RMS)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(x, 1 + weight, epsilon)


@mutant("rms-norm-without-weight", of="rms_norm", fault="the weight is a tensor of ones", into=_RMS)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(x, np.ones_like(weight), epsilon)


@mutant("rms-norm-weight-one-off", of="rms_norm", fault="weights are read one place further, round the end", into=_RMS)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return rms_norm(x, np.roll(weight, -1), epsilon)


@mutant(
    "rms-norm-squares-in-float16",
    of="rms_norm",
    fault="squares and their mean are float16, which ends at 65504",
    into=_RMS,
)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    mean = _mean_square(x.astype(np.float16)).astype(x.dtype)
    return x / np.sqrt(mean + x.dtype.type(epsilon)) * weight


@mutant("rms-norm-last-left-out", of="rms_norm", fault="the loop over the squares ends one element early", into=_RMS)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    total = np.sum(x[..., :-1] * x[..., :-1], axis=-1, keepdims=True, dtype=x.dtype)
    return x / np.sqrt(total / x.dtype.type(x.shape[-1]) + x.dtype.type(epsilon)) * weight


@mutant("rms-norm-weighs-first", of="rms_norm", fault="x is multiplied by the weight before it is divided", into=_RMS)
def _(x: Floats, weight: Floats, epsilon: float) -> Floats:
    return x * weight / np.sqrt(_mean_square(x) + x.dtype.type(epsilon))


@mutant(
    "rms-norm-over-columns", of="rms_norm", fault="the mean square is that of a channel over the positions", into=_RMS
)
def _(x: Floats, weight: Floats, epsilon: float) -> Any:
    return x / np.sqrt(np.mean(x * x, axis=0, dtype=x.dtype) + x.dtype.type(epsilon)) * weight


MUTANTS = {**_RMS, **layer_norms.MUTANTS}
