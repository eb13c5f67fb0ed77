"""Q8_0 and Q8_K: blocks of signed bytes with one scale.

    Q8_0   34 bytes for 32: float16 scale, 32 codes; rounded half away from zero, as C's `roundf` does
    Q8_K   292 bytes for 256: float32 scale, 256 codes, 16 int16 sums of 16 codes each; activations alone are stored so

Source: `block_q8_0`, `quantize_row_q8_0_ref`, `block_q8_K`, `quantize_row_q8_K_ref` in ggml. How CPU kernels round
activations is another matter: see `apr.quant.activations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.quant.activations import round_to_q8_k
from apr.quant.encodings.rows import byte_blocks, flat, half_at, half_bytes, inverse, joined, number_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.quant.encodings.rows import Bytes, Floats


def quantize_q8_0(x: NDArray[np.floating[Any]]) -> Bytes:
    """[..., n] float32 as [..., n / 32 * 34] bytes.

    Raises:
        ValueError: rows that are no whole blocks of 32, or numbers that are not finite.
    """
    blocks = number_blocks(x, 32)
    scale = np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(127)
    codes = np.clip(half_away(blocks * inverse(scale)), -127, 127).astype(np.int8)
    return joined(half_bytes(scale), codes.view(np.uint8))


def dequantize_q8_0(raw: Bytes) -> Floats:
    """[..., n / 32 * 34] bytes as [..., n] float32, each product exact: 11 bits times 7.

    Raises:
        ValueError: no whole blocks of 34 bytes.
    """
    blocks = byte_blocks(raw, 34)
    codes = blocks[..., 2:].view(np.int8).astype(np.float32)
    with np.errstate(invalid="ignore"):  # an infinite scale times code 0
        return flat(codes * half_at(blocks, 0))


def quantize_q8_k(x: NDArray[np.floating[Any]]) -> Bytes:
    """[..., n] float32 as [..., n / 256 * 292] bytes; codes and scales are those of `round_to_q8_k`.

    Raises:
        ValueError: rows that are no whole blocks of 256, or numbers that are not finite.
    """
    blocks = number_blocks(x, 256)
    rounded = round_to_q8_k(blocks.reshape(1, -1))
    codes = rounded.codes.reshape(blocks.shape)
    sums = codes.reshape(*codes.shape[:-1], 16, 16).sum(axis=-1, dtype=np.int16)
    scales = np.ascontiguousarray(rounded.scales.reshape(*codes.shape[:-1], 1))
    return joined(scales.astype("<f4").view(np.uint8), codes.view(np.uint8), sums.astype("<i2").view(np.uint8))


def dequantize_q8_k(raw: Bytes) -> Floats:
    """[..., n / 256 * 292] bytes as [..., n] float32; the sums are not read.

    Raises:
        ValueError: no whole blocks of 292 bytes.
    """
    blocks = byte_blocks(raw, 292)
    scale: Floats = np.ascontiguousarray(blocks[..., :4]).view("<f4").astype(np.float32)
    with np.errstate(invalid="ignore", over="ignore"):  # any bytes may stand where the scale is
        numbers: Floats = scale * blocks[..., 4:260].view(np.int8).astype(np.float32)
    return flat(numbers)


def half_away(x: Floats) -> Floats:
    """The nearest integer, ties away from zero; adding a half and cutting would round 0.49999997 up."""
    magnitude = np.abs(x)
    whole = np.trunc(magnitude)
    rounded: Floats = np.copysign(whole + (magnitude - whole >= np.float32(0.5)), x)
    return rounded
