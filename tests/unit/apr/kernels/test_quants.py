"""Encodings, number by number as their layouts say, and their refusals."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.kernels import quants
from apr.quant.activations import round_to_q8_0, round_to_q8_1, round_to_q8_k
from apr.quant.encodings.bytewise import half_away
from apr.quant.encodings.q4_k import pack_six_bit, six_bit_scales

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# numbers and bytes of a block
SIZES = {
    "q4_0": (32, 18),
    "q4_1": (32, 20),
    "q5_0": (32, 22),
    "q5_1": (32, 24),
    "q8_0": (32, 34),
    "q4_k": (256, 144),
    "q6_k": (256, 210),
    "q8_k": (256, 292),
}
TYPES = sorted(SIZES)


def half(block: bytes, at: int) -> float:
    return float(struct.unpack_from("<e", block, at)[0])


def fifth(block: bytes, at: int, i: int) -> int:
    return (int.from_bytes(block[at : at + 4], "little") >> i & 1) << 4


def nibble(block: bytes, at: int, i: int) -> int:
    return block[at + i % 16] >> 4 if i >= 16 else block[at + i % 16] & 15


def q4_k(block: bytes, i: int) -> float:
    group, six = i // 32, block[4:16]
    if group < 4:
        scale, minimum = six[group] & 63, six[group + 4] & 63
    else:
        scale = six[group + 4] & 15 | six[group - 4] >> 6 << 4
        minimum = six[group + 4] >> 4 | six[group] >> 6 << 4
    byte = block[16 + 32 * (i // 64) + i % 32]
    code = byte >> 4 if i % 64 >= 32 else byte & 15
    return half(block, 0) * scale * code - half(block, 2) * minimum


def q6_k(block: bytes, i: int) -> float:
    part, within = divmod(i, 128)
    run, place = divmod(within, 32)
    lower = block[64 * part + 32 * (run % 2) + place]
    code = (lower >> 4 if run > 1 else lower & 15) | (block[128 + 32 * part + place] >> 2 * run & 3) << 4
    (scale,) = struct.unpack_from("b", block, 192 + i // 16)
    return half(block, 208) * float(scale) * (code - 32)


SLOWLY: dict[str, Callable[[bytes, int], float]] = {
    "q4_0": lambda block, i: half(block, 0) * (nibble(block, 2, i) - 8),
    "q4_1": lambda block, i: half(block, 0) * nibble(block, 4, i) + half(block, 2),
    "q5_0": lambda block, i: half(block, 0) * ((nibble(block, 6, i) | fifth(block, 2, i)) - 16),
    "q5_1": lambda block, i: half(block, 0) * (nibble(block, 8, i) | fifth(block, 4, i)) + half(block, 2),
    "q8_0": lambda block, i: half(block, 0) * struct.unpack_from("b", block, 2 + i)[0],
    "q8_k": lambda block, i: struct.unpack_from("<f", block, 0)[0] * struct.unpack_from("b", block, 4 + i)[0],
    "q4_k": q4_k,
    "q6_k": q6_k,
}


def to(kind: str) -> Any:
    return getattr(quants, f"quantize_{kind}")


def back(kind: str) -> Any:
    return getattr(quants, f"dequantize_{kind}")


def numbers(rows: int, columns: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    spread = np.float32(2.0) ** rng.integers(-6, 6, (rows, columns)).astype(np.float32)
    return rng.normal(size=(rows, columns)).astype(np.float32) * spread


@pytest.mark.parametrize("kind", TYPES)
def test_bytes_are_decoded_as_the_layout_says(kind: str) -> None:
    size, nbytes = SIZES[kind]
    raw = np.random.default_rng(1).integers(0, 256, (6, 2 * nbytes), np.uint8)
    with np.errstate(all="ignore"):
        got = back(kind)(raw)
        blocks = [bytes(block) for block in raw.reshape(-1, nbytes)]
        expected = np.array([[SLOWLY[kind](block, i) for i in range(size)] for block in blocks]).astype(np.float32)
    assert got.shape == (6, 2 * size)
    assert got.dtype == np.float32
    assert np.isfinite(got).mean() > 0.5
    assert np.array_equal(got, expected.reshape(got.shape), equal_nan=True)


@pytest.mark.parametrize("kind", TYPES)
def test_shapes_lead_and_inputs_stay(kind: str) -> None:
    size, nbytes = SIZES[kind]
    x = numbers(6, 2 * size)
    kept = x.copy()
    raw = to(kind)(x)
    assert (raw.shape, raw.dtype) == ((6, 2 * nbytes), np.uint8)
    assert np.array_equal(x, kept)
    assert np.array_equal(to(kind)(x.reshape(2, 3, -1)).reshape(6, -1), raw)
    assert np.array_equal(to(kind)(x[0]), raw[0])
    assert to(kind)(x[:0]).shape == (0, 2 * nbytes)
    before = raw.copy()
    numbers_again = back(kind)(raw)
    assert np.array_equal(raw, before)
    assert np.array_equal(back(kind)(raw.reshape(2, 3, -1)).reshape(6, -1), numbers_again)
    assert np.array_equal(back(kind)(np.asfortranarray(raw)), numbers_again)
    assert np.array_equal(to(kind)(np.asfortranarray(x)), raw)


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_no_whole_block_or_not_finite_is_refused(kind: str) -> None:
    size, nbytes = SIZES[kind]
    for shape in ((size + 1,), (2, size - 1), ()):
        with pytest.raises(ValueError, match=f"no whole blocks of {size}"):
            to(kind)(np.zeros(shape, np.float32))
    for value in (np.nan, np.inf, -np.inf):
        x = np.zeros(size, np.float32)
        x[size // 2] = value
        with pytest.raises(ValueError, match="finite"):
            to(kind)(x)
    with pytest.raises(ValueError, match=f"whole blocks of {nbytes} bytes"):
        back(kind)(np.zeros(nbytes + 1, np.uint8))
    with pytest.raises(ValueError, match="float32 of shape"):
        back(kind)(np.zeros(nbytes, np.float32))


@pytest.mark.parametrize("kind", TYPES)
def test_zeros_come_back_as_zeros(kind: str) -> None:
    size, _ = SIZES[kind]
    assert not back(kind)(to(kind)(np.zeros((2, size), np.float32))).any()


@pytest.mark.parametrize("kind", TYPES)
def test_numbers_that_nearly_vanish_stay_so(kind: str) -> None:
    size, _ = SIZES[kind]
    x = np.zeros((1, size), np.float32)
    x[0, :3] = [1e-30, -2e-30, 1e-33]
    assert np.abs(back(kind)(to(kind)(x))).max() <= 3e-30


def test_six_bits_are_packed_and_read() -> None:
    rng = np.random.default_rng(2)
    scales, minima = rng.integers(0, 64, (2, 50, 8), np.uint8)
    packed = pack_six_bit(scales, minima)
    assert packed.shape == (50, 12)
    assert np.array_equal(six_bit_scales(packed), scales)


def test_halves_are_rounded_away_from_zero() -> None:
    below = np.nextafter(np.float32(0.5), np.float32(0))
    x = np.array([0.5, -0.5, below, -below, 1.5, 2.5, -2.5, 2.4, 126.5], np.float32)
    assert half_away(x).tolist() == [1, -1, 0, 0, 2, 3, -3, 2, 127]


@pytest.mark.parametrize(
    ("number", "bits"),
    [
        (255.99, 0x5C00),
        (65519.996, 0x7BFF),
        (65520.0, 0x7C00),
        (-65520.0, 0xFC00),
        (2.0**-24, 1),
        (2.0**-25, 0),
        (3 * 2.0**-25, 2),
        (2.0**-14 - 2.0**-25, 0x0400),
        (-0.0, 0x8000),
        (-1e-30, 0x8000),
        (2049.0, 0x6800),
        (2051.0, 0x6802),
        (1e-45, 0),
    ],
)
def test_float16_of_known_numbers(number: float, bits: int) -> None:
    assert quants.f32_to_f16(np.array([number], np.float32)).tolist() == [bits]


@pytest.mark.parametrize(
    ("before", "after"),
    [(0x7F800001, 0x7E00), (0xFF800001, 0xFE00), (0x7FFFFFFF, 0x7FFF), (0x7FC02000, 0x7E01), (0x7F802000, 0x7E01)],
)
def test_nan_keeps_sign_and_upper_bits_in_float16(before: int, after: int) -> None:
    assert quants.f32_to_f16(np.array([before], np.uint32).view(np.float32)).tolist() == [after]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (0x7F800001, 0x7FC0),
        (0xFFFFFFFF, 0xFFFF),
        (0x7F7FFFFF, 0x7F80),
        (0x3F808000, 0x3F80),
        (0x3F818000, 0x3F82),
        (0x3F808001, 0x3F81),
        (0x00008001, 0x0001),
        (0x80000001, 0x8000),
    ],
)
def test_bfloat16_of_known_bits(before: int, after: int) -> None:
    assert quants.f32_to_bf16(np.array([before], np.uint32).view(np.float32)).tolist() == [after]


def test_every_pattern_of_sixteen_bits_is_read() -> None:
    every = np.arange(65536)
    expected = every.astype(np.uint16).view(np.float16).astype(np.float32)
    got = quants.f16_to_f32(every)
    assert np.array_equal(got, expected, equal_nan=True)
    assert np.array_equal(np.signbit(got), np.signbit(expected))
    upper = (every.astype(np.uint32) << 16).view(np.float32)
    assert np.array_equal(quants.bf16_to_f32(every).view(np.uint32), upper.view(np.uint32))


@pytest.mark.parametrize("read", [quants.f16_to_f32, quants.bf16_to_f32])
def test_what_is_no_sixteen_bits_is_refused(read: Callable[[Any], Any]) -> None:
    for given in ([-1], [65536], [0.5]):
        with pytest.raises(ValueError, match="no 16 bits"):
            read(np.array(given))
    assert read(np.array([], np.int64)).shape == (0,)


def test_activations_are_those_of_the_runtime() -> None:
    x = numbers(3, 512)
    for kernel, rounding in (
        (quants.round_activations_q8_0, round_to_q8_0),
        (quants.round_activations_q8_1, round_to_q8_1),
        (quants.round_activations_q8_k, round_to_q8_k),
    ):
        codes, scales, *sums = kernel(x)
        rounded = rounding(x)
        assert np.array_equal(codes, rounded.codes)
        assert np.array_equal(scales[..., 0], rounded.scales)
        assert [total[..., 0].tolist() for total in sums] == ([] if rounded.sums is None else [rounded.sums.tolist()])
        assert np.array_equal((codes * scales).reshape(3, -1), rounded.values.astype(np.float32))
