"""Fifth bits of 32 codes in four bytes: that of code i is bit i, counted from the lowest of the first byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from apr.quant.encodings.rows import Bytes


def fifth_bits(codes: Bytes) -> Bytes:
    """[..., 32] codes below 32 as [..., 4] bytes."""
    return np.packbits(codes >> 4, axis=-1, bitorder="little")


def fifth_bits_at(blocks: Bytes, at: int) -> Bytes:
    """[..., 32], each 0 or 1, from the four bytes at a place of each block."""
    return np.unpackbits(blocks[..., at : at + 4], axis=-1, bitorder="little")
