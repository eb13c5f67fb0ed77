"""Predictions compared, against their definitions written down naively."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from apr.parity.metrics.logits import compare_logits, kl_divergence, log_softmax, top_tokens

F32 = np.ndarray[Any, np.dtype[np.float32]]


def f32(*values: float) -> F32:
    return np.array(values, np.float32)


def naive_kl(a: F32, b: F32) -> float:
    """sum(p_b log(p_b / p_a)), in the plainest way, with exact sums."""
    p, q = ([math.exp(float(v) - float(max(x))) for v in x] for x in (a, b))
    p, q = [v / math.fsum(p) for v in p], [v / math.fsum(q) for v in q]
    return math.fsum(y * math.log(y / x) for x, y in zip(p, q, strict=True))


logits = hnp.arrays(np.float32, st.integers(1, 30), elements=st.floats(-40, 40, width=32))


@settings(max_examples=200, deadline=None)
@given(b=logits, data=st.data())
def test_kl_is_its_definition_and_never_negative(b: F32, data: st.DataObject) -> None:
    scale = np.float32(data.draw(st.sampled_from([0.0, 1e-6, 1e-3, 1.0])))
    moved = b + scale * data.draw(hnp.arrays(np.float32, b.shape, elements=st.floats(-20, 20, width=32)))
    a: F32 = moved.astype(np.float32)
    found = kl_divergence(a, b)
    assert found >= 0
    # the naive sum loses what is below some roundings of log(p), here up to 80
    assert found == pytest.approx(naive_kl(a, b), rel=1e-9, abs=80 * 30 * 2.0**-52)
    if a.tobytes() == b.tobytes():
        assert found == 0


def test_kl_of_a_small_difference_is_not_lost_in_rounding() -> None:
    b = np.random.default_rng(1).standard_normal(50_000).astype(np.float32)
    a = b.copy()
    place = 17
    a[place] += np.float32(1e-5)
    step = float(a[place]) - float(b[place])
    p = math.exp(log_softmax(b.astype(np.float64))[place])
    # second order: half the variance of the step, p (1 - p) step^2 / 2, about 1e-15: a naive sum has nothing left of it
    assert kl_divergence(a, b) == pytest.approx(p * (1 - p) * step * step / 2, rel=1e-4, abs=0)


def test_kl_has_the_reference_in_front() -> None:
    a, b = f32(0, 0), f32(math.log(9), 0)
    assert kl_divergence(a, b) == pytest.approx(0.9 * math.log(1.8) + 0.1 * math.log(0.2), rel=1e-6)
    assert kl_divergence(b, a) == pytest.approx(0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(5), rel=1e-6)


def test_tokens_that_cannot_come() -> None:
    ruled_out, open_ = f32(0, -math.inf), f32(0, 0)
    assert kl_divergence(ruled_out, open_) == math.inf, "the subject rules out what the reference expects"
    assert kl_divergence(open_, ruled_out) == pytest.approx(math.log(2))
    assert kl_divergence(ruled_out, ruled_out) == 0
    assert kl_divergence(f32(0, -math.inf), f32(0, -1000)) == math.inf
    assert kl_divergence(f32(0, -1000), f32(0, -900)) == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_the_worst_position(bad: float) -> None:
    a, b = np.zeros((4, 6), np.float32), np.zeros((4, 6), np.float32)
    b[1, 0] = 30
    a[2, 3] = bad
    for one, other in ((a, b), (b, a)):
        outcome = compare_logits(one, other)
        assert outcome.worst_position == 2
        assert math.isnan(outcome.worst_kl)
        assert math.isnan(outcome.mean_kl)
        assert 2 in outcome.argmax_differs
        assert math.isnan(outcome.argmax_gap[2])
        assert math.isnan(outcome.margin[2])
        assert all(math.isnan(top.share[2]) and not top.same_order[2] for top in outcome.top)
    assert math.isnan(kl_divergence(f32(-math.inf, -math.inf), f32(0, 0))), "nothing can come"


def test_agreement_of_the_likeliest_tokens() -> None:
    b = np.arange(20, dtype=np.float32)[::-1][None].repeat(3, 0).copy()
    a = b.copy()
    a[1, [3, 4]] = a[1, [4, 3]]  # the fourth and the fifth change places
    a[2, [0, 5]] = a[2, [5, 0]]  # the first and the sixth
    outcome = compare_logits(a, b)
    assert [top.k for top in outcome.top] == [1, 5, 10]
    one, five, ten = outcome.top
    assert one.share.tolist() == [1, 1, 0]
    assert five.share.tolist() == [1, 1, 0.8]
    assert ten.share.tolist() == [1, 1, 1]
    assert one.same_order.tolist() == [True, True, False]
    assert five.same_order.tolist() == ten.same_order.tolist() == [True, False, False]
    assert outcome.argmax_differs == (2,)
    assert outcome.argmax_gap.tolist() == [0, 0, 5]
    assert outcome.margin.tolist() == [1, 1, 1]
    assert outcome.worst_position == 2
    assert outcome.kl[0] == 0 < outcome.kl[1] < outcome.kl[2] == outcome.worst_kl
    assert outcome.mean_kl == pytest.approx(outcome.kl.sum() / 3)


def test_the_gap_is_what_the_reference_sees() -> None:
    outcome = compare_logits(f32(0, 9, 1)[None], f32(4, 1, 2)[None])
    assert (outcome.argmax_gap.tolist(), outcome.margin.tolist()) == ([3], [2])


def test_among_equal_logits_the_lower_id_comes_first() -> None:
    assert top_tokens(f32(1, 3, 2, 3, 2, 2), 4).tolist() == [1, 3, 2, 4]
    assert top_tokens(np.tile(f32(0, 1), 500), 10).tolist() == list(range(1, 20, 2)), "also among many"
    outcome = compare_logits(f32(2, 2)[None], f32(2, 2)[None])
    assert outcome.argmax_differs == ()
    assert [top.k for top in outcome.top] == [1, 2]
    assert outcome.margin.tolist() == [0]
    assert compare_logits(f32(2)[None], f32(1)[None]).margin.tolist() == [math.inf]


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    for a, b in ((f32(1), f32(1)), (np.zeros((2, 3)), np.zeros((3, 2))), (np.zeros((0, 3)), np.zeros((0, 3)))):
        with pytest.raises(ValueError, match="are not the same"):
            compare_logits(a, b)
