"""Quantised weights taken apart, against the formats written out a number at a time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

from apr.quant.blocks import FORMATS, affine
from apr.quant.dequantise import by_gguf

RNG = np.random.Generator(np.random.PCG64(11))
# where a block keeps float16 numbers; random bytes there would be no sensible scales
HALVES = {
    "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,), "Q2_K": (80, 82), "Q3_K": (108,),
    "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,), "IQ4_NL": (0,), "IQ4_XS": (0,),
}  # fmt: skip


def random_rows(name: str, rows: int = 3, blocks: int = 2) -> np.ndarray:
    """Random bytes, with sensible scales: every code and every group scale there can be."""
    _, nbytes = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    raw = RNG.integers(0, 256, (rows * blocks, nbytes), np.uint8)
    for at in HALVES[name]:
        halves = RNG.standard_normal(rows * blocks).astype("<f2")
        raw[:, at : at + 2] = halves[:, None].view(np.uint8)
    return raw.reshape(rows, -1)


def half(block: list[int], at: int) -> Fraction:
    return Fraction(float(np.array(block[at : at + 2], np.uint8).view("<f2")[0]))


def six_bits(block: list[int], j: int) -> tuple[int, int]:
    """get_scale_min_k4 of ggml-quants.c: the j-th 6-bit scale and minimum of the 12 bytes from byte 4."""
    q = block[4:16]
    if j < 4:
        return q[j] & 63, q[j + 4] & 63
    return (q[j + 4] & 0xF) | ((q[j - 4] >> 6) << 4), (q[j + 4] >> 4) | ((q[j] >> 6) << 4)


def q4_1(block: list[int]) -> tuple[list[Fraction], list[Fraction]]:
    codes = [b & 15 for b in block[4:]] + [b >> 4 for b in block[4:]]
    return [half(block, 0) * q for q in codes], [half(block, 2)]


def q5_1(block: list[int]) -> tuple[list[Fraction], list[Fraction]]:
    high = int.from_bytes(bytes(block[4:8]), "little")
    low = [b & 15 for b in block[8:]] + [b >> 4 for b in block[8:]]
    return [half(block, 0) * (q | (high >> i & 1) << 4) for i, q in enumerate(low)], [half(block, 2)]


def q4_k(block: list[int], high: int | None = None) -> tuple[list[Fraction], list[Fraction]]:
    scaled, minima = [], []
    codes_at = 16 if high is None else 48
    for j in range(8):
        scale, minimum = six_bits(block, j)
        minima.append(-half(block, 2) * minimum)
        for i in range(32):
            code = block[codes_at + 32 * (j // 2) + i] >> (4 * (j % 2)) & 15
            if high is not None:
                code |= (block[high + i] >> j & 1) << 4
            scaled.append(half(block, 0) * scale * code)
    return scaled, minima


def q5_k(block: list[int]) -> tuple[list[Fraction], list[Fraction]]:
    return q4_k(block, high=16)


def q2_k(block: list[int]) -> tuple[list[Fraction], list[Fraction]]:
    scaled, minima = [], []
    for j in range(16):
        minima.append(-half(block, 82) * (block[j] >> 4))
        for i in range(16):
            byte = block[16 + 32 * (j // 8) + 16 * (j % 2) + i]
            scaled.append(half(block, 80) * (block[j] & 15) * (byte >> 2 * (j % 8 // 2) & 3))
    return scaled, minima


@pytest.mark.parametrize(
    ("name", "slowly"), [("Q4_1", q4_1), ("Q5_1", q5_1), ("Q4_K", q4_k), ("Q5_K", q5_k), ("Q2_K", q2_k)]
)
def test_scaled_codes_and_minima_are_exact(name: str, slowly: object) -> None:
    assert callable(slowly)
    raw = random_rows(name)
    parts = affine(raw, name, by_gguf)
    assert parts.minimum is not None
    _, nbytes = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    for row in range(len(raw)):
        blocks = [slowly(block.tolist()) for block in raw[row].reshape(-1, nbytes)]
        assert [Fraction(float(v)) for v in parts.scaled[row]] == [v for scaled, _ in blocks for v in scaled]
        assert [Fraction(float(v)) for v in parts.minimum[row]] == [v for _, minima in blocks for v in minima]


@pytest.mark.parametrize("name", HALVES)
def test_parts_add_up_to_what_gguf_dequantises(name: str) -> None:
    raw = random_rows(name)
    before = raw.copy()
    parts, form = affine(raw, name, by_gguf), FORMATS[name].minima
    whole = quants.dequantize(raw, GGMLQuantizationType[name])
    minimum = np.float32(0) if parts.minimum is None or form is None else np.repeat(parts.minimum, form.group, axis=1)
    assert (parts.scaled + minimum == whole).all()
    assert (parts.minimum is None) == (form is None)
    assert (raw == before).all()


@pytest.mark.parametrize("name", ["Q3_K", "Q6_K", "IQ4_XS", "IQ4_NL"])
def test_without_minima_the_numbers_are_products_of_few_bits(name: str) -> None:
    """`scale * integers` must not have been rounded: dividing by the scale gives the integer back."""
    raw = random_rows(name, rows=4)
    size, nbytes = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    scales = [half(block.tolist(), HALVES[name][0]) for block in raw.reshape(-1, nbytes)]
    numbers = affine(raw, name, by_gguf).scaled.reshape(-1, size)
    for scale, block in zip(scales, numbers, strict=True):
        assert all((Fraction(float(v)) / scale).denominator == 1 for v in block)


def test_what_gguf_does_not_know_is_not_dequantised() -> None:
    for name in ("Q1_0", "I32", "AprQ4"):
        with pytest.raises(NotImplementedError):
            by_gguf(np.zeros((1, 18), np.uint8), name)
