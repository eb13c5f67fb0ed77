"""How llama.cpp rounds activations before it multiplies them with quantised weights.

Measured against ggml-cpu's AVX2 kernels (`quantize_row_q8_0`, `quantize_row_q8_1`); the order of operations matters:
the scale that multiplies is `127 / amax` in float32 and not the reciprocal of the stored scale, and ties round to even.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from apr.quant.blocks import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

_F32 = np.float32


class Rounded(NamedTuple):
    """Activations after rounding to blocks of 32 signed bytes.

    Attributes:
        values: [positions, columns] float32, `d16 * q`, exact: what the kernel's integer products see.
        sums: [positions, columns / 32] float32, `f16(d * sum(q))` from the scale before it was stored as float16: what
            the kernel multiplies with the minimum of a weight block (Q8_1; Q8_0 has no such term).
    """

    values: NDArray[np.float32]
    sums: NDArray[np.float32]


def round_to_q8(x: NDArray[np.float32]) -> Rounded:
    """[positions, columns] float32 rounded in blocks of 32 as llama.cpp rounds to Q8_1 and, without sums, to Q8_0."""
    blocks = np.ascontiguousarray(x, _F32).reshape(len(x), -1, BLOCK)
    amax = np.abs(blocks).max(axis=-1)
    scale = amax / _F32(127)
    with np.errstate(divide="ignore", over="ignore"):
        inverse = _F32(127) / amax
    # a block of zeros, or one so small (below 4e-37) that its scale is 0 in float16 whatever the codes are
    inverse = np.where(np.isinf(inverse), _F32(0), inverse)
    q = np.rint(blocks * inverse[..., None])
    stored = scale.astype(np.float16).astype(_F32)
    # sum(q) is an integer below 32 * 127 and exact in float32
    sums = (scale * q.sum(axis=-1)).astype(np.float16).astype(_F32)
    return Rounded((q * stored[..., None]).reshape(x.shape), sums)


def round_to_f16(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """[positions, columns] float32 rounded to float16 and back: what meets F16 weights."""
    return x.astype(np.float16).astype(_F32)
