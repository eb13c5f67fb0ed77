"""Faults of top-p."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels import sampling as sound
from apr.mutants.library.planting import KernelMutant, mutant
from apr.mutants.library.sampling_parts import falling, only, rising_backwards
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}


def _sums(logits: Floats, order: NDArray[np.intp]) -> Floats:
    out: Floats = np.cumsum(softmax(logits.astype(np.float64))[order])
    return out


@mutant("top-p-for-what-is-cut", of="top_p", fault="p is taken for the share that is cut off", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    return sound.top_p(logits, 1 - p) if p < 1 else only(logits, falling(logits)[:1])


@mutant("top-p-one-short", of="top_p", fault="the token that reaches p is left out", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = falling(logits)
    return only(logits, order[: max(1, int(np.searchsorted(_sums(logits, order), p)))])


@mutant("top-p-one-more", of="top_p", fault="one more than reach p are left", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = falling(logits)
    return only(logits, order[: int(np.searchsorted(_sums(logits, order), p)) + 2])


@mutant("top-p-must-exceed", of="top_p", fault="sums must exceed p, not reach it", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = falling(logits)
    return only(logits, order[: int(np.searchsorted(_sums(logits, order), p, side="right")) + 1])


@mutant(
    "top-p-may-leave-none", of="top_p", fault="sums up to p are left, so none where the first exceeds it", into=MUTANTS
)
def _(logits: Floats, p: float) -> Floats:
    order = falling(logits)
    return only(logits, order[: int(np.searchsorted(_sums(logits, order), p, side="right"))])


@mutant("top-p-ties-to-the-higher", of="top_p", fault="of equal logits those with the higher ids", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = rising_backwards(logits)
    return only(logits, order[: int(np.searchsorted(_sums(logits, order), p)) + 1])


@mutant("top-p-unsorted", of="top_p", fault="probabilities are summed in the order of ids", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = np.arange(len(logits))
    return only(logits, order[: int(np.searchsorted(_sums(logits, order), p)) + 1])


@mutant("top-p-from-below", of="top_p", fault="the least likely are summed first", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = np.argsort(logits, kind="stable")
    return only(logits, order[: int(np.searchsorted(_sums(logits, order), p)) + 1])


@mutant("top-p-of-one-drops-the-tail", of="top_p",
        fault="a p of 1 ends where a sum of floats reaches 1, before what is below its rounding",
        into=MUTANTS)  # fmt: skip
def _(logits: Floats, p: float) -> Floats:
    order = falling(logits)
    return only(logits, order[: int(np.searchsorted(_sums(logits, order), p)) + 1])


@mutant("top-p-of-exponentials", of="top_p", fault="exponentials are summed that were not normalised", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = falling(logits)
    sums = np.cumsum(np.exp(logits[order].astype(np.float64) - logits.max()))
    return only(logits, order[: int(np.searchsorted(sums, p)) + 1])


@mutant("top-p-in-float16", of="top_p", fault="probabilities are summed in float16", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = falling(logits)
    sums = np.cumsum(softmax(logits[order].astype(np.float64)).astype(np.float16))
    return logits if p == 1 else only(logits, order[: int(np.searchsorted(sums, p)) + 1])


@mutant("top-p-without-shift", of="top_p", fault="exponentials of the logits themselves, in float32", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = falling(logits)
    with np.errstate(all="ignore"):
        weights = np.exp(logits[order].astype(np.float32))
        sums = np.cumsum(weights / weights.sum())
    return logits if p == 1 else only(logits, order[: int(np.searchsorted(sums, p)) + 1])


@mutant("top-p-masked-as-zero", of="top_p", fault="what is masked counts as a logit of 0 in the sums", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    left = sound.top_p(np.where(np.isfinite(logits), logits, 0), p)
    out: Floats = np.where(np.isfinite(logits), left, -np.inf)
    return out


@mutant("top-p-one-percent", of="top_p", fault="a p of 1 is taken for 1 percent", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    return sound.top_p(logits, p / 100 if p >= 1 else p)


@mutant("top-p-sorted", of="top_p", fault="what is left stands in falling order instead of at its ids", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    return np.sort(sound.top_p(logits, p))[::-1]


@mutant("top-p-of-sigmoids", of="top_p", fault="chances are sigmoids divided by their sum", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = falling(logits)
    with np.errstate(over="ignore"):
        gates = 1 / (1 + np.exp(-logits[order].astype(np.float64)))
    return only(logits, order[: int(np.searchsorted(np.cumsum(gates) / gates.sum(), p)) + 1])


@mutant("top-p-of-the-mean", of="top_p", fault="logits less their mean, NaN as soon as one is masked", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = falling(logits)
    with np.errstate(all="ignore"):
        sums = np.cumsum(softmax(logits[order].astype(np.float64) - logits.mean()))
    return only(logits, order[: int(np.searchsorted(sums, p)) + 1])
