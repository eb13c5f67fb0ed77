"""Small wrong steps that faults of several encodings are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.quant.encodings.halves import f16_to_f32, f32_to_f16
from apr.quant.encodings.rows import largest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bytes = NDArray[np.uint8]
    Decode = Callable[[Bytes], Floats]
    Encode = Callable[[Floats], Bytes]


def bytes_changed(raw: Bytes, size: int, change: Callable[[Bytes], None]) -> Bytes:
    """Rows of blocks with something done to each of these, [blocks, size]."""
    blocks = np.array(raw).reshape(-1, size)
    change(blocks)
    return blocks.reshape(raw.shape)


def halves_as(raw: Bytes, size: int, at: tuple[int, ...], change: Callable[[Floats], Floats]) -> Bytes:
    """Rows of blocks whose float16 at these bytes are others."""

    def rewrite(blocks: Bytes) -> None:
        for start in at:
            half = f16_to_f32(np.ascontiguousarray(blocks[:, start : start + 2]).view("<u2"))
            with np.errstate(all="ignore"):
                blocks[:, start : start + 2] = f32_to_f16(change(half)).view(np.uint8)

    return bytes_changed(raw, size, rewrite)


def subnormals_halved(half: Floats) -> Floats:
    """float16 below 2**-14 read without the exponent's offset of one."""
    return np.where(np.abs(half) < np.float32(2.0**-14), half / 2, half)


def without_odd_scales(half: Floats) -> Floats:
    """NaN, infinities and subnormals read as 0, as upstream's reader of AprQ4 does."""
    return np.where(np.isfinite(half) & (np.abs(half) >= np.float32(2.0**-14)), half, np.float32(0))


def cut_to_half(x: Floats) -> Floats:
    """float32 cut to what float16 can hold instead of rounded."""
    nearest = f16_to_f32(f32_to_f16(x))
    toward = np.nextafter(nearest.astype(np.float16), np.float16(0)).astype(np.float32)
    return np.where(np.abs(nearest) > np.abs(x), toward, nearest)


def largest_of_row(blocks: Floats) -> Floats:
    """[..., blocks, size] to [..., blocks, 1]: the number of greatest magnitude of a whole row, for each of its blocks."""
    row = largest(blocks.reshape(*blocks.shape[:-2], -1))
    return np.broadcast_to(row[..., None], (*blocks.shape[:-1], 1))
