"""Faults of top-k and top-p."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels import sampling as sound
from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}


def _falling(logits: Floats) -> NDArray[np.intp]:
    """Ids from the greatest logit to the least, of equal ones the lower first."""
    return np.argsort(-logits, kind="stable")


def _rising_backwards(logits: Floats) -> NDArray[np.intp]:
    """The same, but of equal ones the higher first."""
    return np.argsort(logits, kind="stable")[::-1]


def _only(logits: Floats, ids: NDArray[np.intp], other: float = -math.inf) -> Floats:
    left = np.full_like(logits, other)
    left[ids] = logits[ids]
    return left


def _sums(logits: Floats, order: NDArray[np.intp]) -> Floats:
    out: Floats = np.cumsum(softmax(logits.astype(np.float64))[order])
    return out


@mutant("top-k-ties-to-the-higher", of="top_k", fault="of equal logits those with the higher ids", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return _only(logits, _rising_backwards(logits)[:k])


@mutant("top-k-by-threshold", of="top_k", fault="all that equal the k-th are left, so there may be more", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    out: Floats = np.where(logits >= np.sort(logits)[::-1][min(k, len(logits)) - 1], logits, -np.inf)
    return out.astype(logits.dtype)


@mutant("top-k-one-too-many", of="top_k", fault="k + 1 are left", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return _only(logits, _falling(logits)[: k + 1])


@mutant("top-k-never-all", of="top_k", fault="k is cut to one less than there are", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return _only(logits, _falling(logits)[: max(1, min(k, len(logits) - 1))])


@mutant("top-k-least", of="top_k", fault="the k least: the sort runs upwards", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return _only(logits, np.argsort(logits, kind="stable")[:k])


@mutant("top-k-zero-for-out", of="top_k", fault="what is out becomes 0, which beats negative logits", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return _only(logits, _falling(logits)[:k], 0)


@mutant("top-k-by-magnitude", of="top_k", fault="the k logits that are farthest from zero", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return _only(logits, _falling(np.abs(logits))[:k])


@mutant("top-k-in-float16", of="top_k", fault="logits come back rounded to float16", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    with np.errstate(over="ignore"):
        return _only(logits.astype(np.float16).astype(logits.dtype), _falling(logits)[:k])


@mutant("top-k-sorted", of="top_k", fault="what is left stands in falling order instead of at its ids", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    left = np.full_like(logits, -np.inf)
    left[:k] = logits[_falling(logits)[:k]]
    return left


@mutant("top-k-by-partition", of="top_k", fault="parted around the k-th, so any of equal logits is left", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    k = min(k, len(logits))
    return _only(logits, np.argpartition(-logits, k - 1)[:k])


@mutant("top-p-for-what-is-cut", of="top_p", fault="p is taken for the share that is cut off", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    return sound.top_p(logits, 1 - p) if p < 1 else _only(logits, _falling(logits)[:1])


@mutant("top-p-one-short", of="top_p", fault="the token that reaches p is left out", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = _falling(logits)
    return _only(logits, order[: max(1, int(np.searchsorted(_sums(logits, order), p)))])


@mutant("top-p-one-more", of="top_p", fault="one more than reach p are left", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = _falling(logits)
    return _only(logits, order[: int(np.searchsorted(_sums(logits, order), p)) + 2])


@mutant("top-p-must-exceed", of="top_p", fault="sums must exceed p, not reach it", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = _falling(logits)
    return _only(logits, order[: int(np.searchsorted(_sums(logits, order), p, side="right")) + 1])


@mutant(
    "top-p-may-leave-none", of="top_p", fault="sums up to p are left, so none where the first exceeds it", into=MUTANTS
)
def _(logits: Floats, p: float) -> Floats:
    order = _falling(logits)
    return _only(logits, order[: int(np.searchsorted(_sums(logits, order), p, side="right"))])


@mutant("top-p-ties-to-the-higher", of="top_p", fault="of equal logits those with the higher ids", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = _rising_backwards(logits)
    return _only(logits, order[: int(np.searchsorted(_sums(logits, order), p)) + 1])


@mutant("top-p-unsorted", of="top_p", fault="probabilities are summed in the order of ids", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = np.arange(len(logits))
    return _only(logits, order[: int(np.searchsorted(_sums(logits, order), p)) + 1])


@mutant("top-p-from-below", of="top_p", fault="the least likely are summed first", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = np.argsort(logits, kind="stable")
    return _only(logits, order[: int(np.searchsorted(_sums(logits, order), p)) + 1])


@mutant("top-p-of-one-drops-the-tail", of="top_p",
        fault="a p of 1 ends where a sum of floats reaches 1, before what is below its rounding",
        into=MUTANTS)  # fmt: skip
def _(logits: Floats, p: float) -> Floats:
    order = _falling(logits)
    return _only(logits, order[: int(np.searchsorted(_sums(logits, order), p)) + 1])


@mutant("top-p-of-exponentials", of="top_p", fault="exponentials are summed that were not normalised", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = _falling(logits)
    sums = np.cumsum(np.exp(logits[order].astype(np.float64) - logits.max()))
    return _only(logits, order[: int(np.searchsorted(sums, p)) + 1])


@mutant("top-p-in-float16", of="top_p", fault="probabilities are summed in float16", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = _falling(logits)
    sums = np.cumsum(softmax(logits[order].astype(np.float64)).astype(np.float16))
    return logits if p == 1 else _only(logits, order[: int(np.searchsorted(sums, p)) + 1])


@mutant("top-p-without-shift", of="top_p", fault="exponentials of the logits themselves, in float32", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    order = _falling(logits)
    with np.errstate(all="ignore"):
        weights = np.exp(logits[order].astype(np.float32))
        sums = np.cumsum(weights / weights.sum())
    return logits if p == 1 else _only(logits, order[: int(np.searchsorted(sums, p)) + 1])


@mutant("top-p-masked-as-zero", of="top_p", fault="what is masked counts as a logit of 0 in the sums", into=MUTANTS)
def _(logits: Floats, p: float) -> Floats:
    left = sound.top_p(np.where(np.isfinite(logits), logits, 0), p)
    out: Floats = np.where(np.isfinite(logits), left, -np.inf)
    return out
