"""Softmax over the last axis, from differences to the greatest element so that nothing overflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def softmax(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Computes exp(x) / sum(exp(x)) over the last axis, in the dtype of x."""
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    normed: NDArray[np.floating[Any]] = weights / weights.sum(axis=-1, keepdims=True)
    return normed


def softmax_ggml(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same as ggml-cpu rounds it: float32 exponentials, a float64 total whose float32 reciprocal is multiplied in.

    What is left against llama.cpp is its polynomial `exp`.
    """
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    reciprocal = (1 / weights.sum(axis=-1, keepdims=True, dtype=np.float64)).astype(np.float32)
    normed: NDArray[np.float32] = weights * reciprocal
    return normed
