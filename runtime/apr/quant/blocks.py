"""Quantised weights taken apart: one affine map per block, exact in float32.

A block of 32 weights is `scale * q + minimum` with integer q. `scale * q` has at most 11 + 8 significant bits, so float32
holds it exactly; adding the minimum would round, so it stays apart. Block layouts: `ggml-common.h`, `block_q4_0` and on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BLOCK = 32  # weights in a block, for every type below


class Affine(NamedTuple):
    """Weights of one matrix, block by block.

    Attributes:
        scaled: [rows, columns] float32, `scale * q`, exact.
        minimum: [rows, columns / 32] float32, what each weight of the block adds, or None where the type has none.
    """

    scaled: NDArray[np.float32]
    minimum: NDArray[np.float32] | None


def _halves(block_bytes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[..., 2] bytes, a little-endian float16 each, as [...] float32."""
    return np.ascontiguousarray(block_bytes).view("<f2")[..., 0].astype(np.float32)


def _nibbles(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[..., 16] bytes as [..., 32]: the low nibbles are elements 0-15, the high ones 16-31."""
    return np.concatenate([packed & 0x0F, packed >> 4], axis=-1).astype(np.float32)


def _q4_0(blocks: NDArray[np.uint8]) -> Affine:
    """18 bytes a block: float16 scale, 16 bytes of nibbles; q = nibble - 8."""
    scaled = (_nibbles(blocks[..., 2:]) - 8) * _halves(blocks[..., :2])[..., None]
    return Affine(scaled.reshape(len(blocks), -1), None)


def _q4_1(blocks: NDArray[np.uint8]) -> Affine:
    """20 bytes a block: float16 scale, float16 minimum, 16 bytes of nibbles."""
    scaled = _nibbles(blocks[..., 4:]) * _halves(blocks[..., :2])[..., None]
    return Affine(scaled.reshape(len(blocks), -1), _halves(blocks[..., 2:4]))


def _q8_0(blocks: NDArray[np.uint8]) -> Affine:
    """34 bytes a block: float16 scale, 32 signed bytes."""
    scaled = blocks[..., 2:].view(np.int8).astype(np.float32) * _halves(blocks[..., :2])[..., None]
    return Affine(scaled.reshape(len(blocks), -1), None)


# type name -> (bytes a block, decoder)
_DECODERS: dict[str, tuple[int, Callable[[NDArray[np.uint8]], Affine]]] = {
    "Q4_0": (18, _q4_0),
    "Q4_1": (20, _q4_1),
    "Q8_0": (34, _q8_0),
}
AFFINE_TYPES = tuple(_DECODERS)


def affine(raw: NDArray[np.uint8], type_name: str) -> Affine:
    """Takes the rows of a quantised matrix apart.

    Args:
        raw: [rows, bytes a row] as stored in the file.
        type_name: one of `AFFINE_TYPES`.
    """
    size, decode = _DECODERS[type_name]
    return decode(np.ascontiguousarray(raw).reshape(len(raw), -1, size))
