"""Faults of softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}


def _shares(weights: Floats, axis: int | None = -1) -> Floats:
    shares: Floats = weights / weights.sum(axis=axis, keepdims=True)
    return shares


@mutant(
    "softmax-without-shift",
    of="softmax",
    fault="exponentials of the logits themselves, which overflow above 88",
    into=MUTANTS,
)
def _(x: Floats) -> Floats:
    return _shares(np.exp(x))


@mutant(
    "softmax-shifts-by-first", of="softmax", fault="the first logit is subtracted instead of the greatest", into=MUTANTS
)
def _(x: Floats) -> Floats:
    return _shares(np.exp(x - x[..., :1]))


@mutant(
    "softmax-shifts-by-mean", of="softmax", fault="the mean is subtracted instead of the greatest logit", into=MUTANTS
)
def _(x: Floats) -> Floats:
    return _shares(np.exp(x - x.mean(axis=-1, keepdims=True, dtype=x.dtype)))


@mutant(
    "softmax-one-maximum-for-all",
    of="softmax",
    fault="all rows are shifted by the greatest logit of the batch",
    into=MUTANTS,
)
def _(x: Floats) -> Floats:
    return _shares(np.exp(x - x.max()))


@mutant("softmax-over-columns", of="softmax", fault="the axis of the rows is normalised, not the last", into=MUTANTS)
def _(x: Floats) -> Floats:
    weights = np.exp(x - x.max(axis=0, keepdims=True))
    return _shares(weights, axis=0)


@mutant("softmax-over-the-batch", of="softmax", fault="weights are divided by the sum of all rows", into=MUTANTS)
def _(x: Floats) -> Floats:
    return _shares(np.exp(x - x.max(axis=-1, keepdims=True)), axis=None)


@mutant("softmax-without-sum", of="softmax", fault="exponentials are not divided by their sum", into=MUTANTS)
def _(x: Floats) -> Floats:
    weights: Floats = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights


@mutant(
    "softmax-one-more-in-the-sum",
    of="softmax",
    fault="one is added to the sum, so a row may attend to nothing",
    into=MUTANTS,
)
def _(x: Floats) -> Floats:
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    shares: Floats = weights / (1 + weights.sum(axis=-1, keepdims=True))
    return shares


@mutant("softmax-last-left-out", of="softmax", fault="the loop over the sum ends one element early", into=MUTANTS)
def _(x: Floats) -> Floats:
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    total = weights[..., :-1].sum(axis=-1, keepdims=True) if x.shape[-1] > 1 else weights
    shares: Floats = weights / total
    return shares


@mutant("softmax-in-float16", of="softmax", fault="exponentials and their sum are float16", into=MUTANTS)
def _(x: Floats) -> Floats:
    weights = np.exp((x - x.max(axis=-1, keepdims=True)).astype(np.float16))
    return _shares(weights).astype(x.dtype)


@mutant("softmax-of-base-two", of="softmax", fault="powers of 2 without the factor log2(e)", into=MUTANTS)
def _(x: Floats) -> Floats:
    return _shares(np.exp2(x - x.max(axis=-1, keepdims=True)))


@mutant(
    "softmax-adds-epsilon",
    of="softmax",
    fault="1e-6 is added to every exponential against a division by zero",
    into=MUTANTS,
)
def _(x: Floats) -> Floats:
    return _shares(np.exp(x - x.max(axis=-1, keepdims=True)) + x.dtype.type(1e-6))


@mutant("softmax-drops-nan", of="softmax", fault="a logit that is no number counts as hidden", into=MUTANTS)
def _(x: Floats) -> Floats:
    return softmax(np.where(np.isnan(x), x.dtype.type(-np.inf), x))


@mutant(
    "softmax-of-a-descending-sort",
    of="softmax",
    fault="weights stand in falling order instead of the logits' order",
    into=MUTANTS,
)
def _(x: Floats) -> Floats:
    ordered: Floats = np.sort(softmax(x), axis=-1)[..., ::-1]
    return ordered


@mutant("softmin", of="softmax", fault="the sign of the logits is turned", into=MUTANTS)
def _(x: Floats) -> Floats:
    return softmax(-x)


@mutant("softmax-in-place", of="softmax", fault="the maximum is subtracted from the caller's logits", into=MUTANTS)
def _(x: Floats) -> Floats:
    x -= x.max(axis=-1, keepdims=True)
    return _shares(np.exp(x))


@mutant(
    "softmax-drops-the-small",
    of="softmax",
    fault="weights below 1e-6 are dropped and the rest is left as it is",
    into=MUTANTS,
)
def _(x: Floats) -> Floats:
    shares = softmax(x)
    return np.where(shares < x.dtype.type(1e-6), x.dtype.type(0), shares)


@mutant(
    "softmax-breaks-ties", of="softmax", fault="a ramp of 1e-6 is added so that no two logits are equal", into=MUTANTS
)
def _(x: Floats) -> Floats:
    return softmax(x - x.dtype.type(1e-6) * np.arange(x.shape[-1], dtype=x.dtype))


@mutant("softmax-rounds-its-logits", of="softmax", fault="logits come in float16, which has 11 bits", into=MUTANTS)
def _(x: Floats) -> Floats:
    return softmax(x.astype(np.float16).astype(x.dtype))


@mutant(
    "softmax-limits-its-logits",
    of="softmax",
    fault="nothing lies more than 50 below the maximum, against underflow",
    into=MUTANTS,
)
def _(x: Floats) -> Floats:
    return _shares(np.exp(np.maximum(x - x.max(axis=-1, keepdims=True), -50)))


@mutant(
    "softmax-sums-without-nan",
    of="softmax",
    fault="maximum and sum pass over NaN, which keeps its place alone",
    into=MUTANTS,
)
def _(x: Floats) -> Floats:
    weights = np.exp(x - np.fmax.reduce(x, axis=-1, keepdims=True))
    shares: Floats = weights / np.nansum(weights, axis=-1, keepdims=True)
    return shares
