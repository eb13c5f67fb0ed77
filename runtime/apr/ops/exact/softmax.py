"""Softmax as `ggml_compute_forward_soft_max_f32` adds it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.ops.exact.c_library import each
from apr.ops.exact.exponential import exponential
from apr.ops.exact.lanes import sum_halves

if TYPE_CHECKING:
    from numpy.typing import NDArray

_F32 = np.float32


def softmax_exact(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """[rows, columns]: exponentials, eight at a time added in float32, these sums in float64; times the sum's reciprocal.

    What is left of a row beyond a multiple of 8 meets the C library's `expf`, and enters the sum one by one.
    """
    whole = x.shape[-1] // 8 * 8
    below = x - x.max(axis=-1, keepdims=True)
    powers = exponential(below[:, :whole])
    parts = sum_halves(powers.reshape(len(x), -1, 8).transpose(2, 0, 1))
    if whole < x.shape[-1]:
        last = each("expf", below[:, whole:])
        powers, parts = np.concatenate([powers, last], axis=-1), np.concatenate([parts, last], axis=-1)
    total = np.add.accumulate(parts, axis=-1, dtype=np.float64)[:, -1:]  # one after the other, unlike `sum`
    normed: NDArray[np.float32] = powers * (1 / total).astype(_F32)
    return normed
