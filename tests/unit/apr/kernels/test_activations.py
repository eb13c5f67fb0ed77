"""Activations at places where careless ones fail, and the figures that their contracts give."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from apr.kernels import gelu, gelu_tanh, silu, swiglu

f32 = partial(np.array, dtype=np.float32)

CONTRACTS = Path(__file__).resolve().parents[4] / "contracts"


def _obligations(name: str) -> dict[str, Any]:
    data = yaml.safe_load((CONTRACTS / f"{name}-v1.yaml").read_text())
    return {one["id"]: one for one in data["proof_obligations"]}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_is_x_phi(dtype: Any) -> None:
    x = np.array([-30.0, -9.0, -2.0, -0.0, 0.5, 3.0, 40.0], dtype)
    expected = [v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x.tolist()]
    got = gelu(x)
    assert got.dtype == dtype
    assert np.allclose(got, np.array(expected, dtype), rtol=1e-12 if dtype is np.float64 else 1e-7, atol=0)
    # 9 times the tail of the normal distribution beyond 9, which tables give as 1.1286e-19
    assert math.isclose(float(got[1]), -9 * 1.1286e-19, rel_tol=1e-4)
    assert math.copysign(1, got[3]) == -1


def test_gelu_of_any_shape() -> None:
    x = np.random.default_rng(3).standard_normal((3, 20_001)).astype(np.float32)  # more than one block of it
    assert (gelu(x.T) == gelu(x).T).all()
    assert gelu(x[:0]).shape == (0, 20_001)
    assert gelu(f32([np.nan, np.inf])).tolist()[1] == math.inf
    assert np.isnan(gelu(f32([np.nan]))).all()


def test_swiglu_activates_the_gate() -> None:
    gate, up = f32([[0.0, 1.0, -100.0, 50.0]]), f32([[7.0, 2.0, 3.0, -4.0]])
    got = swiglu(gate, up)
    assert got.dtype == np.float32
    assert np.allclose(got, [[0, 2 / (1 + math.exp(-1)), 0, -200]], rtol=1e-6)
    assert np.abs(got - swiglu(up, gate)).max() > 0.1


def test_minima_stand_where_the_contracts_say() -> None:
    fine = np.linspace(-1.6, -0.4, 1_200_001)
    for kernel, name, least in ((silu, "silu", -0.27846454276107385), (gelu, "gelu", -0.16997120747990369)):
        assert str(least) in str(_obligations(name)["minimum"]["between"][0])
        assert math.isclose(float(kernel(fine).min()), least, rel_tol=1e-12)
    assert math.isclose(float(gelu_tanh(fine).min()), -0.1700408, abs_tol=5e-8)
    steps = np.diff(silu(fine))
    turn = fine[:-1][steps > 0][0]
    assert math.isclose(turn, -1.2784645, abs_tol=2e-6)


def test_the_two_forms_of_gelu_are_as_far_apart_as_the_contract_says() -> None:
    x = np.linspace(0, 12, 120_001)
    apart = np.abs(gelu_tanh(x) - gelu(x))
    assert 4.7323e-4 < apart.max() < 4.7324e-4
    assert math.isclose(x[apart.argmax()], 2.6989, abs_tol=1e-3)
    told = _obligations("gelu")["forms-differ"]
    low, high = told["forall"]["x"]["range"]
    assert apart[(x >= low) & (x <= high)].min() > 4.5e-4
    assert "4.7324e-4" in _obligations("gelu")["forms-are-close"]["formal"]
