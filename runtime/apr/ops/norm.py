"""Root mean square normalisation (Zhang and Sennrich 2019, equation 4) and layer normalisation (Ba et al. 2016, equation 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_F32 = np.float32


def rms_norm(
    x: NDArray[np.floating[Any]], weight: NDArray[np.floating[Any]], epsilon: float
) -> NDArray[np.floating[Any]]:
    """Computes x / sqrt(mean(x**2) + epsilon) * weight over the last axis, in the dtype of x."""
    mean = np.mean(x * x, axis=-1, keepdims=True, dtype=x.dtype)
    normed: NDArray[np.floating[Any]] = x / np.sqrt(mean + x.dtype.type(epsilon)) * weight.astype(x.dtype)
    return normed


def rms_norm_ggml(x: NDArray[np.float32], weight: NDArray[np.float32], epsilon: float) -> NDArray[np.float32]:
    """The same as ggml-cpu rounds it: float32 squares summed in float64, everything else in float32.

    The order is `x * (1 / sqrt(mean + epsilon))`, then `* weight`; bit-identical to llama.cpp.
    """
    total = (x * x).sum(axis=-1, dtype=np.float64)
    mean = (total / x.shape[-1]).astype(_F32)
    scale = _F32(1) / np.sqrt(mean + _F32(epsilon))
    normed: NDArray[np.float32] = (x * scale[..., None]) * weight
    return normed


def layer_norm(
    x: NDArray[np.floating[Any]], weight: NDArray[np.floating[Any]], bias: NDArray[np.floating[Any]], epsilon: float
) -> NDArray[np.floating[Any]]:
    """Computes (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis, in the dtype of x.

    The variance is the mean of (x - mean)**2: as mean(x**2) - mean**2 it is lost where the mean is far from 0.
    """
    centred = x - np.mean(x, axis=-1, keepdims=True, dtype=x.dtype)
    variance = np.mean(centred * centred, axis=-1, keepdims=True, dtype=x.dtype)
    scaled = centred / np.sqrt(variance + x.dtype.type(epsilon)) * weight.astype(x.dtype)
    normed: NDArray[np.floating[Any]] = scaled + bias.astype(x.dtype)
    return normed
