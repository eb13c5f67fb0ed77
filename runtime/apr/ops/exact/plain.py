"""Products of numbers that are not in blocks: F32, F16 and BF16 weights, and both products of attention.

ggml has two kernels. tinyBLAS (`llamafile/sgemm.cpp`, class tinyBLAS<8, ...>) is taken for two columns and more whose length
is a multiple of 8, against rows whose number is a multiple of 4: one register. `ggml_vec_dot_f32` and its kin are taken
otherwise, and always for experts (`mul_mat_id`): four registers in turn, 32 numbers a step. What is left when a length is no
multiple of 32 they multiply four at a time and add one by one, each step rounded; less than four are left to the compiler,
so lengths that are no multiple of 4 are refused. `ggml_vec_dot_f16` and `_bf16` add what is left in float64, and are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.ops.exact.fused import Accumulator
from apr.ops.exact.lanes import sum_halves, sum_pairs, sum_registers
from apr.ops.exact.refused import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_F32, _F64 = np.float32, np.float64
_SUMS = 1 << 15  # float64 sums held at a time: with their products they stay in the processor's cache


def takes_tiny_blas(columns: int, rows: int, length: int) -> bool:
    """Whether `llamafile_sgemm` multiplies [columns, length] with [rows, length]; contiguous both."""
    return columns >= 2 and rows % 4 == 0 and length % 8 == 0


def by_tiny_blas(x: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """[columns, length] x [rows, length] -> [columns, rows] as tinyBLAS sums; lengths are multiples of 8."""
    return in_lanes(x, matrix, 1, sum_halves)


def by_vec_dot(x: NDArray[np.float32], matrix: NDArray[np.float32], type_name: str = "F32") -> NDArray[np.float32]:
    """[columns, length] x [rows, length] -> [columns, rows] as `ggml_vec_dot_f32`, `_f16` or `_bf16` sums.

    Args:
        x: [columns, length].
        matrix: [rows, length].
        type_name: F32, F16 or BF16; the last adds its lanes in an order of its own.

    Raises:
        UnsupportedModel: a length that is no multiple of 4; of 32 for F16 and BF16.
    """
    length, step = x.shape[1], 4 if type_name == "F32" else 32
    if length % step:
        raise refused(f"a dot product of {length} {type_name} numbers, which is no multiple of {step}")
    whole = length // 32 * 32
    out = in_lanes(x[:, :whole], matrix[:, :whole], 4, sum_halves if type_name == "BF16" else sum_pairs)
    for index in range(whole, length):
        out += x[:, index, None] * matrix[:, index]
    return out


def in_lanes(
    x: NDArray[np.float32],
    matrix: NDArray[np.float32],
    registers: int,
    sum_lanes: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Number i of a dot product goes to lane i % 8 of register i // 8 % registers.

    Args:
        x: [columns, length].
        matrix: [rows, length].
        registers: 1 or 4.
        sum_lanes: [8, columns, rows] to [columns, rows].

    Returns:
        [columns, rows].
    """
    lanes, columns = 8 * registers, len(x)
    out = np.empty((columns, len(matrix)), _F32)
    left = x.reshape(columns, -1, lanes).transpose(1, 2, 0)[..., None].astype(_F64)  # [steps, lanes, columns, 1]
    step = max(4, _SUMS // (lanes * columns))
    for start in range(0, len(matrix), step):
        rows = matrix[start : start + step]
        right = np.ascontiguousarray(rows.reshape(len(rows), -1, lanes).transpose(1, 2, 0)[:, :, None], _F64)
        total = Accumulator(np.zeros((lanes, columns, len(rows)), _F32))
        products = np.empty(total.sums.shape, _F64)
        for a, b in zip(left, right, strict=True):
            total.add(np.multiply(a, b, out=products))
        sums = total.sums.reshape(registers, 8, columns, len(rows))
        out[:, start : start + step] = sum_lanes(sums[0] if registers == 1 else sum_registers(sums))
    return out
