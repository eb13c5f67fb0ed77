"""The judge computes in float64, whatever comes in: in float32 it would have the faults that it is to find."""

from __future__ import annotations

import numpy as np
import pytest

from pv.formal.language import parse
from pv.properties.evaluate import Scope

X = np.array([[0.1, 0.7, 0.3], [0.9, 0.2, 0.6]], np.float32)
TEXTS = [
    *(f"x {sign} z" for sign in ("+", "-", "*", "/", "**")),
    "x @ transpose(z)",
    *(f"{name}(x)" for name in ("exp", "expm1", "log", "log1p", "log2", "sqrt", "tanh", "sin", "cos", "erf")),
    *(f"{name}(x)" for name in ("sum", "mean", "prod", "norm", "cumsum", "total")),
    "dot(x, z)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_computed_has_more_digits_than_float32(text: str) -> None:
    z = (X[::-1] * np.float32(1.7)).astype(np.float32)
    value = np.asarray(Scope({"x": X, "z": z}).evaluate(parse(text)))
    assert value.dtype == np.float64
    assert (value != value.astype(np.float32)).any()
    wide = np.asarray(Scope({"x": X.astype(np.float64), "z": z.astype(np.float64)}).evaluate(parse(text)))
    np.testing.assert_array_equal(value, wide)
