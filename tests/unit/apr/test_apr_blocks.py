"""AprQ4 and AprQ8 against the same rules a number at a time, in Rust's order of operations."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from apr.errors import UnusableInput
from apr.quant.apr_blocks import decode_apr_q4, decode_apr_q8, encode_apr_q4, encode_apr_q8

if TYPE_CHECKING:
    from numpy.typing import NDArray


def f32(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def away_from_zero(x: float) -> int:
    """Rust's f32::round."""
    below = math.floor(abs(x))
    return int(math.copysign(below + (abs(x) - below >= 0.5), x))


def divided(value: float, scale: float) -> float:
    """IEEE float32 division; 0/0 and what Rust's `as i8` makes of NaN is 0."""
    if scale == 0:
        return math.copysign(math.inf, value) if value else 0.0
    return f32(value / scale)


def q4_slowly(values: list[float]) -> bytes:
    out = b""
    for start in range(0, len(values), 32):
        block = values[start : start + 32]
        greatest = max(abs(v) for v in block)
        scale = f32(greatest / 7) if greatest else 1.0
        nibbles = []
        for v in block:
            q = divided(v, scale)
            nibbles.append(max(-8, min(7, away_from_zero(q) if math.isfinite(q) else int(math.copysign(9, q)))) + 8)
        nibbles += [0] * (32 - len(block))
        out += struct.pack("<e", scale) + bytes(nibbles[i] | nibbles[i + 1] << 4 for i in range(0, 32, 2))
    return out


def q8_slowly(values: list[float]) -> bytes:
    greatest = max((abs(v) for v in values), default=0.0)
    scale = f32(greatest / 127) if greatest else 1.0
    out = struct.pack("<f", scale)
    for v in values:
        q = divided(v, scale)
        whole = away_from_zero(q) if math.isfinite(q) else int(math.copysign(200, q))
        out += struct.pack("<b", max(-127, min(127, whole)))
    return out


numbers = (
    st.floats(-400000, 400000, width=32) | st.floats(-1, 1, width=32) | st.sampled_from([0.0, -0.0, 1e-45, 0.5, 1.5])
)
arrays = hnp.arrays(np.float32, st.integers(1, 100), elements=numbers)


@given(arrays)
def test_q4_is_encoded_as_its_writer_does(values: NDArray[np.float32]) -> None:
    assert encode_apr_q4(values).tobytes() == q4_slowly(values.tolist())


@given(arrays)
def test_q8_is_encoded_as_its_writer_does(values: NDArray[np.float32]) -> None:
    assert encode_apr_q8(values).tobytes() == q8_slowly(values.tolist())


def test_halves_are_rounded_away_from_zero() -> None:
    values = np.array([127.0, 0.5, 1.5, 2.5, -0.5, -2.5, np.nextafter(np.float32(0.5), np.float32(0))], np.float32)
    assert encode_apr_q8(values)[4:].view(np.int8).tolist() == [127, 1, 2, 3, -1, -3, 0]
    values[0] = 7.0
    low_high = encode_apr_q4(values)[2:6]
    nibbles = [int(n) - 8 for byte in low_high for n in (byte & 15, byte >> 4)]
    assert nibbles[:7] == [7, 1, 2, 3, -1, -3, 0]


def test_neighbours_share_a_byte_and_the_last_block_is_filled_with_nibble_0() -> None:
    encoded = encode_apr_q4(np.array([7.0, -7.0, 1.0], np.float32))
    assert encoded.tobytes() == struct.pack("<e", 1.0) + bytes([0x1F, 0x09]) + bytes(14)
    assert decode_apr_q4(encoded, 3).tolist() == [7.0, -7.0, 1.0]


