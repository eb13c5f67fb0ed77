"""Activation functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def silu(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Computes x / (1 + exp(-x)) (Elfwing et al. 2017), in float64, rounded to the dtype of x."""
    wide = x.astype(np.float64)
    # exp overflows to infinity for x below -709, where the quotient is the correct -0
    with np.errstate(over="ignore"):
        activated: NDArray[np.floating[Any]] = (wide / (1 + np.exp(-wide))).astype(x.dtype)
    return activated


def gelu_tanh(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Computes 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3))) (Hendrycks and Gimpel 2016), rounded to the dtype of x."""
    wide = x.astype(np.float64)
    inner = np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)
    activated: NDArray[np.floating[Any]] = (0.5 * wide * (1 + np.tanh(inner))).astype(x.dtype)
    return activated
