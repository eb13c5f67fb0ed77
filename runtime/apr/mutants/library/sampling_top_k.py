"""Faults of top-k."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.planting import KernelMutant, mutant
from apr.mutants.library.sampling_parts import falling, only, rising_backwards

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}


@mutant("top-k-ties-to-the-higher", of="top_k", fault="of equal logits those with the higher ids", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return only(logits, rising_backwards(logits)[:k])


@mutant("top-k-by-threshold", of="top_k", fault="all that equal the k-th are left, so there may be more", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    out: Floats = np.where(logits >= np.sort(logits)[::-1][min(k, len(logits)) - 1], logits, -np.inf)
    return out.astype(logits.dtype)


@mutant("top-k-one-too-many", of="top_k", fault="k + 1 are left", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return only(logits, falling(logits)[: k + 1])


@mutant("top-k-never-all", of="top_k", fault="k is cut to one less than there are", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return only(logits, falling(logits)[: max(1, min(k, len(logits) - 1))])


@mutant("top-k-least", of="top_k", fault="the k least: the sort runs upwards", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return only(logits, np.argsort(logits, kind="stable")[:k])


@mutant("top-k-zero-for-out", of="top_k", fault="what is out becomes 0, which beats negative logits", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return only(logits, falling(logits)[:k], 0)


@mutant("top-k-by-magnitude", of="top_k", fault="the k logits that are farthest from zero", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    return only(logits, falling(np.abs(logits))[:k])


@mutant("top-k-in-float16", of="top_k", fault="logits come back rounded to float16", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    with np.errstate(over="ignore"):
        return only(logits.astype(np.float16).astype(logits.dtype), falling(logits)[:k])


@mutant("top-k-sorted", of="top_k", fault="what is left stands in falling order instead of at its ids", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    left = np.full_like(logits, -np.inf)
    left[:k] = logits[falling(logits)[:k]]
    return left


@mutant("top-k-by-partition", of="top_k", fault="parted around the k-th, so any of equal logits is left", into=MUTANTS)
def _(logits: Floats, k: int) -> Floats:
    k = min(k, len(logits))
    return only(logits, np.argpartition(-logits, k - 1)[:k])
