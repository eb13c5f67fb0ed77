"""ggml's exponential for AVX2 (`ggml_v_expf`), and the activation made of it (`ggml_vec_swiglu_f32`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.ops.exact.c_library import each
from apr.ops.exact.fused import fused_multiply_add as fma

if TYPE_CHECKING:
    from numpy.typing import NDArray

_F32, _U32 = np.float32, np.uint32


def _hex(text: str) -> np.float32:
    return _F32(float.fromhex(text))


_MAGIC = _hex("0x1.8p23")  # added to x / ln 2, it leaves the nearest integer in the lowest bits
_LOG2_E = _hex("0x1.715476p+0")
_LN2_UPPER, _LN2_LOWER = _hex("0x1.62e4p-1"), _hex("0x1.7f7d1cp-20")
_C1, _C2, _C3 = _hex("0x1.ffffecp-1"), _hex("0x1.fffdb6p-2"), _hex("0x1.555e66p-3")
_C4, _C5 = _hex("0x1.573e2ep-5"), _hex("0x1.0e4020p-7")


def exponential(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes exp(x) = 2^n exp(b), n the integer nearest to x / ln 2, a polynomial of degree 5 for exp(b) - 1.

    Beyond |n| = 126 the power of two is applied in two halves, beyond 192 the result is 0 or infinity. Each element by
    itself; float32 in the shape of x.
    """
    with np.errstate(all="ignore"):  # infinities and what is not a number come out as they do in the processor
        z = fma(x, _LOG2_E, _MAGIC)
        n = z - _MAGIC
        b = fma(-n, _LN2_LOWER, fma(-n, _LN2_UPPER, x))
        e = z.view(_U32) << _U32(23)
        k = (e + _F32(1).view(_U32)).view(_F32)
        u = b * b
        j = fma(fma(fma(_C5, b, _C4), u, fma(_C3, b, _C2)), u, _C1 * b)
        usual = fma(k, j, k)
        far = np.abs(n) > 126
        if not far.any():
            return usual
        g = np.where(n <= 0, _U32(0x82000000), _U32(0))
        s1 = (g + _U32(0x7F000000)).view(_F32)
        s2 = (e - g).view(_F32)
        halved = fma(s2, j, s2) * s1
        return np.where(np.abs(n) > 192, s1 * s1, np.where(far, halved, usual))


def silu_exact(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes x / (1 + exp(-x)); the last axis is a row of ggml's, whose last few of a number not divisible by 8 meet `expf`."""
    whole = x.shape[-1] // 8 * 8
    powers = exponential(_F32(0) - x[..., :whole])
    if whole < x.shape[-1]:
        powers = np.concatenate([powers, each("expf", -x[..., whole:])], axis=-1)
    with np.errstate(all="ignore"):
        out: NDArray[np.float32] = x / (_F32(1) + powers)
    return out
