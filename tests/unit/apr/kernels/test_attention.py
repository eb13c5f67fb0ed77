"""Attention under the names of the library: by hand, as a forward pass computes it, and where it has to refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr import kernels
from apr.engines.reference import Reference
from apr.formats.gguf import read_gguf
from apr.ops.arithmetic import F32
from apr.ops.attention import attend, repeat_heads, window_mask
from apr.ops.flash import attend_in_blocks
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

TOKENS = [4, 30, 77, 4, 5, 6, 200]


def drawn(seed: int, queries: int, keys: int, heads: int, shared: int, width: int) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    shapes = ((queries, heads, width), (keys, shared, width), (keys, shared, width))
    q, k, v = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    return q, k, v


def in_float64(q: Floats, k: Floats, v: Floats, scale: float, seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The formula, head by head and query by query."""
    out = np.zeros((len(q), q.shape[1], v.shape[2]))
    for i in range(len(q)):
        for h in range(q.shape[1]):
            g = h // (q.shape[1] // k.shape[1])
            weights = np.array([np.exp(scale * float(q[i, h].astype(np.float64) @ key[g])) for key in k]) * seen[i]
            out[i, h] = weights / weights.sum() @ v[:, g].astype(np.float64)
    return out


def distance(queries: int, keys: int) -> NDArray[np.intp]:
    out: NDArray[np.intp] = np.arange(keys - queries, keys)[:, None] - np.arange(keys)
    return out


def test_two_positions_by_hand() -> None:
    q = np.array([[[0.0]], [[np.log(3.0)]]], np.float32)
    k = np.array([[[0.0]], [[1.0]]], np.float32)
    v = np.array([[[8.0]], [[4.0]]], np.float32)
    # the second query has scores 0 and ln 3: weights 1/4 and 3/4
    np.testing.assert_allclose(kernels.attention(q, k, v, 1.0)[:, 0, 0], [8, 5], rtol=1e-6)
    np.testing.assert_allclose(kernels.attention_full(q, k, v, 1.0)[:, 0, 0], [6, 5], rtol=1e-6)
    np.testing.assert_allclose(kernels.attention_weights(q, k, 1.0)[0], np.array([[1, 0], [0.25, 0.75]]), rtol=1e-6)
    np.testing.assert_allclose(kernels.sliding_window_attention(q, k, v, 1.0, 1)[:, 0, 0], [8, 4], rtol=1e-6)
    np.testing.assert_allclose(kernels.flash_attention(q, k, v, 1.0, 1)[:, 0, 0], [8, 5], rtol=1e-6)


def test_the_scale_is_one_over_the_root() -> None:
    assert kernels.head_scale(64) == 0.125
    assert kernels.head_scale(128) == pytest.approx(0.08838834764831845, rel=1e-15)


@pytest.mark.parametrize(("queries", "keys", "heads", "shared"), [(33, 33, 6, 2), (5, 40, 4, 4), (1, 70, 3, 1)])
def test_many_positions_against_float64(queries: int, keys: int, heads: int, shared: int) -> None:
    q, k, v = drawn(keys, queries, keys, heads, shared, 16)
    away, scale = distance(queries, keys), kernels.head_scale(16)
    wanted = in_float64(q, k, v, scale, away >= 0)
    np.testing.assert_allclose(kernels.grouped_attention(q, k, v, scale), wanted, atol=2e-6)
    wide_k, wide_v = repeat_heads(k, heads), repeat_heads(v, heads)
    for block in (1, 7, 32, 100):
        np.testing.assert_allclose(kernels.flash_attention(q, wide_k, wide_v, scale, block), wanted, atol=2e-6)
    near = in_float64(q, k, v, scale, (away >= 0) & (away < 9))
    np.testing.assert_allclose(kernels.sliding_window_attention(q, wide_k, wide_v, scale, 9), near, atol=2e-6)
    np.testing.assert_allclose(kernels.flash_window_attention(q, wide_k, wide_v, scale, 9, 4), near, atol=2e-6)


def test_values_may_be_of_another_width() -> None:
    q, k, _ = drawn(1, 3, 3, 2, 2, 8)
    v = np.ones((3, 2, 5), np.float32)
    for got in (kernels.attention(q, k, v, 0.5), kernels.flash_attention(q, k, v, 0.5, 2)):
        assert got.shape == (3, 2, 5)
        np.testing.assert_allclose(got, 1, rtol=1e-6)


def test_heads_that_cannot_be_shared_evenly_are_refused() -> None:
    q, k, v = drawn(2, 2, 2, 4, 3, 4)
    with pytest.raises(ValueError, match="4 heads of queries cannot share 3 heads of keys evenly"):
        kernels.grouped_attention(q, k, v, 0.5)
    with pytest.raises(ValueError, match="evenly"):
        kernels.cached_attention(q, k, v, 0.5, np.ones(2, np.bool_))


