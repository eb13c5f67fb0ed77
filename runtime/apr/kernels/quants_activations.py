"""Activations as llama.cpp rounds them before a quantised product: codes and scales, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.quant.activations import round_to_q8_0, round_to_q8_1, round_to_q8_k

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Codes = NDArray[np.int8]


def round_activations_q8_0(x: Floats) -> tuple[Codes, Floats]:
    """What meets weights of Q4_0, Q5_0, Q8_0: [positions, columns] float32, finite, in blocks of 32.

    Returns:
        [positions, columns / 32, 32] int8 codes; [positions, columns / 32, 1] float32 scales, values of float16. A number is
        their product.
    """
    rounded = round_to_q8_0(x)
    return rounded.codes, rounded.scales[..., None]


def round_activations_q8_1(x: Floats) -> tuple[Codes, Floats, Floats]:
    """What meets weights of Q4_1 and Q5_1: `round_activations_q8_0`, and the sums that meet their minima.

    Returns:
        Codes and scales as there; [positions, columns / 32, 1] float32, values of float16: what the numbers of each block
        sum to.

    Raises:
        RuntimeError: the rounding gave no sums.
    """
    rounded = round_to_q8_1(x)
    if rounded.sums is None:
        raise RuntimeError("activations were rounded to Q8_1 without sums")
    return rounded.codes, rounded.scales[..., None], rounded.sums[..., None]


def round_activations_q8_k(x: Floats) -> tuple[Codes, Floats]:
    """What meets weights of K-quants: [positions, columns] float32, finite, in blocks of 256.

    Returns:
        [positions, columns / 256, 256] int8 codes; [positions, columns / 256, 1] float32 scales.
    """
    rounded = round_to_q8_k(x)
    return rounded.codes, rounded.scales[..., None]
