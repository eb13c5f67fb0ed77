"""Encoders and decoders against gguf's numpy, llama.cpp's C and numpy's casts, on what the contracts seldom draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.kernels import quants
from independent import gguf_quants, numpy_casts

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBERS = {
    **dict.fromkeys(("q4_0", "q4_1", "q5_0", "q5_1", "q8_0"), 32),
    **dict.fromkeys(("q4_k", "q6_k", "q8_k"), 256),
}
NBYTES = {"q4_0": 18, "q4_1": 20, "q5_0": 22, "q5_1": 24, "q8_0": 34, "q4_k": 144, "q6_k": 210, "q8_k": 292}


def rows(columns: int) -> list[NDArray[np.float32]]:
    """Noise, noise of many magnitudes, whole numbers, numbers of one sign, of a tensor's magnitude, and one outlier."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, columns)).astype(np.float32)
    outlier = x.copy()
    outlier[:, 5] = 1000
    wide = x * np.float32(2.0) ** rng.integers(-12, 8, x.shape).astype(np.float32)
    level = np.repeat(x[:, :1], columns, axis=1)
    return [x, wide, np.rint(4 * x), np.abs(x), -np.abs(x), x * np.float32(0.02), outlier, level]


@pytest.fixture
def ggml() -> Any:
    return pytest.importorskip("independent.ggml_quants", exc_type=ImportError)


@pytest.mark.parametrize("kind", [kind for kind in NUMBERS if hasattr(gguf_quants, f"quantize_{kind}")])
def test_gguf_makes_the_same_bytes(kind: str) -> None:
    for x in rows(2 * NUMBERS[kind]):
        assert np.array_equal(getattr(quants, f"quantize_{kind}")(x), getattr(gguf_quants, f"quantize_{kind}")(x))


@pytest.mark.parametrize("kind", [kind for kind in NUMBERS if hasattr(gguf_quants, f"dequantize_{kind}")])
def test_gguf_reads_the_same_numbers(kind: str) -> None:
    raw = np.random.default_rng(4).integers(0, 256, (60, 2 * NBYTES[kind]), np.uint8)
    ours, theirs = getattr(quants, f"dequantize_{kind}")(raw), getattr(gguf_quants, f"dequantize_{kind}")(raw)
    assert np.array_equal(ours, theirs, equal_nan=True)


@pytest.mark.oracle
@pytest.mark.parametrize("kind", NUMBERS)
def test_llama_cpp_makes_the_same_bytes(kind: str, ggml: Any) -> None:
    for x in rows(2 * NUMBERS[kind]):
        assert np.array_equal(getattr(quants, f"quantize_{kind}")(x), getattr(ggml, f"quantize_{kind}")(x))


@pytest.mark.oracle
@pytest.mark.parametrize("kind", NUMBERS)
def test_llama_cpp_reads_the_same_numbers(kind: str, ggml: Any) -> None:
    raw = np.random.default_rng(5).integers(0, 256, (60, 2 * NBYTES[kind]), np.uint8)
    ours, theirs = getattr(quants, f"dequantize_{kind}")(raw), getattr(ggml, f"dequantize_{kind}")(raw)
    assert np.array_equal(ours, theirs, equal_nan=True)
    assert np.isfinite(theirs).mean() > 0.5


@pytest.mark.oracle
def test_llama_cpp_is_not_given_parts_of_blocks(ggml: Any) -> None:
    with pytest.raises(ValueError, match="no whole blocks of 32"):
        ggml.quantize_q4_0(np.zeros((1, 33), np.float32))


def test_numpy_casts_a_million_patterns_alike() -> None:
    bits = np.random.default_rng(6).integers(0, 1 << 32, 1 << 20, np.uint32)
    x = bits.view(np.float32)
    numbers = ~np.isnan(x)
    assert np.array_equal(quants.f32_to_f16(x)[numbers], numpy_casts.f32_to_f16(x)[numbers])
    assert np.isnan(quants.f16_to_f32(quants.f32_to_f16(x[~numbers]))).all()
    assert np.array_equal(quants.f32_to_bf16(x), gguf_quants.f32_to_bf16(x))
    every = np.arange(65536)
    assert np.array_equal(quants.f16_to_f32(every), numpy_casts.f16_to_f32(every), equal_nan=True)
    assert np.array_equal(quants.bf16_to_f32(every), gguf_quants.bf16_to_f32(every), equal_nan=True)
