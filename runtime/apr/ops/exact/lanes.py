"""The order in which the 8 lanes of a register are added."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def sum_halves(lanes: NDArray[np.float32]) -> NDArray[np.float32]:
    """[8, ...] to [...]: upper half onto lower, upper pair onto lower, then the two (ggml's `hsum_float_8`, tinyBLAS's `hsum`)."""
    four = lanes[4:] + lanes[:4]
    two = four[:2] + four[2:]
    out: NDArray[np.float32] = two[0] + two[1]
    return out


def sum_four(lanes: NDArray[np.float32]) -> NDArray[np.float32]:
    """[4, ...] to [...]: upper pair onto lower, then the two (end of `ggml_vec_dot_q4_K_q8_K`)."""
    two = lanes[:2] + lanes[2:]
    out: NDArray[np.float32] = two[0] + two[1]
    return out


def sum_registers(registers: NDArray[np.float32]) -> NDArray[np.float32]:
    """[4, ...] to [...]: registers 0 + 2 and 1 + 3, then those two."""
    out: NDArray[np.float32] = (registers[0] + registers[2]) + (registers[1] + registers[3])
    return out


def sum_pairs(lanes: NDArray[np.float32]) -> NDArray[np.float32]:
    """[8, ...] to [...]: upper half onto lower, then neighbours twice (`hadd`, as in `GGML_F32x8_REDUCE`)."""
    four = lanes[:4] + lanes[4:]
    out: NDArray[np.float32] = (four[0] + four[1]) + (four[2] + four[3])
    return out
