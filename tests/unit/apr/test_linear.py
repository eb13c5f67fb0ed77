"""Products with weights in every arithmetic, against sums over one element after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from apr.formats.gguf import read_gguf
from apr.ops import linear
from apr.ops.linear import Activations, linear_f32, linear_f64, linear_ggml, round_activations
from apr.quant import weights as weights_module
from apr.quant.activations import round_to_bf16, round_to_f16, round_to_q8_0, round_to_q8_1
from apr.quant.blocks import FORMATS, Format
from apr.quant.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

RNG = np.random.Generator(np.random.PCG64(13))
UP = "blk.0.ffn_up.weight"


def activations() -> NDArray[np.float32]:
    return RNG.standard_normal((3, 64)).astype(np.float32)


def slowly(x: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exact to the last bit or two: products in float64, sums in long double."""
    wide = x.astype(np.longdouble)[:, None, :] * matrix.astype(np.longdouble)[None]
    total: NDArray[np.float64] = wide.sum(axis=-1).astype(np.float64)
    return total


@pytest.mark.parametrize(
    ("kind", "rounding"),
    [("F32", lambda x: x), ("F16", round_to_f16), ("BF16", round_to_bf16), ("Q8_0", lambda x: round_to_q8_0(x).values),
     ("Q5_0", lambda x: round_to_q8_0(x).values), ("Q4_0", lambda x: round_to_q8_0(x).values)],
)  # fmt: skip
def test_without_minima_it_is_a_product_of_rounded_activations(
    tiny_llama: Callable[..., Path], kind: str, rounding: Callable[[NDArray[np.float32]], NDArray[np.float64]]
) -> None:
    weights, x = Weights(read_gguf(tiny_llama(kind))), activations()
    expected = slowly(rounding(x).astype(np.float64), weights.dequantised(UP).astype(np.float64)).astype(np.float32)
    assert (linear_ggml(x, weights, UP) == expected).all()
    if kind != "F32":
        plain = slowly(x.astype(np.float64), weights.dequantised(UP).astype(np.float64)).astype(np.float32)
        assert (plain != expected).any(), "the sample does not tell rounded activations from others"


@pytest.mark.parametrize("kind", ["Q4_1", "Q5_1"])
def test_minima_multiply_the_stored_sums(tiny_llama: Callable[..., Path], kind: str) -> None:
    weights, x = Weights(read_gguf(tiny_llama(kind))), activations()
    rounded = round_to_q8_1(x)
    _, parts = next(weights.affine(UP))
    assert parts.minimum is not None
    assert rounded.sums is not None
    codes = slowly(rounded.values, parts.scaled.astype(np.float64))
    minima = slowly(rounded.sums.astype(np.float64), parts.minimum.astype(np.float64))
    got = linear_ggml(x, weights, UP)
    assert np.allclose(got, codes + minima, rtol=2**-23, atol=0)
    summed = rounded.values.reshape(3, -1, 32).sum(axis=-1)
    assert (np.abs(got - codes - slowly(summed, parts.minimum.astype(np.float64))) > 1e-5).any()


@pytest.mark.parametrize("function", [linear_f64, linear_f32, linear_ggml])
@pytest.mark.parametrize("kind", ["Q4_1", "F16"])
def test_parts_make_the_same_product(
    tiny_llama: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    function: Callable[..., NDArray[np.float64]],
    kind: str,
) -> None:
    path, x = tiny_llama(kind), activations()
    whole = function(x, Weights(read_gguf(path)), UP)
    monkeypatch.setattr(weights_module, "_WHOLE", 0)
    monkeypatch.setattr(weights_module, "_PART", 64 * 4 * 11)
    monkeypatch.setattr(linear, "_WIDE", 64 * 8 * 5)
    # the summation order of BLAS may change with the number of rows; the sums are of 64 products
    assert np.allclose(function(x, Weights(read_gguf(path)), UP), whole, rtol=0, atol=64 * 2**-24)


def test_f64_takes_wide_activations_as_they_are(tiny_llama: Callable[..., Path]) -> None:
    weights, x = Weights(read_gguf(tiny_llama())), activations().astype(np.float64) + 1e-12
    assert np.allclose(linear_f64(x, weights, UP), slowly(x, weights.dequantised(UP).astype(np.float64)), rtol=1e-13)
    assert linear_f32(x, weights, UP).dtype == np.float32


def test_a_rounding_can_be_put_in(tiny_llama: Callable[..., Path]) -> None:
    def doubled(x: NDArray[np.float32], form: Format) -> Activations:
        sound = round_activations(x, form)
        return Activations(2 * sound.values, None if sound.sums is None else 2 * sound.sums)

    weights, x = Weights(read_gguf(tiny_llama("Q4_1"))), activations()
    assert (linear_ggml(x, weights, UP, doubled) == 2 * linear_ggml(x, weights, UP)).all()


def test_sums_come_where_minima_are() -> None:
    x = RNG.standard_normal((2, 256)).astype(np.float32)
    for name, form in FORMATS.items():
        rounded = round_activations(x, form)
        assert rounded.values.shape == (2, 256)
        assert (rounded.sums is None) == (form.minima is None), name
        if rounded.sums is not None and form.minima is not None:
            assert rounded.sums.shape == (2, 256 // form.minima.group)