@given(st.binary(min_size=54, max_size=54), st.integers(65, 96))
def test_q4_is_decoded_by_its_rule(raw: bytes, count: int) -> None:
    got = decode_apr_q4(np.frombuffer(raw, np.uint8), count)
    assert got.dtype == np.float32
    for i in range(count):
        block = raw[i // 32 * 18 :][:18]
        (scale,) = struct.unpack("<e", block[:2])
        if not math.isfinite(scale) or abs(scale) < 2**-14:
            scale = 0.0
        byte = block[2 + i % 32 // 2]
        assert got[i] == scale * ((byte >> 4 if i % 2 else byte & 15) - 8)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.binary(max_size=40))
def test_q8_is_decoded_by_its_rule(scale: float, codes: bytes) -> None:
    raw = np.frombuffer(struct.pack("<f", scale) + codes, np.uint8)
    got = decode_apr_q8(raw, len(codes))
    with np.errstate(over="ignore"):
        expected = [np.float32(scale) * np.float32(code) for code in struct.unpack(f"<{len(codes)}b", codes)]
    assert got.tolist() == pytest.approx(expected, rel=0, abs=0)


@given(arrays.map(lambda values: np.clip(values, -1e5, 1e5)))
def test_what_is_decoded_is_at_most_half_a_step_away(values: NDArray[np.float32]) -> None:
    """AprQ8 divides and multiplies by the same float32 scale s: half a step, and one rounding of q * s and of x / s each,
    2**-24 of at most 127 steps: |x - x'| <= s (1/2 + 2 * 127 * 2**-24). What underflows (s below float32's normal range)
    is left out."""
    greatest = float(np.abs(values).max())
    if greatest < 1e-30:
        return
    scale = f32(greatest / 127)
    error = np.abs(values.astype(np.float64) - decode_apr_q8(encode_apr_q8(values), values.size)).max()
    assert error <= scale * (0.5 + 2 * 127 * 2.0**-24)


@pytest.mark.parametrize("shape", [(3, 11), (33,), (1, 3, 11)])
def test_blocks_run_across_rows(shape: tuple[int, ...]) -> None:
    values = np.arange(33, dtype=np.float32)
    assert encode_apr_q4(values.reshape(shape)).tobytes() == encode_apr_q4(values).tobytes()
    assert encode_apr_q8(values.reshape(shape)).size == 37


def test_nothing_is_encoded_as_nothing() -> None:
    assert encode_apr_q4(np.zeros(0, np.float32)).size == 0
    assert decode_apr_q4(np.zeros(0, np.uint8), 0).size == 0


@pytest.mark.parametrize("encode", [encode_apr_q4, encode_apr_q8])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(encode: object, bad: float) -> None:
    with pytest.raises(UnusableInput, match=r"m\.apr: tensor 'x': holds NaN or infinity"):
        encode(np.array([1.0, bad], np.float32), "m.apr: tensor 'x'")  # type: ignore[operator] # one of the two


def test_a_scale_beyond_float16_is_refused() -> None:
    greatest = np.float32(65519 * 7)  # 65519.996 is the last that rounds to 65504
    assert encode_apr_q4(np.array([greatest], np.float32))[:2].view("<f2")[0] == 65504
    with pytest.raises(UnusableInput, match="are beyond AprQ4"):
        encode_apr_q4(np.array([65520 * 7], np.float32))


@pytest.mark.parametrize(("encode", "kept"), [(encode_apr_q4, 11), (encode_apr_q8, 6)])
def test_a_tensor_that_becomes_zeros_is_refused(encode: object, kept: int) -> None:
    """Of 1024 values 1013 are more than 99 %, 1018 not more than 99.5 %, 1019 are."""
    values = np.zeros(1024, np.float32)
    values[:kept] = 1.0
    encode(values)  # type: ignore[operator] # one of the two
    values[0] = 0
    with pytest.raises(UnusableInput, match=f"{1024 - kept + 1} of 1024 values become zero"):
        encode(values)  # type: ignore[operator] # one of the two
    encode(values[:1023])  # type: ignore[operator] # small tensors may be anything


def test_another_number_of_bytes_is_a_mistake_of_the_caller() -> None:
    for decode, size in ((decode_apr_q4, 17), (decode_apr_q8, 4)):
        with pytest.raises(ValueError, match="bytes are no 1 values"):
            decode(np.zeros(size, np.uint8), 1)
