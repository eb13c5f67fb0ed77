"""Faults of the order in which a sampler takes its steps, and of what they hand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels import sampling as sound
from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}


@mutant(
    "chain-temperature-first", of="distribution", fault="top-p and min-p look at tempered probabilities", into=MUTANTS
)
def _(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:
    tempered = (logits.astype(np.float64) - logits.max()) / t
    return softmax(sound.min_p(sound.top_p(sound.top_k(tempered, k), p), m))


@mutant(
    "chain-top-p-first",
    of="distribution",
    fault="top-p before top-k, so of all and not of what top-k left",
    into=MUTANTS,
)
def _(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:
    return sound.temperature(sound.min_p(sound.top_k(sound.top_p(logits, p), k), m), t)


@mutant("chain-min-p-before-top-p", of="distribution", fault="min-p before top-p, whose sums it raises", into=MUTANTS)
def _(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:
    return sound.temperature(sound.top_p(sound.min_p(sound.top_k(logits, k), m), p), t)


@mutant(
    "chain-not-normalised", of="distribution", fault="the probabilities that they had among all tokens", into=MUTANTS
)
def _(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:
    left = sound.distribution(logits, t, k, p, m) > 0
    out: Floats = np.where(left, sound.temperature(logits, t), 0)
    return out


@mutant(
    "chain-top-p-or-min-p", of="distribution", fault="min-p is left out where there is a top-p below 1", into=MUTANTS
)
def _(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:
    return sound.distribution(logits, t, k, p, 0.0 if p < 1 else m)


@mutant("chain-without-top-k", of="distribution", fault="top-k is left out", into=MUTANTS)
def _(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:  # noqa: ARG001 that is the fault
    return sound.distribution(logits, t, len(logits), p, m)


@mutant("chain-without-temperature", of="distribution", fault="the temperature is left out", into=MUTANTS)
def _(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:  # noqa: ARG001 that is the fault
    return sound.distribution(logits, 1.0, k, p, m)


@mutant(
    "chain-temperature-twice",
    of="distribution",
    fault="the temperature divides before the steps and behind them",
    into=MUTANTS,
)
def _(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:
    tempered = (logits.astype(np.float64) - logits.max()) / t
    return sound.distribution(tempered, t, k, p, m)


@mutant(
    "chain-default-top-k", of="distribution", fault="never more than 40 are left, whatever is asked for", into=MUTANTS
)
def _(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:
    return sound.distribution(logits, t, min(k, 40), p, m)


@mutant(
    "chain-min-p-not-normalised",
    of="distribution",
    fault="min-p takes probabilities away behind the softmax",
    into=MUTANTS,
)
def _(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:
    chances = sound.distribution(logits, t, k, p, 0.0)
    out: Floats = np.where(sound.distribution(logits, t, k, p, m) > 0, chances, 0)
    return out


@mutant("chain-ties-with-the-kth", of="distribution", fault="top-k leaves all that equal the k-th", into=MUTANTS)
def _(logits: Floats, t: float, k: int, p: float, m: float) -> Floats:
    kth = np.sort(logits)[::-1][min(k, len(logits)) - 1]
    return sound.distribution(np.where(logits >= kth, logits, -np.inf), t, len(logits), p, m)
