"""Rounded activations, against the same rules written a number at a time."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from apr.quant.activations import round_to_bf16, round_to_f16, round_to_q8_0, round_to_q8_1, round_to_q8_k

if TYPE_CHECKING:
    from numpy.typing import NDArray

finite = st.floats(-1000, 1000, width=32)


def f16(value: float) -> np.float32:
    return np.float32(struct.unpack("<e", struct.pack("<e", float(value)))[0])


def in_32_slowly(block: NDArray[np.float32]) -> tuple[list[int], float, float]:
    """quantize_row_q8_1 of ggml-cpu for one block: codes, stored scale, stored sum."""
    amax = max(abs(v) for v in block)
    scale = np.float32(amax / np.float32(127))
    inverse = np.float32(np.float32(127) / amax) if amax > 1e-36 else np.float32(0)
    codes = [round(float(np.float32(v * inverse))) for v in block]  # Python rounds ties to even, as the kernel does
    return codes, float(f16(float(scale))), float(f16(float(scale * np.float32(sum(codes)))))


def in_256_slowly(block: NDArray[np.float32]) -> tuple[list[int], float]:
    """quantize_row_q8_K_ref for one block: codes and scale."""
    greatest = np.float32(0)
    for v in block:
        if abs(v) > abs(greatest):
            greatest = v
    if greatest == 0:
        return [0] * 256, 0.0
    inverse = np.float32(np.float32(-127) / greatest)
    codes = [min(127, round(float(np.float32(inverse * v)))) for v in block]
    return codes, float(np.float32(np.float32(1) / inverse))


@given(hnp.arrays(np.float32, (2, 64), elements=finite))
def test_blocks_of_32(x: NDArray[np.float32]) -> None:
    plain, summed = round_to_q8_0(x), round_to_q8_1(x)
    assert plain.sums is None
    assert summed.sums is not None
    for t in range(2):
        for b in range(2):
            codes, scale, total = in_32_slowly(x[t, 32 * b : 32 * b + 32])
            if scale:
                assert plain.codes[t, b].tolist() == summed.codes[t, b].tolist() == codes
            assert (plain.scales[t, b], summed.scales[t, b], summed.sums[t, b]) == (scale, scale, total)
            expected = [scale * code for code in codes]
            assert plain.values[t, 32 * b : 32 * b + 32].tolist() == expected
            assert summed.group_sums(32)[t, b] == total


@given(hnp.arrays(np.float32, (2, 512), elements=st.floats(-1000, 1000, width=32, allow_subnormal=False)))
def test_blocks_of_256(x: NDArray[np.float32]) -> None:
    x[np.abs(x) < 1e-30] = 0
    got = round_to_q8_k(x)
    for t in range(2):
        for b in range(2):
            codes, scale = in_256_slowly(x[t, 256 * b : 256 * b + 256])
            assert got.codes[t, b].tolist() == codes
            assert got.scales[t, b] == scale
            assert got.values[t, 256 * b : 256 * b + 256].tolist() == [scale * code for code in codes]
            for size in (16, 32):
                sums = [scale * sum(codes[at : at + size]) for at in range(0, 256, size)]
                assert got.group_sums(size)[t, 256 // size * b : 256 // size * (b + 1)].tolist() == sums


def test_the_greatest_number_becomes_minus_127_whatever_its_sign() -> None:
    x = np.zeros((2, 256), np.float32)
    x[0, 7], x[1, 7] = 3, -3
    assert round_to_q8_k(x).codes[:, 0, 7].tolist() == [-127, -127]
    assert np.sign(round_to_q8_k(x).scales[:, 0]).tolist() == [-1, 1]


def test_of_two_as_great_the_first_counts() -> None:
    x = np.zeros((1, 256), np.float32)
    x[0, 3], x[0, 9] = 2, -2
    assert round_to_q8_k(x).codes[0, 0, [3, 9]].tolist() == [-127, 127]


@pytest.mark.parametrize(("rounding", "size"), [(round_to_q8_0, 32), (round_to_q8_1, 32), (round_to_q8_k, 256)])
def test_ties_round_to_even(rounding: object, size: int) -> None:
    assert callable(rounding)
    block = np.zeros((1, size), np.float32)
    block[0, :5] = [-127.0, 0.5, 1.5, 2.5, -0.5]  # the scale is 1
    assert rounding(block).values[0, :5].tolist() == [-127.0, 0.0, 2.0, 2.0, 0.0]


def test_the_inverse_is_127_over_amax_and_not_one_over_the_scale() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    x = rng.standard_normal((250_000, 32)).astype(np.float32)
    amax = np.abs(x).max(axis=1, keepdims=True)
    wrong = np.rint(x * (np.float32(1) / (amax / np.float32(127))))
    assert (round_to_q8_0(x).codes[:, 0] != wrong).any(), "the sample does not tell the two rules apart"


@pytest.mark.parametrize(("rounding", "size"), [(round_to_q8_0, 32), (round_to_q8_1, 32), (round_to_q8_k, 256)])
@pytest.mark.parametrize("tiny", [0.0, 1e-45, 1e-38])
def test_what_is_next_to_nothing_is_nothing(rounding: object, size: int, tiny: float) -> None:
    assert callable(rounding)
    got = rounding(np.full((1, size), tiny, np.float32))
    assert not got.values.any()
    assert not got.group_sums(32).any()


def test_a_scale_beyond_float16_is_infinite() -> None:
    assert np.isinf(round_to_q8_0(np.full((1, 32), 1e10, np.float32)).scales).all()


def test_rounding_to_f16() -> None:
    assert round_to_f16(np.array([255.99, 1.0, 1e9], np.float32)).tolist() == [256.0, 1.0, np.inf]


def test_rounding_to_bf16() -> None:
    # 1 + 2**-8 and 1 + 3 * 2**-8 lie between two bfloat16 numbers each; ties go to the even one
    x = np.array([1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8 - 2**-20, 3.4e38, 1e-40], np.float32)
    assert round_to_bf16(x)[:4].tolist() == [1.0, 1 + 2**-6, -1 - 2**-7, np.inf]
    assert 0 < round_to_bf16(x)[4] < 1.01e-40


def test_not_a_number_stays_one_in_bf16() -> None:
    patterns = np.array([0x7FC00000, 0x7F800001, 0xFFFFFFFF], np.uint32).view(np.float32)
    assert np.isnan(round_to_bf16(patterns)).all()
