"""Rows of numbers and of bytes, cut into blocks; the small steps that several encodings share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.quant.encodings.halves import f16_to_f32, f32_to_f16

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bytes = NDArray[np.uint8]
    Codes = NDArray[np.integer[Any]]  # unsigned; what bytes are made of

# 1.5 * 2**23: added to a float32 of less than 2**22, it leaves the nearest integer, ties to even, in the lowest bits
_MAGIC = np.float32(12582912)


def number_blocks(x: NDArray[np.floating[Any]], size: int) -> Floats:
    """[..., n] numbers as [..., n / size, size] float32.

    Raises:
        ValueError: rows that are no whole number of blocks, or a number that is not finite.
    """
    x = np.asarray(x, np.float32)
    if x.ndim == 0 or x.shape[-1] % size:
        raise ValueError(f"numbers of shape {list(x.shape)} are no whole blocks of {size}")
    if not np.isfinite(x).all():
        raise ValueError("only finite numbers can be encoded")
    return x.reshape(*x.shape[:-1], x.shape[-1] // size, size)


def byte_blocks(raw: Bytes, size: int) -> Bytes:
    """[..., n] bytes as [..., n / size, size].

    Raises:
        ValueError: rows that are no whole number of blocks, or no bytes.
    """
    raw = np.asarray(raw)
    if raw.dtype != np.uint8 or raw.ndim == 0 or raw.shape[-1] % size:
        raise ValueError(f"{raw.dtype} of shape {list(raw.shape)} is no whole blocks of {size} bytes")
    return raw.reshape(*raw.shape[:-1], raw.shape[-1] // size, size)


def joined(*fields: Codes) -> Bytes:
    """Fields of blocks, [..., blocks, bytes] each, one behind the other: [..., bytes a row]."""
    blocks = np.concatenate(fields, axis=-1)
    return _rows(blocks).astype(np.uint8, copy=False)


def flat(blocks: NDArray[Any]) -> Floats:
    """[..., blocks, size] as rows of float32: [..., numbers]."""
    return _rows(blocks).astype(np.float32, copy=False)


def _rows(blocks: NDArray[Any]) -> NDArray[Any]:
    """The last two axes as one; there may be no blocks, and then -1 would not say how long it is."""
    return blocks.reshape(*blocks.shape[:-2], blocks.shape[-2] * blocks.shape[-1])


def half_at(blocks: Bytes, at: int) -> Floats:
    """The little-endian float16 at a byte of each block: [..., blocks, 1] float32."""
    low, high = blocks[..., at : at + 1].astype(np.uint16), blocks[..., at + 1 : at + 2].astype(np.uint16)
    return f16_to_f32(low | high << 8)


def half_bytes(x: Floats) -> Bytes:
    """[..., 1] numbers rounded to float16, as [..., 2] bytes, the lower one first."""
    bits = f32_to_f16(x)
    return np.concatenate([bits & 0xFF, bits >> 8], axis=-1).astype(np.uint8)


def stored(x: Floats) -> Floats:
    """What is left of float32 numbers after they were stored as float16."""
    return f16_to_f32(f32_to_f16(x))


def low_nibbles_first(codes: Codes) -> Codes:
    """[..., size] codes below 16 as [..., size / 2] bytes: the first half in lower nibbles, the second in upper ones."""
    half = codes.shape[-1] // 2
    return codes[..., :half] | codes[..., half:] << 4


def nibbles(packed: Codes) -> Codes:
    """[..., n] bytes as [..., 2 n] codes below 16, the lower nibbles first; undoes `low_nibbles_first`."""
    return np.concatenate([packed & 15, packed >> 4], axis=-1)


def inverse(scale: Floats) -> Floats:
    """1 / scale; 0 where there is no such float32, and float16 would store the scale as 0."""
    with np.errstate(divide="ignore", over="ignore"):
        inverted = np.float32(1) / scale
    return np.where(np.isfinite(inverted), inverted, np.float32(0))


def nearest(x: Floats) -> NDArray[np.int32]:
    """The nearest integer, ties to even, of numbers below 2**22: `nearest_int` of ggml-quants.c."""
    return ((x + _MAGIC).view(np.int32) & 0x007FFFFF) - 0x00400000


def largest(blocks: Floats) -> Floats:
    """[..., size] to [..., 1]: the number of greatest magnitude with its sign, the first of them."""
    at = np.abs(blocks).argmax(axis=-1)[..., None]
    return np.take_along_axis(blocks, at, axis=-1)
