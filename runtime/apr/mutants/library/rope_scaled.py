"""Faults of stretched rotations: the wrong end of the frequencies, a ramp of another shape, a factor that is forgotten."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.rope import rope_frequencies, rope_neox, rotated
from apr.kernels.rope_scaled import rope_linear, rope_yarn, yarn_frequencies
from apr.mutants.library.planting import mutant
from apr.ops.rope import Rope, Yarn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Floats = NDArray[np.floating[Any]]
    Integers = NDArray[np.integer[Any]]
    Wide = NDArray[np.float64]

MUTANTS: dict[str, KernelMutant] = {}


def mixed(plain: Wide, kept: Wide, factor: float) -> Wide:
    """Frequencies that are kept where `kept` is 1 and divided where it is 0."""
    return plain * kept + plain / factor * (1 - kept)


def _kept_by_yarn(dims: int, theta: float, original: int) -> Wide:
    """What is kept of each pair: 1, 0, or the ramp between."""
    # a stretch of 2 turns what is kept, k, into (1 + k) / 2
    return 2 * yarn_frequencies(dims, theta, 2.0, original) / rope_frequencies(dims, theta) - 1


def _pair_with(rotations: float, dims: int, theta: float, original: int) -> float:
    return dims * math.log(original / (rotations * 2 * math.pi)) / (2 * math.log(theta))


@mutant("linear-not-scaled", of="rope_linear", fault="the factor is not read", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, factor: float) -> Floats:
    del factor
    return rope_neox(x, positions, theta)


@mutant("linear-multiplies", of="rope_linear", fault="positions are multiplied by the factor", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, factor: float) -> Floats:
    return rope_linear(x, positions, theta, 1 / factor)


@mutant("linear-whole-positions", of="rope_linear", fault="positions are divided as whole numbers", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, factor: float) -> Floats:
    return rope_neox(x, (positions // factor).astype(np.int64), theta)


@mutant("linear-divides-theta", of="rope_linear", fault="theta is divided in place of the frequencies", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, factor: float) -> Floats:
    return rope_neox(x, positions, theta / factor)


@mutant("yarn-upside-down", of="yarn_frequencies", fault="fast pairs are divided and slow ones kept", into=MUTANTS)
def _(dims: int, theta: float, factor: float, original: int) -> Wide:
    return mixed(rope_frequencies(dims, theta), 1 - _kept_by_yarn(dims, theta, original), factor)


@mutant("yarn-everything-divided", of="yarn_frequencies", fault="every frequency is divided", into=MUTANTS)
def _(dims: int, theta: float, factor: float, original: int) -> Wide:
    del original
    return rope_frequencies(dims, theta) / factor


@mutant(
    "yarn-ends-not-whole",
    of="yarn_frequencies",
    fault="the ends of the ramp are not rounded to whole pairs",
    into=MUTANTS,
)
def _(dims: int, theta: float, factor: float, original: int) -> Wide:
    low, high = (_pair_with(rotations, dims, theta, original) for rotations in (32, 1))
    kept = 1 - np.clip((np.arange(dims // 2) - low) / (high - low), 0, 1)
    return mixed(rope_frequencies(dims, theta), kept, factor)


@mutant("yarn-not-clamped", of="yarn_frequencies", fault="the ramp goes on beyond its ends", into=MUTANTS)
def _(dims: int, theta: float, factor: float, original: int) -> Wide:
    low = math.floor(_pair_with(32, dims, theta, original))
    high = math.ceil(_pair_with(1, dims, theta, original))
    kept = 1 - (np.arange(dims // 2) - low) / (high - low)
    return mixed(rope_frequencies(dims, theta), kept, factor)


@mutant(
    "yarn-stretched-context", of="yarn_frequencies", fault="rotations are counted over the longer context", into=MUTANTS
)
def _(dims: int, theta: float, factor: float, original: int) -> Wide:
    return yarn_frequencies(dims, theta, factor, math.ceil(original * factor))


@mutant("yarn-hard-step", of="yarn_frequencies", fault="there is no ramp: pairs are kept or divided", into=MUTANTS)
def _(dims: int, theta: float, factor: float, original: int) -> Wide:
    return mixed(rope_frequencies(dims, theta), np.round(_kept_by_yarn(dims, theta, original)), factor)


@mutant(
    "yarn-divides-twice",
    of="yarn_frequencies",
    fault="slow pairs are divided by the square of the factor",
    into=MUTANTS,
)
def _(dims: int, theta: float, factor: float, original: int) -> Wide:
    return yarn_frequencies(dims, theta, factor**2, original)


@mutant("yarn-always-a-little", of="yarn_frequencies", fault="a factor below 2 is taken for 2", into=MUTANTS)
def _(dims: int, theta: float, factor: float, original: int) -> Wide:
    return yarn_frequencies(dims, theta, max(factor, 2.0), original)


@mutant("yarn-scales-without-magnitude", of="rope_yarn", fault="sine and cosine are not multiplied", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, factor: float, original: int) -> Floats:
    undone = 1 / (0.1 * math.log(factor) + 1)
    return rotated(x, positions, Rope("neox", theta, x.shape[-1], factor, yarn=Yarn(original, undone)))


@mutant("yarn-magnitude-twice", of="rope_yarn", fault="the magnitude is multiplied in twice", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, factor: float, original: int) -> Floats:
    return rope_yarn(x, positions, theta, factor, original) * x.dtype.type(0.1 * math.log(factor) + 1)


@mutant("yarn-magnitude-to-base-10", of="rope_yarn", fault="the magnitude takes the logarithm to base 10", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, factor: float, original: int) -> Floats:
    instead = (0.1 * math.log10(factor) + 1) / (0.1 * math.log(factor) + 1)
    return rotated(x, positions, Rope("neox", theta, x.shape[-1], factor, yarn=Yarn(original, instead)))


@mutant(
    "yarn-rotates-plainly", of="rope_yarn", fault="angles are those of the model before it was stretched", into=MUTANTS
)
def _(x: Floats, positions: Integers, theta: float, factor: float, original: int) -> Floats:
    del original
    return rope_neox(x, positions, theta) * x.dtype.type(0.1 * math.log(factor) + 1)


@mutant("yarn-as-linear", of="rope_yarn", fault="angles are those of position / factor", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, factor: float, original: int) -> Floats:
    del original
    return rope_linear(x, positions, theta, factor) * x.dtype.type(0.1 * math.log(factor) + 1)


@mutant(
    "yarn-dynamic", of="rope_yarn", fault="the factor is what the farthest position of the call needs", into=MUTANTS
)
def _(x: Floats, positions: Integers, theta: float, factor: float, original: int) -> Floats:
    needed = (int(positions.max(initial=0)) + 1) / original
    return rope_yarn(x, positions, theta, min(factor, max(needed, 1.0)), original)
