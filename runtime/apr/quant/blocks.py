"""The formats that llama.cpp multiplies: which rounding of activations each meets, and where its minima are.

A weight is `scale * code`, or `scale * code + minimum` with one minimum for a group of weights. A kernel sums integer
products, and multiplies sums of activations with the minima, so the two parts must stay apart: their float32 sum, which is
what dequantising makes of them, is rounded.

**Each part is exact in float32**, whose significand has 24 bits. Scales are float16 (11 bits) or a power of two (MXFP4),
minima too; K-quants and IQ multiply them with an integer per group. Bits of scale, group scale and code, signs apart:
Q8_0 11 + 0 + 7, Q5 11 + 0 + 5, Q4 11 + 0 + 4, IQ4_NL 11 + 0 + 7, Q2_K 11 + 4 + 2, Q3_K 11 + 5 + 2, Q4_K 11 + 6 + 4,
Q5_K 11 + 6 + 5, Q6_K 11 + 7 + 5, IQ4_XS 11 + 5 + 7, IQ2 and IQ3 11 + 5 + 6, IQ1 11 + 4 + 4, TQ 11 + 0 + 1, MXFP4
1 + 0 + 4; minima 11, of Q4_K and Q5_K 11 + 6, of Q2_K 11 + 4. The greatest is 23. (Where a range is -2^n … 2^n - 1, its end
-2^n is a power of two and needs one bit.) Products of bits are the same in whatever order they are taken.

Layouts: `ggml-common.h`, `block_q4_0` and on; which rounding: `vec_dot_type` in `ggml-cpu.c`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.quant.dequantise import Dequantiser


@dataclass(frozen=True)
class Minima:
    """Where a format keeps its minima.

    Attributes:
        at: byte of the block where the float16 starts that all minima are multiples of; with zeros there, dequantising
            yields `scale * code` alone.
        group: weights that share a minimum.
        read: [blocks, bytes] to [blocks, groups] float32, exact.
    """

    at: int
    group: int
    read: Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Format:
    """How llama.cpp multiplies a type.

    Attributes:
        rounding: what activations are rounded to first: F32 (not at all), F16, BF16, Q8_0, Q8_1 or Q8_K.
        minima: None where a weight is `scale * code`.
    """

    rounding: str
    minima: Minima | None = None


class Affine(NamedTuple):
    """Some rows of a matrix, taken apart.

    Attributes:
        scaled: [rows, columns] float32, `scale * code`, exact.
        minimum: [rows, columns / group] float32, what each weight of the group adds, exact; None where there is none.
    """

    scaled: NDArray[np.float32]
    minimum: NDArray[np.float32] | None


def _half(blocks: NDArray[np.uint8], at: int) -> NDArray[np.float32]:
    """The little-endian float16 at a byte of each block: [blocks] float32."""
    return np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2")[:, 0].astype(np.float32)


def _one(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Q4_1, Q5_1: a float16 after the scale, added."""
    return _half(blocks, 2)[:, None]


def six_bit_minima(scales: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[blocks, 12] bytes that hold eight 6-bit scales and eight 6-bit minima: [blocks, 8], the minima.

    Bytes 4-7 hold the first four in their lower six bits. The last four have their lower four bits in the upper halves of
    bytes 8-11, and their upper two bits in the upper two bits of bytes 4-7.
    """
    return np.concatenate([scales[:, 4:8] & 63, (scales[:, 8:12] >> 4) | (scales[:, 4:8] >> 6 << 4)], axis=-1)


def _six_bit(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Q4_K, Q5_K: a float16 after the scale times 6-bit integers, subtracted."""
    return -_half(blocks, 2)[:, None] * six_bit_minima(blocks[:, 4:16]).astype(np.float32)


def _four_bit(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Q2_K: the float16 at the end times the upper halves of the first 16 bytes, subtracted."""
    return -_half(blocks, 82)[:, None] * (blocks[:, :16] >> 4).astype(np.float32)


FORMATS = {
    "F32": Format("F32"),
    "F16": Format("F16"),
    "BF16": Format("BF16"),
    **dict.fromkeys(("Q8_0", "Q4_0", "Q5_0", "IQ4_NL", "MXFP4", "NVFP4"), Format("Q8_0")),
    **dict.fromkeys(("Q4_1", "Q5_1"), Format("Q8_1", Minima(2, 32, _one))),
    **dict.fromkeys(("Q4_K", "Q5_K"), Format("Q8_K", Minima(2, 32, _six_bit))),
    "Q2_K": Format("Q8_K", Minima(82, 16, _four_bit)),
    **dict.fromkeys(
        (
            "Q3_K",
            "Q6_K",
            "IQ4_XS",
            "IQ3_S",
            "IQ3_XXS",
            "IQ2_S",
            "IQ2_XS",
            "IQ2_XXS",
            "IQ1_S",
            "IQ1_M",
            "TQ1_0",
            "TQ2_0",
        ),
        Format("Q8_K"),
    ),
}


def affine(raw: NDArray[np.uint8], type_name: str, dequantise: Dequantiser) -> Affine:
    """Takes rows of a matrix apart.

    Args:
        raw: [rows, bytes a row] as stored in the file.
        type_name: one of `FORMATS`.
        dequantise: makes numbers of rows.
    """
    minima = FORMATS[type_name].minima
    if minima is None:
        return Affine(dequantise(raw, type_name), None)
    _, nbytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    blocks = np.array(raw).reshape(-1, nbytes)
    minimum = minima.read(blocks).reshape(len(raw), -1)
    blocks[:, minima.at : minima.at + 2] = 0
    return Affine(dequantise(blocks.reshape(raw.shape), type_name), minimum)
