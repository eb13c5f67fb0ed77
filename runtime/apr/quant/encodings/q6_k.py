"""Q6_K: super-blocks of 256 numbers in 210 bytes, 6.5625 bits a number.

    0     128 bytes: lower four bits of the codes
    128   64 bytes: their upper two bits
    192   16 int8: a scale for each group of 16
    208   float16 d

Each half of 128 numbers has 64 bytes of lower and 32 of upper bits. Of its four runs of 32 the first two have their lower
bits in the lower nibbles of those 64 bytes, the last two in the upper ones; their upper bits stand in bits 0-1, 2-3, 4-5 and
6-7 of the 32. A number is `d * scale * (code - 32)`. Source: `block_q6_K`, `quantize_row_q6_K_ref` in ggml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.quant.encodings.rows import (
    byte_blocks,
    flat,
    half_at,
    half_bytes,
    joined,
    largest,
    low_nibbles_first,
    nearest,
    nibbles,
    number_blocks,
    stored,
)
from apr.quant.encodings.search import NOTHING, signed_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.quant.encodings.rows import Bytes, Codes, Floats

_F32 = np.float32
_PAIRS = np.array([0, 2, 4, 6], np.uint8)[:, None]


def quantize_q6_k(x: NDArray[np.floating[Any]]) -> Bytes:
    """[..., n] float32 as [..., n / 256 * 210] bytes; a block of next to nothing is 210 zeros.

    Raises:
        ValueError: rows that are no whole blocks of 256, or numbers that are not finite.
    """
    blocks = number_blocks(x, 256)
    groups = blocks.reshape(-1, 16)
    scales, codes = signed_scale(groups, 32)
    of_blocks = scales.reshape(-1, 16)
    greatest = largest(of_blocks)
    nothing = np.abs(greatest) < NOTHING
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # blocks of nothing, and groups without a scale
        inverse = _F32(-128) / greatest
        scale = np.where(nothing, _F32(0), _F32(1) / inverse)
        scale_codes = np.where(nothing, 0, np.minimum(nearest(inverse * of_blocks), 127)).astype(np.int8)
        step = (stored(scale) * scale_codes.astype(_F32)).reshape(-1, 1)
        again = np.clip(nearest(groups / step), -32, 31) + 32
    codes = np.where(step != 0, again, codes).reshape(-1, 256)
    lower, upper = split_codes(np.where(nothing, 0, codes).astype(np.uint8))
    shape = blocks.shape[:-1]
    parts = lower, upper, scale_codes.view(np.uint8), half_bytes(scale)
    return joined(*(part.reshape(*shape, size) for part, size in zip(parts, (128, 64, 16, 2), strict=True)))


def split_codes(codes: Codes) -> tuple[Codes, Codes]:
    """[blocks, 256] 6-bit codes as [blocks, 128] bytes of lower bits and [blocks, 64] of upper ones."""
    lower = low_nibbles_first((codes & 15).reshape(-1, 2, 128))
    upper = np.bitwise_or.reduce((codes >> 4).reshape(-1, 2, 4, 32) << _PAIRS, axis=-2)
    return lower.reshape(-1, 128), upper.reshape(-1, 64)


def dequantize_q6_k(raw: Bytes) -> Floats:
    """[..., n / 256 * 210] bytes as [..., n] float32, each product exact: 11 bits times 7 times 5.

    Raises:
        ValueError: no whole blocks of 210 bytes.
    """
    cut = byte_blocks(raw, 210)
    blocks = cut.reshape(-1, 210)
    lower = nibbles(blocks[:, :128].reshape(-1, 2, 64)).reshape(-1, 256)
    upper = (blocks[:, 128:192].reshape(-1, 2, 1, 32) >> _PAIRS & 3).reshape(-1, 256)
    codes = (lower | upper << 4).astype(_F32) - 32
    with np.errstate(invalid="ignore"):  # an infinite d times 0
        steps = half_at(blocks, 208) * np.ascontiguousarray(blocks[:, 192:208]).view(np.int8).astype(_F32)
        numbers = steps[..., None] * codes.reshape(-1, 16, 16)
    return flat(numbers.reshape(*cut.shape[:-1], 256))
