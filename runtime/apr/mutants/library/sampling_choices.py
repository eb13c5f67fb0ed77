"""Faults of the greatest logit and of the temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}


def _first(x: NDArray[Any]) -> int:
    return int(np.argmax(x))


@mutant("greedy-last-of-equals", of="greedy", fault="of equal logits the one with the highest id", into=MUTANTS)
def _(logits: Floats) -> int:
    return len(logits) - 1 - _first(logits[::-1])


@mutant("greedy-by-magnitude", of="greedy", fault="the logit that is farthest from zero", into=MUTANTS)
def _(logits: Floats) -> int:
    return _first(np.abs(logits))


@mutant(
    "greedy-in-float16", of="greedy", fault="logits are compared as float16, where close ones are equal", into=MUTANTS
)
def _(logits: Floats) -> int:
    with np.errstate(over="ignore"):
        return _first(logits.astype(np.float16))


@mutant(
    "greedy-by-bits", of="greedy", fault="bits are compared as whole numbers: of negatives the least wins", into=MUTANTS
)
def _(logits: Floats) -> int:
    return _first(logits.astype(np.float32).view(np.int32))


@mutant("greedy-starts-at-zero", of="greedy", fault="the greatest so far starts as 0 at id 0", into=MUTANTS)
def _(logits: Floats) -> int:
    return _first(np.maximum(logits, 0))


@mutant("greedy-without-the-last", of="greedy", fault="the loop ends one before the last id", into=MUTANTS)
def _(logits: Floats) -> int:
    return _first(logits[:-1]) if len(logits) > 1 else 0


@mutant("greedy-of-float32-probabilities", of="greedy",
        fault="the greatest probability in float32, where close logits have equal ones", into=MUTANTS)  # fmt: skip
def _(logits: Floats) -> int:
    with np.errstate(over="ignore"):
        return _first(softmax(logits.astype(np.float32)))


@mutant("greedy-of-the-mean", of="greedy", fault="logits less their mean, NaN as soon as one is masked", into=MUTANTS)
def _(logits: Floats) -> int:
    with np.errstate(all="ignore"):
        return _first(logits - logits.mean())


@mutant("temperature-without-shift", of="temperature",
        fault="exponentials of the quotients themselves, which overflow above 709", into=MUTANTS)  # fmt: skip
def _(logits: Floats, t: float) -> Floats:
    with np.errstate(all="ignore"):
        weights = np.exp(logits.astype(np.float64) / t)
        out: Floats = weights / weights.sum()
        return out


@mutant("temperature-shifted-late", of="temperature",
        fault="the greatest is subtracted behind the division, which rounds away what large logits differ by",
        into=MUTANTS)  # fmt: skip
def _(logits: Floats, t: float) -> Floats:
    with np.errstate(all="ignore"):
        return softmax(logits.astype(np.float64) / t)


@mutant("temperature-multiplies", of="temperature", fault="logits times the temperature", into=MUTANTS)
def _(logits: Floats, t: float) -> Floats:
    return softmax((logits - logits.max()).astype(np.float64) * t)


@mutant("temperature-of-probabilities", of="temperature",
        fault="probabilities are divided instead of logits, which normalising undoes", into=MUTANTS)  # fmt: skip
def _(logits: Floats, t: float) -> Floats:
    divided = softmax(logits.astype(np.float64)) / t
    out: Floats = divided / divided.sum()
    return out


@mutant("temperature-not-normalised", of="temperature",
        fault="probabilities to the power of 1 / t, which do not sum to one", into=MUTANTS)  # fmt: skip
def _(logits: Floats, t: float) -> Floats:
    with np.errstate(all="ignore"):
        out: Floats = softmax(logits.astype(np.float64)) ** (1 / t)
        return out


@mutant("temperature-with-epsilon", of="temperature", fault="1e-5 is added to the temperature", into=MUTANTS)
def _(logits: Floats, t: float) -> Floats:
    return softmax((logits.astype(np.float64) - logits.max()) / (t + 1e-5))


@mutant("temperature-at-least-a-tenth", of="temperature", fault="temperatures below 0.1 are taken as 0.1", into=MUTANTS)
def _(logits: Floats, t: float) -> Floats:
    return softmax((logits.astype(np.float64) - logits.max()) / max(t, 0.1))


@mutant("temperature-in-float16", of="temperature", fault="quotients are rounded to float16", into=MUTANTS)
def _(logits: Floats, t: float) -> Floats:
    with np.errstate(over="ignore"):
        return softmax(((logits.astype(np.float64) - logits.max()) / t).astype(np.float16).astype(np.float64))


@mutant("temperature-mask-is-finite", of="temperature",
        fault="what is masked counts as -1e4, and hot samplers choose it", into=MUTANTS)  # fmt: skip
def _(logits: Floats, t: float) -> Floats:
    finite = np.where(np.isneginf(logits), logits.max() - 1e4, logits.astype(np.float64))
    with np.errstate(over="ignore"):
        return softmax((finite - finite.max()) / t)


@mutant("temperature-squares", of="temperature",
        fault="the quotient's square: a Gaussian around the greatest, even and one-sided", into=MUTANTS)  # fmt: skip
def _(logits: Floats, t: float) -> Floats:
    with np.errstate(over="ignore"):
        return softmax(-(((logits.astype(np.float64) - logits.max()) / t) ** 2))


@mutant(
    "temperature-sorted", of="temperature", fault="probabilities come in falling order, not at their ids", into=MUTANTS
)
def _(logits: Floats, t: float) -> Floats:
    return np.sort(softmax((logits.astype(np.float64) - logits.max()) / t))[::-1]
