"""Q4_K: super-blocks of 256 numbers in 144 bytes, 4.5 bits a number.

    0    float16 d
    2    float16 dmin
    4    12 bytes: eight 6-bit scales and eight 6-bit minima, see `pack_six_bit`
    16   128 bytes: 4 chunks of 64 numbers, each 32 bytes of the first 32 in lower nibbles and the next 32 in upper ones

A number is `d * scale * code - dmin * minimum` with scale and minimum of its group of 32. Source: `block_q4_K`,
`quantize_row_q4_K_ref`, `get_scale_min_k4` in ggml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.quant.blocks import six_bit_minima
from apr.quant.encodings.rows import (
    byte_blocks,
    flat,
    half_at,
    half_bytes,
    joined,
    low_nibbles_first,
    nearest,
    nibbles,
    number_blocks,
    stored,
)
from apr.quant.encodings.search import scale_and_minimum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.quant.encodings.rows import Bytes, Floats

_F32 = np.float32


def quantize_q4_k(x: NDArray[np.floating[Any]]) -> Bytes:
    """[..., n] float32 as [..., n / 256 * 144] bytes.

    Raises:
        ValueError: rows that are no whole blocks of 256, or numbers that are not finite.
    """
    blocks = number_blocks(x, 256)
    groups = blocks.reshape(-1, 32)
    scales, minima, codes = scale_and_minimum(groups, 15)
    scale, scale_codes = _six_bit(scales.reshape(-1, 8))
    minimum, minimum_codes = _six_bit(minima.reshape(-1, 8))
    # codes are taken once more with what is left of scales and minima; a group whose scale became 0 keeps the first ones
    step = (stored(scale) * scale_codes.astype(_F32)).reshape(-1, 1)
    below = (stored(minimum) * minimum_codes.astype(_F32)).reshape(-1, 1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        again = np.clip(nearest((groups + below) / step), 0, 15)
    codes = np.where(step != 0, again, codes).astype(np.uint8)
    chunks = low_nibbles_first(codes.reshape(*blocks.shape[:-1], 4, 64))
    shape = blocks.shape[:-1]
    heads = half_bytes(scale), half_bytes(minimum), pack_six_bit(scale_codes, minimum_codes)
    return joined(*(part.reshape(*shape, size) for part, size in zip((*heads, chunks), (2, 2, 12, 128), strict=True)))


def _six_bit(of_groups: Floats) -> tuple[Floats, Bytes]:
    """[blocks, 8] numbers that are not negative, as 63rds of the greatest: [blocks, 1] one 63rd, [blocks, 8] how many."""
    highest = of_groups.max(axis=-1, keepdims=True)
    greatest: Floats = np.where(highest > 0, highest, _F32(0))  # and not -0, as `maximum` might have it
    with np.errstate(divide="ignore"):
        inverse = np.where(greatest > 0, _F32(63) / greatest, _F32(0))
    return greatest / _F32(63), np.minimum(nearest(inverse * of_groups).astype(np.uint8), np.uint8(63))


def pack_six_bit(scales: Bytes, minima: Bytes) -> Bytes:
    """Eight 6-bit scales and minima, [blocks, 8] each, in [blocks, 12] bytes.

    The first four of each in the lower six bits of bytes 0-3 and 4-7; of the last four the lower four bits in bytes 8-11,
    minima in their upper halves, and the upper two bits in the upper two bits of bytes 0-3 and 4-7.
    """
    return np.concatenate(
        [
            scales[:, :4] | scales[:, 4:] >> 4 << 6,
            minima[:, :4] | minima[:, 4:] >> 4 << 6,
            scales[:, 4:] & 15 | (minima[:, 4:] & 15) << 4,
        ],
        axis=-1,
    )


def six_bit_scales(packed: Bytes) -> Bytes:
    """[blocks, 12] bytes to [blocks, 8] scales; the minima are `apr.quant.blocks.six_bit_minima`."""
    return np.concatenate([packed[:, :4] & 63, packed[:, 8:] & 15 | packed[:, :4] >> 6 << 4], axis=-1)


def dequantize_q4_k(raw: Bytes) -> Floats:
    """[..., n / 256 * 144] bytes as [..., n] float32; both products are exact, their difference is rounded once.

    Raises:
        ValueError: no whole blocks of 144 bytes.
    """
    cut = byte_blocks(raw, 144)
    blocks = cut.reshape(-1, 144)
    with np.errstate(invalid="ignore"):  # infinities times 0, or less infinities
        steps = half_at(blocks, 0) * six_bit_scales(blocks[:, 4:16]).astype(_F32)
        below = half_at(blocks, 2) * six_bit_minima(blocks[:, 4:16]).astype(_F32)
        codes = nibbles(blocks[:, 16:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
        numbers = steps[..., None] * codes.astype(_F32) - below[..., None]
    return flat(numbers.reshape(*cut.shape[:-1], 256))
