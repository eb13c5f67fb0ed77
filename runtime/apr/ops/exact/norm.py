"""Sums of float64 that ggml adds one after the other: the root mean square, and the weights of a mixture of experts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_F32, _F64 = np.float32, np.float64
_LEAST = _F32(6.103515625e-5)  # the smallest normal float16: what llama.cpp clamps the sum of weights to


def _one_after_the_other(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sums over the last axis, float64, that axis kept."""
    sums: NDArray[np.float64] = np.add.accumulate(x, axis=-1, dtype=_F64)
    return sums[..., -1:]


def rms_norm_exact(x: NDArray[np.float32], weight: NDArray[np.float32], epsilon: float) -> NDArray[np.float32]:
    """As `ggml_compute_forward_rms_norm_f32`: squares in float32, their sum in float64, the rest in float32."""
    squares: NDArray[np.float32] = x * x
    mean = (_one_after_the_other(squares) / x.shape[-1]).astype(_F32)
    scale = _F32(1) / np.sqrt(mean + _F32(epsilon))
    normed: NDArray[np.float32] = (x * scale) * weight
    return normed


def expert_weights_exact(probabilities: NDArray[np.float32], chosen: NDArray[np.intp]) -> NDArray[np.float32]:
    """As llama.cpp's graph: the sum in float64, rounded, clamped; arguments and result as of `apr.ops.experts.expert_weights`."""
    taken = np.take_along_axis(probabilities, chosen, axis=-1)
    total: NDArray[np.float32] = np.maximum(_one_after_the_other(taken).astype(_F32), _LEAST)
    normed: NDArray[np.float32] = taken / total
    return normed
