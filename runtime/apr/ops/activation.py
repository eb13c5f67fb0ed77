"""Activation functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def silu(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """x / (1 + exp(-x)) (Elfwing et al. 2017), in float64, rounded to the dtype of x."""
    wide = x.astype(np.float64)
    # exp overflows to infinity for x below -709, where the quotient is the correct -0
    with np.errstate(over="ignore"):
        return (wide / (1 + np.exp(-wide))).astype(x.dtype)


def gelu_tanh(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3))) (Hendrycks and Gimpel 2016), rounded to the dtype of x."""
    wide = x.astype(np.float64)
    return (0.5 * wide * (1 + np.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)))).astype(x.dtype)
