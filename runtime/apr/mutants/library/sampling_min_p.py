"""Faults of min-p."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels import sampling as sound
from apr.mutants.library.planting import KernelMutant, mutant
from apr.mutants.library.sampling_parts import only
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}


@mutant(
    "min-p-absolute",
    of="min_p",
    fault="probabilities are held against m itself, not m times the greatest",
    into=MUTANTS,
)
def _(logits: Floats, m: float) -> Floats:
    return only(logits, np.flatnonzero(softmax(logits.astype(np.float64)) >= m))


@mutant("min-p-of-logits", of="min_p", fault="logits are held against m times the greatest logit", into=MUTANTS)
def _(logits: Floats, m: float) -> Floats:
    return only(logits, np.flatnonzero(logits >= m * logits.max()))


@mutant("min-p-must-exceed", of="min_p", fault="chances must exceed the threshold: none is left at m = 1", into=MUTANTS)
def _(logits: Floats, m: float) -> Floats:
    return logits if m == 0 else only(logits, np.flatnonzero(logits > float(logits.max()) + math.log(m)))


@mutant("min-p-in-bits", of="min_p", fault="a logarithm to base 2", into=MUTANTS)
def _(logits: Floats, m: float) -> Floats:
    return logits if m == 0 else only(logits, np.flatnonzero(logits >= float(logits.max()) + math.log2(m)))


@mutant("min-p-of-zero-is-default", of="min_p", fault="an m of 0 is taken as not given, and 0.05 put in", into=MUTANTS)
def _(logits: Floats, m: float) -> Floats:
    return sound.min_p(logits, m or 0.05)


@mutant("min-p-of-first", of="min_p", fault="held against the first token instead of the likeliest", into=MUTANTS)
def _(logits: Floats, m: float) -> Floats:
    return logits if m == 0 else only(logits, np.flatnonzero(logits >= float(logits[0]) + math.log(m)))


@mutant(
    "min-p-without-the-greatest", of="min_p", fault="logits are taken for logarithms of probabilities", into=MUTANTS
)
def _(logits: Floats, m: float) -> Floats:
    return logits if m == 0 else only(logits, np.flatnonzero(logits >= math.log(m)))


@mutant("min-p-moves-the-rest", of="min_p", fault="what is left comes back less the greatest", into=MUTANTS)
def _(logits: Floats, m: float) -> Floats:
    left: Floats = sound.min_p(logits, m) - logits.max()
    return left


@mutant("min-p-ends-early", of="min_p", fault="ends at the first id below, as if logits were sorted", into=MUTANTS)
def _(logits: Floats, m: float) -> Floats:
    left = sound.min_p(logits, m)
    below = np.flatnonzero(np.isneginf(left))
    left[below[0] if below.size else len(left) :] = -np.inf
    return left


@mutant("min-p-of-the-mean", of="min_p", fault="chances are held against m times their mean", into=MUTANTS)
def _(logits: Floats, m: float) -> Floats:
    chances = softmax(logits.astype(np.float64))
    return only(logits, np.flatnonzero(chances >= m * chances[chances > 0].mean()))


@mutant("min-p-by-magnitude", of="min_p", fault="magnitudes of logits are compared", into=MUTANTS)
def _(logits: Floats, m: float) -> Floats:
    size = np.abs(logits)
    return logits if m == 0 else only(logits, np.flatnonzero(size >= float(size.max()) + math.log(m)))


@mutant("min-p-one-percent", of="min_p", fault="an m of 1 is taken for 1 percent", into=MUTANTS)
def _(logits: Floats, m: float) -> Floats:
    return sound.min_p(logits, m / 100 if m >= 1 else m)


@mutant(
    "min-p-of-what-is-left",
    of="min_p",
    fault="chances are scaled to 1 less their least, which cutting moves",
    into=MUTANTS,
)
def _(logits: Floats, m: float) -> Floats:
    chances = np.where(np.isfinite(logits), softmax(logits.astype(np.float64)), np.nan)
    least, most = np.nanmin(chances), np.nanmax(chances)
    return only(logits, np.flatnonzero(chances - least >= m * (most - least)))
