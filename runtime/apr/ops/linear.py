"""Products of activations and a weight matrix, y = x W^T, in each of the three arithmetics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apr.quant.activations import BLOCK_ROUNDINGS, PLAIN_ROUNDINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.quant.blocks import Format
    from apr.quant.weights import Weights

_F32, _F64 = np.float32, np.float64
_WIDE = 1 << 24  # bytes of a matrix that are widened to float64 at a time, so that no float64 copy of it is ever made


class Activations(NamedTuple):
    """What a kernel sees of activations.

    Attributes:
        values: [positions, columns] float64, after rounding.
        sums: [positions, groups] float64, what multiplies the minima; None where weights have none.
    """

    values: NDArray[np.float64]
    sums: NDArray[np.float64] | None


def round_activations(x: NDArray[np.float32], weights: Format) -> Activations:
    """[positions, columns] float32 as llama.cpp rounds them before they meet weights of a format."""
    if weights.rounding == "F32":
        return Activations(x.astype(_F64), None)
    if weights.rounding in PLAIN_ROUNDINGS:
        return Activations(PLAIN_ROUNDINGS[weights.rounding](x).astype(_F64), None)
    rounded = BLOCK_ROUNDINGS[weights.rounding](x)
    return Activations(rounded.values, rounded.group_sums(weights.minima.group) if weights.minima else None)


def product(x: NDArray[np.floating[Any]], matrix: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """[positions, columns] x [rows, columns] -> [positions, rows]: x W^T in the dtype of both, in BLAS's order of summation.

    BLAS chooses its order by shape and place in memory, so that a row alone can differ in its last bits from the same row
    among others.

    Raises:
        ValueError: columns that differ in number.
    """
    out: NDArray[np.floating[Any]] = x @ matrix.T
    return out


def _product(x: NDArray[np.float64], matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """[positions, columns] x [rows, columns] -> [positions, rows], summed in float64."""
    out = np.empty((len(x), len(matrix)), _F64)
    step = max(1, _WIDE // (8 * matrix.shape[1]))
    for start in range(0, len(matrix), step):
        out[:, start : start + step] = product(x, matrix[start : start + step].astype(_F64))
    return out


def linear_f64(x: NDArray[np.floating[Any]], weights: Weights, name: str) -> NDArray[np.float64]:
    """[positions, columns] -> [positions, rows] over dequantised weights, in float64."""
    out = np.empty((len(x), weights.shape(name)[0]), _F64)
    wide = x.astype(_F64)
    for part, matrix in weights.matrix(name):
        out[:, part] = _product(wide, matrix)
    return out


def linear_f32(x: NDArray[np.floating[Any]], weights: Weights, name: str) -> NDArray[np.float32]:
    """[positions, columns] -> [positions, rows] over dequantised weights, in float32 (BLAS's summation order)."""
    out = np.empty((len(x), weights.shape(name)[0]), _F32)
    narrow = np.asarray(x, _F32)
    for part, matrix in weights.matrix(name):
        out[:, part] = product(narrow, matrix)
    return out


def linear_ggml(
    x: NDArray[np.float32],
    weights: Weights,
    name: str,
    rounding: Callable[[NDArray[np.float32], Format], Activations] = round_activations,
) -> NDArray[np.float32]:
    """[positions, columns] -> [positions, rows] with llama.cpp's rounding of activations, summed in float64.

    For a group of weights `scale * q + minimum` against activations `d * p` the kernel computes
    `scale * d * sum(q * p) + minimum * s`, where s stands for the sum of the group's activations: the stored and rounded one
    of Q8_1, `d * sum(p)` of Q8_K. All factors are exact here and their products, of up to 54 bits, as good as exact; what is
    left against llama.cpp is that it rounds `scale * d` to float32 and adds groups in float32, in an order of its own.

    Raises:
        UnsupportedModel: a weight type whose kernel has not been measured.
    """
    out = np.empty((len(x), weights.shape(name)[0]), _F32)
    values, sums = rounding(x, weights.format(name))
    for part, (scaled, minimum) in weights.affine(name):
        product = _product(values, scaled)
        if minimum is not None and sums is not None:
            product += _product(sums, minimum)
        out[:, part] = product
    return out
