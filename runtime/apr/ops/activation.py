"""Activation functions, element by element in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_BLOCK = 1 << 15  # elements widened at a time: what a few of them need in float64 stays in the processor's cache
_ERFC = np.frompyfunc(math.erfc, 1, 1)


def silu(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Computes x / (1 + exp(-x)) (Elfwing et al. 2017), in float64, rounded to the dtype of x."""

    def quotient(wide: NDArray[np.float64]) -> NDArray[np.float64]:
        below = np.negative(wide)
        np.exp(below, out=below)
        below += 1
        return np.divide(wide, below, out=below)

    # exp overflows to infinity for x below -709, where the quotient is the correct -0
    with np.errstate(over="ignore"):
        return _widened(x, quotient)


def gelu(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Computes x Phi(x), Phi the normal distribution function (Hendrycks and Gimpel 2016), in float64, rounded to the dtype of x.

    As 0.5 x erfc(-x / sqrt(2)): 1 + erf(x / sqrt(2)) is the same, and has lost all digits in float32 below -5.
    """
    root = math.sqrt(0.5)
    return _widened(x, lambda wide: 0.5 * wide * np.asarray(_ERFC(-root * wide), np.float64))


def gelu_tanh(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Computes 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3))) (Hendrycks and Gimpel 2016), rounded to the dtype of x."""

    def gelu(wide: NDArray[np.float64]) -> NDArray[np.float64]:
        inner = np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)
        out: NDArray[np.float64] = 0.5 * wide * (1 + np.tanh(inner))
        return out

    return _widened(x, gelu)


def _widened(
    x: NDArray[np.floating[Any]], function: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.floating[Any]]:
    """A function of single elements, some of them at a time in float64, in the shape and dtype of x."""
    given = x.reshape(-1)
    made = np.empty(given.shape, x.dtype)
    for start in range(0, given.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        made[part] = function(given[part].astype(np.float64))
    return made.reshape(x.shape)
