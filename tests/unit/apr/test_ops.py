"""The equations against their definitions, written out in loops over float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.ops.activation import gelu_tanh, silu
from apr.ops.attention import attend, attend_ggml, causal_mask, repeat_heads
from apr.ops.norm import rms_norm, rms_norm_ggml
from apr.ops.rope import Rope, angles, angles_ggml, rotate, turns

if TYPE_CHECKING:
    from numpy.typing import NDArray

RNG = np.random.Generator(np.random.PCG64(7))


def test_rms_norm_is_its_formula() -> None:
    x, weight = RNG.standard_normal((3, 8)), RNG.standard_normal(8)
    expected = [
        [v / math.sqrt(sum(u * u for u in row) / 8 + 1e-3) * w for v, w in zip(row, weight, strict=True)] for row in x
    ]
    assert np.allclose(rms_norm(x, weight, 1e-3), expected, rtol=1e-14)


def test_rms_norm_ggml_rounds_each_step_to_float32() -> None:
    x, weight = RNG.standard_normal((1, 64)).astype(np.float32), RNG.standard_normal(64).astype(np.float32)
    total = sum(float(np.float32(v * v)) for v in x[0])
    scale = np.float32(1) / np.sqrt(np.float32(total / 64) + np.float32(1e-5))
    expected = [np.float32(np.float32(v * scale) * w) for v, w in zip(x[0], weight, strict=True)]
    assert rms_norm_ggml(x, weight, 1e-5).tolist() == [[float(v) for v in expected]]


def test_rotation_turns_adjacent_pairs_by_their_angle() -> None:
    x = RNG.standard_normal((2, 1, 4))
    rope = Rope("norm", 100.0, 4)
    rotated = rotate(x, turns(angles(np.array([3, 5]), rope), rope, x.dtype), rope)
    for t, position in enumerate((3, 5)):
        for pair in range(2):
            turn = position * 100.0 ** (-2 * pair / 4)
            a, b = x[t, 0, 2 * pair : 2 * pair + 2]
            expected = (a * math.cos(turn) - b * math.sin(turn), a * math.sin(turn) + b * math.cos(turn))
            assert np.allclose(rotated[t, 0, 2 * pair : 2 * pair + 2], expected, rtol=1e-12)


def test_ggml_angles_multiply_up_in_float32() -> None:
    rope = Rope("norm", 100000.0, 64)
    got = angles_ggml(np.array([127]), rope)[0]
    factor, angle = np.float32(100000.0 ** (-2.0 / 64)), np.float32(127)
    for value in got:
        assert value == angle
        angle = np.float32(angle * factor)
    # numpy's own float32 power is what must not be used: it is one ulp off here
    assert np.max(np.abs(got / angles(np.array([127]), rope)[0] - 1)) > 1e-8


@pytest.mark.parametrize("variant", [attend, attend_ggml])
def test_attention_is_its_formula(variant: object) -> None:
    assert callable(variant)
    q, k, v = (RNG.standard_normal((4, heads, 8)).astype(np.float32) for heads in (4, 2, 2))
    got = variant(q, repeat_heads(k, 4), repeat_heads(v, 4), causal_mask(np.arange(4), np.arange(4)), 8**-0.5)
    for t in range(4):
        for head in range(4):
            scores = [
                math.exp(float(q[t, head].astype(float) @ k[s, head // 2].astype(float)) / math.sqrt(8))
                for s in range(t + 1)
            ]
            mixed = sum(w * v[s, head // 2].astype(float) for s, w in enumerate(scores)) / sum(scores)
            assert np.allclose(got[t, 8 * head : 8 * head + 8], mixed, rtol=2e-5, atol=1e-6)


def test_attention_never_looks_ahead() -> None:
    q, k, v = (RNG.standard_normal((5, 2, 4)).astype(np.float32) for _ in range(3))
    mask = causal_mask(np.arange(5), np.arange(5))
    before = attend_ggml(q, k, v, mask, 0.5)
    k[4], v[4] = 1e3, 1e3
    after = attend_ggml(q, k, v, mask, 0.5)
    assert (before[:4] == after[:4]).all()
    assert (before[4] != after[4]).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_silu_and_its_tails(dtype: type) -> None:
    x: NDArray[Any] = np.array([-1e4, -2.0, 0.0, 2.0, 1e4], dtype)
    got = silu(x)
    assert got.dtype == dtype
    assert np.allclose(got, [0.0, -2 / (1 + math.e**2), 0.0, 2 / (1 + math.e**-2), 1e4], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_do_not_see_their_blocks(dtype: type) -> None:
    x: NDArray[Any] = (
        np.random.default_rng(5).standard_normal((3, 50_001)).astype(dtype)
    )  # some blocks, the last one short
    wide = x.astype(np.float64)
    assert (silu(x) == (wide / (1 + np.exp(-wide))).astype(dtype)).all()
    assert (silu(x[:, ::2]) == silu(x)[:, ::2]).all()
    assert (gelu_tanh(x.T) == gelu_tanh(x).T).all()
    assert silu(x[:0]).shape == (0, 50_001)


def test_gelu_is_not_silu() -> None:
    x = np.array([-1.0, 0.5, 2.0])
    expected = [0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) for v in x]
    assert np.allclose(gelu_tanh(x), expected, rtol=1e-14)
    assert np.abs(gelu_tanh(x) - silu(x)).max() > 0.01


def test_experts_are_added_in_order_of_rank() -> None:
    from apr.ops.experts import weighted_sum

    # in float32 1 + 2**-24 is 1, and 2**-24 + 2**-24 + 1 is more
    outputs = np.array([[[1.0], [2.0**-24], [2.0**-24]]], np.float32)
    ones = np.ones((1, 3), np.float32)
    assert weighted_sum(outputs, ones).tolist() == [[1.0]]
    assert weighted_sum(outputs[:, ::-1], ones).tolist() == [[1 + 2.0**-23]]
