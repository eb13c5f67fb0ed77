"""Q4_0 and Q5_0: blocks of 32 whose codes stand for `scale * (code - offset)`.

    Q4_0   18 bytes: float16 scale; 16 bytes of nibbles, number i in the lower one of byte i, i + 16 in the upper one
    Q5_0   22 bytes: float16 scale; 4 bytes of fifth bits, that of number i is bit i; 16 bytes of nibbles as above

The number of greatest magnitude becomes code 0 whatever its sign, so the scale carries the opposite sign and the other end
of the range is one step short. Source: `block_q4_0`, `quantize_row_q4_0_ref` and their like for Q5_0 in ggml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.quant.encodings.planes import fifth_bits, fifth_bits_at
from apr.quant.encodings.rows import (
    byte_blocks,
    flat,
    half_at,
    half_bytes,
    inverse,
    joined,
    largest,
    low_nibbles_first,
    nibbles,
    number_blocks,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.quant.encodings.rows import Bytes, Floats


def quantize_q4_0(x: NDArray[np.floating[Any]]) -> Bytes:
    """[..., n] float32 as [..., n / 32 * 18] bytes.

    Raises:
        ValueError: rows that are no whole blocks of 32, or numbers that are not finite.
    """
    scale, codes = _codes(number_blocks(x, 32), 8)
    return joined(half_bytes(scale), low_nibbles_first(codes))


def quantize_q5_0(x: NDArray[np.floating[Any]]) -> Bytes:
    """[..., n] float32 as [..., n / 32 * 22] bytes.

    Raises:
        ValueError: rows that are no whole blocks of 32, or numbers that are not finite.
    """
    scale, codes = _codes(number_blocks(x, 32), 16)
    return joined(half_bytes(scale), fifth_bits(codes), low_nibbles_first(codes & 15))


def dequantize_q4_0(raw: Bytes) -> Floats:
    """[..., n / 32 * 18] bytes as [..., n] float32, each product exact: 11 bits times 4.

    Raises:
        ValueError: no whole blocks of 18 bytes.
    """
    blocks = byte_blocks(raw, 18)
    return flat(_scaled(half_at(blocks, 0), nibbles(blocks[..., 2:]).astype(np.float32) - 8))


def dequantize_q5_0(raw: Bytes) -> Floats:
    """[..., n / 32 * 22] bytes as [..., n] float32, each product exact: 11 bits times 5.

    Raises:
        ValueError: no whole blocks of 22 bytes.
    """
    blocks = byte_blocks(raw, 22)
    codes = nibbles(blocks[..., 6:]) | fifth_bits_at(blocks, 2) << 4
    return flat(_scaled(half_at(blocks, 0), codes.astype(np.float32) - 16))


def _codes(blocks: Floats, offset: int) -> tuple[Floats, Bytes]:
    """[..., 1] scales before they are stored, and [..., 32] codes below twice the offset."""
    scale = largest(blocks) / np.float32(-offset)
    shifted = np.trunc(blocks * inverse(scale) + np.float32(offset + 0.5))
    return scale, np.clip(shifted, 0, 2 * offset - 1).astype(np.uint8)


def _scaled(scale: Floats, steps: Floats) -> Floats:
    with np.errstate(invalid="ignore"):  # an infinite scale times no step is NaN
        product: Floats = scale * steps
    return product
