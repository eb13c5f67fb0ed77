"""Rotations stretched to more positions than a model was trained on; all of them rotate halves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.formats.hf_rope import llama3_divisors
from apr.kernels.rope import rotated
from apr.ops.rope import Rope, Yarn, frequencies

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Integers = NDArray[np.integer[Any]]


def rope_linear(x: Floats, positions: Integers, theta: float, factor: float) -> Floats:
    """Position interpolation (Chen et al. 2023, equation 4): the rotation at position / factor.

    Args:
        x: [m, heads, d], d even.
        positions: [m], of the rows of x.
        theta: the base of the frequencies.
        factor: how many times longer the context is made.

    Returns:
        [m, heads, d] in the dtype of x.
    """
    return rotated(x, positions, Rope("neox", theta, x.shape[-1], factor))


def yarn_frequencies(dims: int, theta: float, factor: float, original: int) -> NDArray[np.float64]:
    """YaRN's frequencies (Peng et al. 2023, section 3.2), with beta 32 and 1: [dims / 2] in radians a position.

    Pairs that turn more than 32 times over the original context keep their frequency, those that turn less than once have
    it divided by the factor, with a ramp over the whole pairs between.

    Args:
        dims: how many dimensions of a head rotate, an even number.
        theta: the base of the frequencies.
        factor: how many times longer the context is made, at least 1.
        original: positions before that, at least 7, so that one of them is a whole turn of the first pair.
    """
    return frequencies(_yarn(dims, theta, factor, original))


def rope_yarn(x: Floats, positions: Integers, theta: float, factor: float, original: int) -> Floats:
    """The rotation by YaRN's frequencies, times 0.1 ln(factor) + 1 (Peng et al. 2023, section 3.3).

    Args:
        x: [m, heads, d], d even.
        positions: [m], of the rows of x.
        theta: the base of the frequencies.
        factor: how many times longer the context is made, at least 1.
        original: positions before that.

    Returns:
        [m, heads, d] in the dtype of x.
    """
    return rotated(x, positions, _yarn(x.shape[-1], theta, factor, original))


def llama3_frequencies(
    dims: int, theta: float, factor: float, original: int, low: float, high: float
) -> NDArray[np.float64]:
    """llama3's frequencies: [dims / 2] in radians a position.

    They are divided by numbers that converters store in float32, so each is off by up to 2^-24 of itself.

    Args:
        dims: how many dimensions of a head rotate, an even number.
        theta: the base of the frequencies.
        factor: what the lowest frequencies are divided by.
        original: positions before the model was stretched.
        low: rotations over them below which a frequency is divided.
        high: rotations above which it stays; greater than `low`.
    """
    return frequencies(_llama3(dims, theta, factor, original, low, high))


def rope_llama3(
    x: Floats, positions: Integers, theta: float, factor: float, original: int, low: float, high: float
) -> Floats:
    """The rotation by llama3's frequencies.

    Args:
        x: [m, heads, d], d even.
        positions: [m], of the rows of x.
        theta: the base of the frequencies.
        factor: what the lowest frequencies are divided by.
        original: positions before the model was stretched.
        low: rotations over them below which a frequency is divided.
        high: rotations above which it stays.

    Returns:
        [m, heads, d] in the dtype of x.
    """
    return rotated(x, positions, _llama3(x.shape[-1], theta, factor, original, low, high))


def _yarn(dims: int, theta: float, factor: float, original: int) -> Rope:
    return Rope("neox", theta, dims, factor, yarn=Yarn(original))


def _llama3(dims: int, theta: float, factor: float, original: int, low: float, high: float) -> Rope:
    divisors = llama3_divisors(dims, theta, factor, original, low, high)
    return Rope("neox", theta, dims, divisors=tuple(divisors.tolist()))
