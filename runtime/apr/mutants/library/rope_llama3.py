"""Faults of llama3's stretched rotation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.rope import rope_frequencies, rope_neox, rotated
from apr.kernels.rope_scaled import llama3_frequencies, rope_llama3
from apr.mutants.library.planting import mutant
from apr.mutants.library.rope_scaled import mixed
from apr.ops.rope import Rope

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Floats = NDArray[np.floating[Any]]
    Integers = NDArray[np.integer[Any]]
    Wide = NDArray[np.float64]

MUTANTS: dict[str, KernelMutant] = {}


@mutant("llama3-ends-swapped", of="llama3_frequencies", fault="the two ends of the ramp are exchanged", into=MUTANTS)
def _(dims: int, theta: float, factor: float, original: int, low: float, high: float) -> Wide:
    plain = rope_frequencies(dims, theta)
    kept = np.clip((original * plain / (2 * math.pi) - high) / (low - high), 0, 1)
    return mixed(plain, kept, factor)


@mutant(
    "llama3-along-wavelengths",
    of="llama3_frequencies",
    fault="the ramp is linear in wavelengths, not in rotations",
    into=MUTANTS,
)
def _(dims: int, theta: float, factor: float, original: int, low: float, high: float) -> Wide:
    plain = rope_frequencies(dims, theta)
    longest, shortest = original / low, original / high
    kept = np.clip((longest - 2 * math.pi / plain) / (longest - shortest), 0, 1)
    return mixed(plain, kept, factor)


@mutant(
    "llama3-hard-step", of="llama3_frequencies", fault="there is no ramp: what is not kept is divided", into=MUTANTS
)
def _(dims: int, theta: float, factor: float, original: int, low: float, high: float) -> Wide:
    del low
    plain = rope_frequencies(dims, theta)
    return np.where(original * plain / (2 * math.pi) >= high, plain, plain / factor)


@mutant("llama3-radians", of="llama3_frequencies", fault="rotations are counted without 2 pi", into=MUTANTS)
def _(dims: int, theta: float, factor: float, original: int, low: float, high: float) -> Wide:
    return llama3_frequencies(dims, theta, factor, math.ceil(original * 2 * math.pi), low, high)


@mutant("llama3-everything-divided", of="llama3_frequencies", fault="every frequency is divided", into=MUTANTS)
def _(dims: int, theta: float, factor: float, original: int, low: float, high: float) -> Wide:
    del original, low, high
    return rope_frequencies(dims, theta) / factor


@mutant("llama3-of-8192", of="llama3_frequencies", fault="the context before is always 8192", into=MUTANTS)
def _(dims: int, theta: float, factor: float, original: int, low: float, high: float) -> Wide:
    del original
    return llama3_frequencies(dims, theta, factor, 8192, low, high)


@mutant(
    "llama3-mixes-wavelengths",
    of="llama3_frequencies",
    fault="wavelengths are mixed in place of frequencies",
    into=MUTANTS,
)
def _(dims: int, theta: float, factor: float, original: int, low: float, high: float) -> Wide:
    plain = rope_frequencies(dims, theta)
    kept = np.clip((original * plain / (2 * math.pi) - low) / (high - low), 0, 1)
    return 1 / ((1 - kept) * factor / plain + kept / plain)


@mutant("llama3-divisors-ignored", of="rope_llama3", fault="rope_freqs.weight is not read", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, factor: float, original: int, low: float, high: float) -> Floats:
    del factor, original, low, high
    return rope_neox(x, positions, theta)


@mutant(
    "llama3-divisors-multiplied",
    of="rope_llama3",
    fault="frequencies are multiplied by rope_freqs.weight",
    into=MUTANTS,
)
def _(x: Floats, positions: Integers, theta: float, factor: float, original: int, low: float, high: float) -> Floats:
    divided = llama3_frequencies(x.shape[-1], theta, factor, original, low, high)
    inverse = divided / rope_frequencies(x.shape[-1], theta)
    return rotated(x, positions, Rope("neox", theta, x.shape[-1], divisors=tuple(inverse.tolist())))


@mutant("llama3-as-yarn", of="rope_llama3", fault="sine and cosine are multiplied as YaRN's are", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, factor: float, original: int, low: float, high: float) -> Floats:
    return rope_llama3(x, positions, theta, factor, original, low, high) * x.dtype.type(0.1 * math.log(factor) + 1)
