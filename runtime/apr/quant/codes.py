"""Weights of super-blocks of 256 as the integers that kernels sum: `group scale * code`, with the block's own scale apart.

A block decoded with its float16 scale set to 1 and the scale of its minima to 0 is made of these integers: every step of
dequantising multiplies or subtracts small integers then, exact in float32. Layouts: `ggml-common.h`, `block_q2_K` and on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from apr.quant.blocks import six_bit_minima

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.quant.dequantise import Dequantiser

_ONE = np.frombuffer(np.float16(1).tobytes(), np.uint8)


@dataclass(frozen=True)
class SuperBlock:
    """Where a type keeps what.

    Attributes:
        scale: byte of the block's float16 scale.
        minima_scale: byte of the float16 that minima are multiples of; None where there are no minima.
        minima: [blocks, bytes] to [blocks, groups], the integers that are multiplied with it and subtracted.
    """

    scale: int
    minima_scale: int | None = None
    minima: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None = None


SUPER_BLOCKS = {
    "Q2_K": SuperBlock(80, 82, lambda blocks: blocks[:, :16] >> np.uint8(4)),
    "Q3_K": SuperBlock(108),
    "Q4_K": SuperBlock(0, 2, lambda blocks: six_bit_minima(blocks[:, 4:16])),
    "Q5_K": SuperBlock(0, 2, lambda blocks: six_bit_minima(blocks[:, 4:16])),
    "Q6_K": SuperBlock(208),
    "IQ4_XS": SuperBlock(0),
}


@dataclass(frozen=True)
class Codes:
    """Some rows of a matrix, taken apart; n blocks of 256 a row.

    Attributes:
        scaled: [rows, columns] float32, whole numbers.
        scale: [rows, n] float32, what they are multiples of.
        minima: [rows, n, groups] float32, whole numbers; None where there are none.
        minima_scale: [rows, n] float32, what these are multiples of.
        group_scales: [rows, n, 16] float32, whole numbers; of Q6_K alone, whose kernel shifts codes.
    """

    scaled: NDArray[np.float32]
    scale: NDArray[np.float32]
    minima: NDArray[np.float32] | None
    minima_scale: NDArray[np.float32] | None
    group_scales: NDArray[np.float32] | None


def codes(raw: NDArray[np.uint8], type_name: str, dequantise: Dequantiser) -> Codes:
    """Takes rows of a matrix apart.

    Args:
        raw: [rows, bytes a row] as stored in the file.
        type_name: one of `SUPER_BLOCKS`.
        dequantise: makes numbers of rows.
    """
    layout = SUPER_BLOCKS[type_name]
    _, nbytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    rows = len(raw)
    blocks = np.array(raw).reshape(-1, nbytes)
    scale = _half(blocks, layout.scale).reshape(rows, -1)
    blocks[:, layout.scale : layout.scale + 2] = _ONE
    minima = minima_scale = None
    if layout.minima is not None and layout.minima_scale is not None:
        minima_scale = _half(blocks, layout.minima_scale).reshape(rows, -1)
        blocks[:, layout.minima_scale : layout.minima_scale + 2] = 0
        minima = layout.minima(blocks).astype(np.float32).reshape(*scale.shape, -1)
    group_scales = None
    if type_name == "Q6_K":
        group_scales = blocks[:, 192:208].view(np.int8).astype(np.float32).reshape(*scale.shape, 16)
    scaled = dequantise(blocks.reshape(raw.shape), type_name)
    return Codes(scaled, scale, minima, minima_scale, group_scales)


def _half(blocks: NDArray[np.uint8], at: int) -> NDArray[np.float32]:
    return np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2")[:, 0].astype(np.float32)
