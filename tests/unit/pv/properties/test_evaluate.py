from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pv.formal.functions import FUNCTIONS
from pv.formal.language import parse
from pv.properties.evaluate import Scope, Unusable
from pv.properties.functions import COMPUTED, STRUCTURAL

X = np.array([[1.0, -2.0, 3.0], [0.0, 0.5, -0.5]], np.float32)
W = np.arange(6, dtype=np.float32).reshape(3, 2)
B = np.array([200, 100], np.uint8)
NAN, INF = np.float32("nan"), np.float32("inf")


def value(text: str, **given: Any) -> Any:
    with np.errstate(all="ignore"):
        return Scope({"x": X, "w": W, "b": B, "n": 3, **given}).evaluate(parse(text))


def same(got: Any, wanted: Any) -> None:
    np.testing.assert_array_equal(np.asarray(got), np.asarray(wanted))


CASES: list[tuple[str, Any]] = [
    ("x + 1", X.astype(np.float64) + 1),
    ("b + b", [400, 200]),  # bytes do not wrap: whole numbers are computed in int64
    ("-x", -X.astype(np.float64)),
    ("2 ** 10 // 3 % 5", 341 % 5),
    ("9 ** 9 ** 9", math.inf),
    ("x @ w", X.astype(np.float64) @ W.astype(np.float64)),
    ("1 / 0 * 0 == 0", False),
    ("0 <= abs(x) <= 2", [[True, True, False], [True, True, True]]),
    ("x > 0 and x < 2 or x == 3", [[True, False, True], [False, True, False]]),
    ("not x", [[False, False, False], [True, False, False]]),
    ("x if x > 0 else 0", [[1, 0, 3], [0, 0.5, 0]]),
    ("x[0]", X[0]),
    ("x[..., :2]", X[..., :2]),
    ("x[:, None, -1]", X[:, None, -1]),
    ("x[1, n - 1]", -0.5),
    ("x[:, ::2]", X[:, ::2]),
    ("sum(x)", X.sum(-1, keepdims=True)),
    ("sum(x, axis=0)", X.sum(0, keepdims=True)),
    ("sum(x, axis=[0, 1])", X.sum(keepdims=True)),
    ("mean(x)", X.astype(np.float64).mean(-1, keepdims=True)),
    ("x / sum(abs(x))", X.astype(np.float64) / np.abs(X).sum(-1, keepdims=True, dtype=np.float64)),
    ("max(x) - min(x)", [[5], [1]]),
    ("prod(x, axis=0)", [[0, -1, -1.5]]),
    ("norm([[3, 4]] * ones(1, 2) * 2 ** 700)", [[5 * 2.0**700]]),
    ("any(x > 1)", [[True], [False]]),
    ("all(x > -1)", [[False], [True]]),
    ("argmax(x)", [[2], [1]]),
    ("argmin(x)", [[1], [2]]),
    ("cumsum(x)", [[1, -1, 2], [0, 0.5, 0]]),
    ("sort(x)", [[-2, 1, 3], [-0.5, 0, 0.5]]),
    ("argsort(x)", [[1, 0, 2], [2, 0, 1]]),
    ("argsort(zeros(4))", [0, 1, 2, 3]),
    ("total(x)", 2.0),
    ("dot(x, x)", [[14], [0.5]]),
    ("counts([0, 2, 2], 4)", [1, 0, 2, 0]),
    ("counts([0, 4], 4)", [-1, -1, -1, -1]),
    ("len(x)", 2),
    ("len(x, axis=1)", 3),
    ("size(x)", 6),
    ("transpose(x)", X.T),
    ("permute(x, [1, 0])", X.T),
    ("reshape(x, [3, 2])", X.reshape(3, 2)),
    ("flip(x)", X[:, ::-1]),
    ("repeat(x, 2, axis=0)", X.repeat(2, 0)),
    ("concat(x, x, axis=0)", np.concatenate([X, X])),
    ("stack(x, x, axis=0)", np.stack([X, X])),
    ("take(w, [2, 0])", W[[2, 0]]),
    ("gather(x, argsort(x))", np.sort(X)),
    ("eye(2)", np.eye(2)),
    ("zeros(1, 2) + full([2], 7) - ones(2)", [[6, 6]]),
    ("arange(n)", [0, 1, 2]),
    ("where(x > 0, 1, 0)", X > 0),
    ("clip(x, -1, 1)", X.clip(-1, 1)),
    ("minimum(x, 0) + maximum(x, 0)", X),
    ("round(x)", [[1, -2, 3], [0, 0, -0.0]]),
    ("trunc([-1.5, 1.5])", [-1, 1]),
    ("floor([-1.5]) + ceil([-1.5])", [-3]),
    ("sign(x)", np.sign(X)),
    ("erf([0.5])", [math.erf(0.5)]),
    ("exp([1]) * log([2]) + sqrt([4])", [math.e * math.log(2) + 2]),
    ("expm1([1e-20]) + log1p([1e-20])", [2e-20]),
    ("log2([8]) + tanh([0]) + sin([0]) + cos([0])", [4]),
    ("isnan([nan]) and isinf([inf]) and isfinite([0])", [True]),
    ("signbit([-0.0])", [True]),
    ("pi > 3 and true and not false", True),
    ("f32(0.1)", np.float32(0.1)),
    ("f16([65520, 2049])", [np.inf, 2048]),
    ("bf16([1 + 2 ** -8, 1 + 3 * 2 ** -8])", [1, 1 + 2**-6]),
    ("u8([300])", [44]),
    ("i32([2.9]) + i64([1.9])", [3]),
    ("f64(x)", X),
    ("bits(f32([1, -0.0]))", [0x3F800000, 0x80000000]),
    ("bits(f16([1]))", [0x3C00]),
    ("from_bits_f32(bits(f32([0.1])))", [np.float32(0.1)]),
    ("from_bits_f16([1])", [2.0**-24]),
    ("same([0.0, nan, 1, inf], [-0.0, nan, 1, -inf])", [False, True, True, False]),
    ("implies([1 > 2, 2 > 1, 2 > 1], [1 > 2, 1 > 2, 2 > 1])", [True, False, True]),
    ("gamma(1)", 2.0**-24 / (1 - 2.0**-24)),
    ("u + tiny + smallest", 2.0**-24 + 2.0**-126 + 2.0**-149),
    ("ulps(f32([1]), f32([1 + 2 ** -23]))", [1]),
    ("ulps([0.0], [-0.0])", [0]),
    ("ulps([-1e-45], [1e-45])", [2]),
    ("ulps([nan, nan], [nan, 1])", [0, np.inf]),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_an_expression_comes_to(text: str, wanted: Any) -> None:
    same(value(text), wanted)


def test_every_function_of_the_language_is_computed_and_tried_here() -> None:
    computed = {*COMPUTED, *STRUCTURAL, "implies", "gamma", "ulps"}
    assert computed == set(FUNCTIONS)
    tried = " ".join(text for text, _ in CASES)
    # multinomial_tail has a file of its own
    assert [name for name in FUNCTIONS if f"{name}(" not in tried] == ["multinomial_tail"]


def test_values_keep_their_dtype_until_something_is_computed_with_them() -> None:
    assert value("x").dtype == value("reshape(x, [6])[:2]").dtype == np.float32
    assert value("max(x)").dtype == np.float32
    assert value("x * 1").dtype == np.float64
    assert value("b").dtype == np.uint8
    assert value("f32(x + 1)").dtype == np.float32


def test_roundings_are_those_of_y() -> None:
    assert value("u", y=np.float16(1)) == 2.0**-11
    assert value("smallest", y=(np.float64(1), X)) == 2.0**-1074
    assert value("ulps([1], [1 + 2 ** -10])", y=np.float16(1)) == 1


def test_parts_are_computed_once_and_may_speak_of_one_another() -> None:
    called: list[str] = []

    def call(name: str, _given: Any, _named: Any) -> Any:
        called.append(name)
        return X

    let = (("p", parse("kernel(x)")), ("q", parse("p + p")))
    scope = Scope({"x": X}, let, call)
    same(scope.evaluate(parse("q - p")), X)
    assert called == ["kernel"]
    scope.with_values(x=W).evaluate(parse("p"))
    assert called == ["kernel", "kernel"]


@pytest.mark.parametrize("text", ["x @ x", "x[7]", "z", "reshape(x, [7])", "softmax(x)", "take(x, [9])", "y"])
def test_what_cannot_be_computed_is_said(text: str) -> None:
    with pytest.raises(Unusable):
        value(text)


def test_bfloat16_is_rounded_once() -> None:
    """Through float32 first, a number next to a midpoint would be taken for the midpoint."""
    above = 1 + 2.0**-8 + 2.0**-40
    assert value(f"bf16([{above!r}])")[0] == 1 + 2.0**-7
    assert np.isnan(value("bf16([nan])")[0])
