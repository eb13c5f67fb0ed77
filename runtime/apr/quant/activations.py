"""How llama.cpp rounds activations before it multiplies them with weights that are not float32.

Which rounding a weight type meets is `vec_dot_type` in ggml-cpu's table of types; see `apr.quant.blocks`. The order of the
float32 operations is that of ggml-cpu for AVX2 (`quantize_row_q8_0`, `quantize_row_q8_1`) and of `quantize_row_q8_K_ref`,
and it matters: a reciprocal taken of the stored scale, or ties rounded away from zero, is off by 1e-4 in a product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_F32 = np.float32
# 1.5 * 2**23: added to a float32 of less than 2**22, it leaves the nearest integer, ties to even, in the lowest bits
_MAGIC, _MANTISSA, _ZERO = _F32(12582912.0), 0x007FFFFF, 0x00400000


class Rounded(NamedTuple):
    """Activations in blocks of signed bytes with one scale each.

    Attributes:
        codes: [positions, blocks, numbers in a block] int8.
        scales: [positions, blocks] float32; a block's numbers are `scale * codes`.
        sums: [positions, blocks] float32, what the kernel multiplies with the minimum of a weight block where the format
            stores it (Q8_1); None where the kernel sums the codes (Q8_K) or has no use for it (Q8_0).
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    sums: NDArray[np.float32] | None

    @property
    def values(self) -> NDArray[np.float64]:
        """[positions, columns] `scale * code`; 24 bits times 7 bits, exact in float64."""
        return _scaled(self.codes, self.scales)

    def group_sums(self, size: int) -> NDArray[np.float64]:
        """[positions, columns / size]: what meets the minima of groups of that many weights; exact in float64."""
        if self.sums is not None:
            return self.sums.astype(np.float64)
        groups = self.codes.reshape(*self.codes.shape[:2], -1, size).sum(axis=-1, dtype=np.int32)
        return _scaled(groups, self.scales)


def _scaled(codes: NDArray[np.integer[Any]], scales: NDArray[np.float32]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = codes.astype(np.float64) * scales[..., None]
    return product.reshape(len(codes), -1)


def _blocks(x: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    return np.ascontiguousarray(x, _F32).reshape(len(x), -1, size)


def _round_in_32(x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Codes as they come out of the multiplication, and scales before they are stored.

    What multiplies is `127 / amax` and not the reciprocal of a scale. In a block whose greatest number is below 4e-37 it
    overflows and no code is finite; the stored scale is 0 then.
    """
    blocks = _blocks(x, 32)
    amax = np.abs(blocks).max(axis=-1)
    with np.errstate(all="ignore"):
        inverse = np.where(amax != 0, _F32(127) / amax, _F32(0))
        return np.rint(blocks * inverse[..., None]), amax / _F32(127)


def _as_bytes(codes: NDArray[np.float32]) -> NDArray[np.int8]:
    """What is not finite becomes -128, as the saturating conversion of AVX2 makes it."""
    return np.where(np.isfinite(codes), codes, _F32(-128)).astype(np.int8)


def _stored(scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """Through float16, as the formats store it."""
    with np.errstate(over="ignore"):
        return scale.astype(np.float16).astype(_F32)


def round_to_q8_0(x: NDArray[np.float32]) -> Rounded:
    """[positions, columns] float32, finite, in blocks of 32: `quantize_row_q8_0`."""
    codes, scale = _round_in_32(x)
    return Rounded(_as_bytes(codes), _stored(scale), None)


def round_to_q8_1(x: NDArray[np.float32]) -> Rounded:
    """The same with the sum of each block, `f16(scale * sum(codes))` from the scale before it is stored: `quantize_row_q8_1`."""
    codes, scale = _round_in_32(x)
    # integers of at most 32 * 127, exact in float32; where codes are not finite the kernel's 32-bit sum wraps around to 0
    totals = np.where(np.isfinite(codes), codes, _F32(0)).sum(axis=-1)
    return Rounded(_as_bytes(codes), _stored(scale), _stored(scale * totals))


def round_to_q8_k(x: NDArray[np.float32]) -> Rounded:
    """[positions, columns] float32, finite, in blocks of 256: `quantize_row_q8_K_ref`, with a float32 scale.

    The number of greatest magnitude, the first of them, becomes -127 whatever its sign; the scale is the reciprocal of
    what was multiplied with.
    """
    blocks = _blocks(x, 256)
    first = np.abs(blocks).argmax(axis=-1)
    greatest = np.take_along_axis(blocks, first[..., None], axis=-1)
    with np.errstate(all="ignore"):
        inverse = _F32(-127) / greatest
        bits = (inverse * blocks + _MAGIC).view(np.int32)
        codes = np.minimum((bits & _MANTISSA) - _ZERO, 127).astype(np.int8)
        scale = _F32(1) / inverse
    zero = greatest == 0
    return Rounded(np.where(zero, np.int8(0), codes), np.where(zero, _F32(0), scale)[..., 0], None)


def round_to_f16(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """[positions, columns] float32 rounded to float16 and back, ties to even."""
    with np.errstate(over="ignore"):
        return x.astype(np.float16).astype(_F32)


def round_to_bf16(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """[positions, columns] float32 rounded to bfloat16, its upper half, ties to even: `ggml_compute_fp32_to_bf16`."""
    bits = np.ascontiguousarray(x, _F32).view(np.uint32)
    odd = (bits >> 16) & 1
    rounded = np.where(np.isnan(x), bits | 0x00400000, bits + np.uint32(0x7FFF) + odd)
    kept: NDArray[np.float32] = (rounded & np.uint32(0xFFFF0000)).view(_F32)
    return kept


# by ggml's name of the format
BLOCK_ROUNDINGS: dict[str, Callable[[NDArray[np.float32]], Rounded]] = {
    "Q8_0": round_to_q8_0,
    "Q8_1": round_to_q8_1,
    "Q8_K": round_to_q8_k,
}
PLAIN_ROUNDINGS: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "F16": round_to_f16,
    "BF16": round_to_bf16,
}
