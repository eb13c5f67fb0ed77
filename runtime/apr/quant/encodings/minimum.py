"""Q4_1 and Q5_1: blocks of 32 whose codes stand for `scale * code + minimum`.

    Q4_1   20 bytes: float16 scale, float16 minimum, 16 bytes of nibbles as in Q4_0
    Q5_1   24 bytes: float16 scale, float16 minimum, 4 bytes of fifth bits, 16 bytes of nibbles as in Q5_0

Source: `block_q4_1`, `quantize_row_q4_1_ref` and their like for Q5_1 in ggml.
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
    low_nibbles_first,
    nibbles,
    number_blocks,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.quant.encodings.rows import Bytes, Codes, Floats


def quantize_q4_1(x: NDArray[np.floating[Any]]) -> Bytes:
    """[..., n] float32 as [..., n / 32 * 20] bytes.

    Raises:
        ValueError: rows that are no whole blocks of 32, or numbers that are not finite.
    """
    scale, minimum, codes = _codes(number_blocks(x, 32), 15)
    return joined(half_bytes(scale), half_bytes(minimum), low_nibbles_first(codes))


def quantize_q5_1(x: NDArray[np.floating[Any]]) -> Bytes:
    """[..., n] float32 as [..., n / 32 * 24] bytes.

    Raises:
        ValueError: rows that are no whole blocks of 32, or numbers that are not finite.
    """
    scale, minimum, codes = _codes(number_blocks(x, 32), 31)
    return joined(half_bytes(scale), half_bytes(minimum), fifth_bits(codes), low_nibbles_first(codes & 15))


def dequantize_q4_1(raw: Bytes) -> Floats:
    """[..., n / 32 * 20] bytes as [..., n] float32; the sum is rounded once.

    Raises:
        ValueError: no whole blocks of 20 bytes.
    """
    blocks = byte_blocks(raw, 20)
    return flat(_placed(blocks, nibbles(blocks[..., 4:])))


def dequantize_q5_1(raw: Bytes) -> Floats:
    """[..., n / 32 * 24] bytes as [..., n] float32; the sum is rounded once.

    Raises:
        ValueError: no whole blocks of 24 bytes.
    """
    blocks = byte_blocks(raw, 24)
    return flat(_placed(blocks, nibbles(blocks[..., 8:]) | fifth_bits_at(blocks, 4) << 4))


def _codes(blocks: Floats, steps: int) -> tuple[Floats, Floats, Bytes]:
    """[..., 1] scales and minima before they are stored, and [..., 32] codes from 0 to `steps`."""
    # the first of equals, as C finds it: a minimum of numpy may be either zero where +0 and -0 meet
    low, high = (np.take_along_axis(blocks, at(axis=-1)[..., None], axis=-1) for at in (blocks.argmin, blocks.argmax))
    with np.errstate(over="ignore"):
        scale = (high - low) / np.float32(steps)
        shifted = np.trunc((blocks - low) * inverse(scale) + np.float32(0.5))
    return scale, low, np.clip(shifted, 0, steps).astype(np.uint8)


def _placed(blocks: Bytes, codes: Codes) -> Floats:
    with np.errstate(invalid="ignore"):  # an infinite scale times code 0, or infinities of both signs
        sums: Floats = half_at(blocks, 0) * codes.astype(np.float32) + half_at(blocks, 2)
    return sums
