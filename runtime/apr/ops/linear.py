"""y = x W^T, in each of the three arithmetics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.quant.activations import round_to_f16, round_to_q8

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from apr.quant.weights import Weights

_F32, _F64 = np.float32, np.float64
_ROWS = 1024  # rows of a matrix widened to float64 at a time, so that no whole float64 copy is ever made


def _chunks(rows: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS) for start in range(0, rows, _ROWS))


def _product_f64(x: NDArray[np.floating[Any]], matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """[positions, columns] x [rows, columns] -> [positions, rows], summed in float64."""
    wide = x.astype(_F64)
    out = np.empty((len(x), len(matrix)), _F64)
    for part in _chunks(len(matrix)):
        out[:, part] = wide @ matrix[part].astype(_F64).T
    return out


def linear_f64(x: NDArray[np.floating[Any]], weights: Weights, name: str) -> NDArray[np.float64]:
    """[positions, columns] -> [positions, rows] over dequantised weights, in float64."""
    return _product_f64(x, weights.dequantised(name))


def linear_f32(x: NDArray[np.floating[Any]], weights: Weights, name: str) -> NDArray[np.float32]:
    """[positions, columns] -> [positions, rows] over dequantised weights, in float32 (BLAS's summation order)."""
    return np.asarray(x, _F32) @ weights.dequantised(name).T


def linear_ggml(x: NDArray[np.float32], weights: Weights, name: str) -> NDArray[np.float32]:
    """[positions, columns] -> [positions, rows] with llama.cpp's rounding of activations, summed in float64.

    For a block of weights `scale * q + minimum` against activations `d * p` the kernel computes
    `scale * d * sum(q * p) + minimum * s` where s is the stored, rounded sum of the activations' block and not the sum
    of the rounded activations. Products and integer sums are exact here; what is left against llama.cpp is the order in
    which it adds blocks in float32.

    Raises:
        UnsupportedModel: a weight type whose kernel has not been measured.
    """
    type_name = weights.type_name(name)
    if type_name == "F32":
        return _product_f64(x, weights.dequantised(name)).astype(_F32)
    if type_name == "F16":
        return _product_f64(round_to_f16(x), weights.dequantised(name)).astype(_F32)
    parts = weights.affine(name)
    rounded = round_to_q8(x)
    out = _product_f64(rounded.values, parts.scaled)
    if parts.minimum is not None:
        out += _product_f64(rounded.sums, parts.minimum)
    return out.astype(_F32)