@pytest.mark.parametrize("block", [0, -3])
def test_blocks_without_keys_are_refused(block: int) -> None:
    q, k, v = drawn(3, 2, 2, 1, 1, 4)
    with pytest.raises(ValueError, match=f"a block of {block} keys"):
        kernels.flash_attention(q, k, v, 0.5, block)


def test_a_query_that_sees_nothing_has_no_result() -> None:
    q, k, v = drawn(4, 2, 6, 1, 1, 4)
    mask = np.array([[False] * 6, [False, True, True, False, False, False]])
    with np.errstate(invalid="ignore"):
        plain, blocks = attend(q, k, v, mask, 0.5), attend_in_blocks(q, k, v, mask, 0.5, 2)
    assert np.isnan(plain[0]).all()
    assert np.isnan(blocks[0]).all()
    np.testing.assert_allclose(blocks[1], plain[1], rtol=1e-6)


def test_blocks_that_nobody_sees_are_not_read() -> None:
    q, k, v = drawn(5, 1, 8, 1, 1, 4)
    wanted = kernels.flash_window_attention(q, k, v, 0.5, 2, 2)
    k[:6], v[:6] = np.nan, np.nan
    assert (kernels.flash_window_attention(q, k, v, 0.5, 2, 2) == wanted).all()


def test_a_window_is_a_position_and_those_before_it() -> None:
    seen = window_mask(np.array([3, 4]), np.arange(6), 2)
    assert seen.tolist() == [[False, False, True, True, False, False], [False, False, False, True, True, False]]


def test_how_arrays_lie_in_memory_does_not_matter() -> None:
    q, k, v = drawn(7, 1, 9, 2, 2, 5)
    far_q, far_k, far_v = (np.repeat(x, 2, axis=-1)[..., ::2] for x in (q, k, v))
    assert not far_k.flags.c_contiguous
    assert (kernels.attention(far_q, far_k, far_v, 0.5) == kernels.attention(q, k, v, 0.5)).all()
    assert (kernels.flash_attention(far_q, far_k, far_v, 0.5, 4) == kernels.flash_attention(q, k, v, 0.5, 4)).all()
    assert (kernels.attention_weights(far_q, far_k, 0.5) == kernels.attention_weights(q, k, 0.5)).all()


@pytest.mark.parametrize("ends", [[0] * 7, [1] * 7, [0, 0, 1, 0, 0, 0, 0], [1, 0, 0, 1, 1, 0, 1]])
def test_passes_over_a_cache_agree_with_one(ends: list[int]) -> None:
    q, k, v = drawn(6, 7, 7, 4, 2, 8)
    wanted = in_float64(q, k, v, 0.25, distance(7, 7) >= 0)
    got = kernels.cached_attention(q, k, v, 0.25, np.array(ends, np.bool_))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, atol=1e-6)


def stages_of(path: Path) -> tuple[Reference, Any]:
    engine = Reference(read_gguf(path), F32)
    return engine, engine.capture(TOKENS)


def test_a_forward_pass_attends_as_the_kernels_do(tiny_llama: Callable[..., Path]) -> None:
    engine, stages = stages_of(tiny_llama())
    width = engine.model.config.head_dim
    q, k = (stages[StageKey(f"{part}_post_rope", 1)].reshape(len(TOKENS), -1, width) for part in "qk")
    v = stages[StageKey("qkv_matmul", 1)][:, -k.shape[1] * width :].reshape(k.shape)
    wanted = stages[StageKey("attention", 1)].reshape(q.shape)
    scale = kernels.head_scale(width)
    assert q.shape[1] > k.shape[1]
    assert (kernels.grouped_attention(q, k, v, scale) == wanted).all()
    assert (kernels.cached_attention(q, k, v, scale, np.zeros(len(TOKENS), np.bool_)) == wanted).all()


def test_a_forward_pass_normalises_heads_as_the_kernel_does(tiny_model: Callable[..., Path]) -> None:
    engine, stages = stages_of(tiny_model("qwen3"))
    config = engine.model.config
    plain = stages[StageKey("qkv_matmul", 0)][:, : config.q_width].reshape(len(TOKENS), -1, config.head_dim)
    weight = engine.model.weights.dequantised("blk.0.attn_q_norm.weight")
    got = kernels.qk_norm(plain, weight, config.epsilon)
    assert (got.reshape(len(TOKENS), -1) == stages[StageKey("q_norm", 0)]).all()
    assert np.ptp(weight) > 0
