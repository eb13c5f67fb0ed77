"""Quantised weights taken apart, and activations rounded, against slow and plain versions of the same rules."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from apr.errors import UnsupportedModel
from apr.formats.gguf import read_gguf
from apr.quant.activations import round_to_f16, round_to_q8
from apr.quant.blocks import AFFINE_TYPES, affine
from apr.quant.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

RNG = np.random.Generator(np.random.PCG64(11))


@pytest.mark.parametrize("name", AFFINE_TYPES)
def test_parts_add_up_to_what_gguf_dequantises(name: str) -> None:
    kind = GGMLQuantizationType[name]
    raw = quants.quantize(RNG.standard_normal((6, 128)).astype(np.float32), kind)
    parts = affine(raw, name)
    minimum = np.float32(0) if parts.minimum is None else np.repeat(parts.minimum, 32, axis=1)
    assert (parts.scaled + minimum == quants.dequantize(raw, kind)).all()
    assert (parts.minimum is not None) == (name == "Q4_1")


def f16(value: np.float32) -> np.float32:
    return np.float32(struct.unpack("<e", struct.pack("<e", float(value)))[0])


def round_block_slowly(block: NDArray[np.float32]) -> tuple[list[float], float]:
    """quantize_row_q8_1 of ggml-cpu for one block, a number at a time."""
    amax = max(abs(v) for v in block)
    scale = np.float32(amax / np.float32(127))
    inverse = np.float32(np.float32(127) / amax) if amax > 1e-36 else np.float32(0)
    codes = [round(float(np.float32(v * inverse))) for v in block]  # Python rounds ties to even, as the kernel does
    total = f16(np.float32(scale * np.float32(sum(codes))))
    return [float(np.float32(code) * f16(scale)) for code in codes], float(total)


finite = st.floats(-1000, 1000, width=32)


@given(hnp.arrays(np.float32, (2, 64), elements=finite))
def test_activations_are_rounded_as_ggml_rounds_them(x: NDArray[np.float32]) -> None:
    got = round_to_q8(x)
    for t in range(2):
        for b in range(2):
            values, total = round_block_slowly(x[t, 32 * b : 32 * b + 32])
            assert got.values[t, 32 * b : 32 * b + 32].tolist() == values
            assert got.sums[t, b] == total


def test_ties_round_to_even() -> None:
    block = np.zeros((1, 32), np.float32)
    block[0, :5] = [127.0, 0.5, 1.5, 2.5, -0.5]  # amax 127, so the scale is 1
    assert round_to_q8(block).values[0, :5].tolist() == [127.0, 0.0, 2.0, 2.0, 0.0]


def test_the_inverse_is_127_over_amax_and_not_one_over_the_scale() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    x = rng.standard_normal((250_000, 32)).astype(np.float32)
    amax = np.abs(x).max(axis=1, keepdims=True)
    wrong = np.rint(x * (np.float32(1) / (amax / np.float32(127))))
    right = round_to_q8(x)
    scale = (amax / np.float32(127)).astype(np.float16).astype(np.float32)
    assert (right.values != wrong * scale).any(), "the sample does not tell the two rules apart"


def test_a_block_of_zeros_stays_zero() -> None:
    got = round_to_q8(np.zeros((1, 32), np.float32))
    assert not got.values.any()
    assert not got.sums.any()


def test_rounding_to_f16() -> None:
    assert round_to_f16(np.array([255.99, 1.0], np.float32)).tolist() == [256.0, 1.0]


def test_replaced_bytes_are_decoded_and_the_original_is_left_alone(tiny_llama: Callable[..., Path]) -> None:
    weights = Weights(read_gguf(tiny_llama("Q4_1")))
    name = "blk.0.ffn_up.weight"
    before = weights.affine(name).scaled.copy()
    raw = np.array(weights.raw(name))
    raw[0, 4] ^= 1
    other = weights.with_raw(name, raw)
    assert np.flatnonzero((other.affine(name).scaled != before).any(axis=0)).tolist() == [0]
    assert (weights.affine(name).scaled == before).all()
    assert (other.dequantised(name) != weights.dequantised(name)).sum() == 1


def test_kept_weights_make_room(tiny_llama: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apr.quant.weights._KEEP", 64 * 96 * 4)
    weights = Weights(read_gguf(tiny_llama()))
    first = weights.dequantised("blk.0.ffn_up.weight")
    assert weights.dequantised("blk.0.ffn_up.weight") is first
    weights.dequantised("blk.0.ffn_gate.weight")
    again = weights.dequantised("blk.0.ffn_up.weight")
    assert again is not first
    assert (again == first).all()


def test_ggml_arithmetic_refuses_types_it_does_not_know(tiny_llama: Callable[..., Path]) -> None:
    weights = Weights(read_gguf(tiny_llama("Q5_0")))
    with pytest.raises(UnsupportedModel, match="Q5_0"):
        weights.affine("blk.0.ffn_up.weight")
    assert np.isfinite(weights.dequantised("blk.0.ffn_up.weight")).all()
