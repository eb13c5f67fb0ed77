"""Every measure against its formula written down naively, and what is not finite never vanishing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from apr.parity import metrics
from apr.parity.metrics import Accumulator, Difference, compare_arrays

F32 = np.ndarray[Any, np.dtype[np.float32]]


def f32(*values: float) -> F32:
    return np.array(values, np.float32)


def same_number(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or a == b


def naive_abs_diff(a: F32, b: F32) -> list[float]:
    apart = []
    for x, y in zip(a, b, strict=True):
        if x.tobytes() == y.tobytes():
            apart.append(0.0)
        else:
            apart.append(abs(float(x) - float(y)))
    return apart


pairs = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        *(
            hnp.arrays(
                np.float32,
                n,
                elements=st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.1, math.nan, math.inf, -math.inf])
                | st.floats(width=32, allow_nan=True),
            )
            for _ in range(2)
        ),
        st.integers(1, 70),
        st.integers(1, 6),
    )
)


@settings(max_examples=400, deadline=None)
@given(case=pairs)
def test_ranking_counts_and_maximum_are_as_a_plain_loop_finds_them(case: tuple[F32, F32, int, int]) -> None:
    a, b, block, limit = case
    accumulator = Accumulator(None, a.size, limit)
    for start in range(0, a.size, block):
        accumulator.add(a[start : start + block], b[start : start + block])
    outcome = accumulator.finish()
    apart = naive_abs_diff(a, b)
    different = [index for index in range(a.size) if a[index].tobytes() != b[index].tobytes()]
    ranked = sorted(different, key=lambda i: (not math.isnan(apart[i]), 0 if math.isnan(apart[i]) else -apart[i], i))
    assert outcome.n_different == len(different)
    assert outcome.bit_identical == (not different)
    assert [item.index for item in outcome.first] == different[:limit]
    assert [item.index for item in outcome.top] == ranked[:limit]
    assert outcome.max_abs_diff_index == (ranked[0] if ranked else None)
    assert same_number(outcome.max_abs_diff, apart[ranked[0]] if ranked else 0.0)
    assert (outcome.nan_a, outcome.nan_b) == (np.isnan(a).sum(), np.isnan(b).sum())
    assert (outcome.inf_a, outcome.inf_b) == (np.isinf(a).sum(), np.isinf(b).sum())
    agree = [
        (math.isnan(x) and math.isnan(y)) or (math.isinf(x) and x == y) or (math.isfinite(x) and math.isfinite(y))
        for x, y in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert outcome.nonfinite_mismatches == agree.count(False)
    if not outcome.all_finite:
        assert all(math.isnan(value) for value in (outcome.relative_rms, outcome.nmse, outcome.cosine))
    if outcome.nonfinite_mismatches:
        assert not math.isfinite(outcome.rms_diff)
        assert not math.isfinite(outcome.max_abs_diff)


def test_the_measures_are_their_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "BLOCK", 37)
    random = np.random.default_rng(3)
    b = random.standard_normal((11, 13)).astype(np.float32)
    a = b + random.standard_normal(b.shape).astype(np.float32) * np.float32(1e-3)
    outcome = compare_arrays(a, b, b.shape)
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    error = wide_a - wide_b
    assert outcome.count == 143
    assert outcome.rms_diff == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-13)
    assert outcome.relative_rms == pytest.approx(np.sqrt(np.mean(error**2) / np.mean(wide_b**2)), rel=1e-13)
    assert outcome.nmse == pytest.approx(np.mean(error**2) / np.mean(wide_b**2), rel=1e-13)
    assert outcome.cosine == pytest.approx(
        (wide_a * wide_b).sum() / np.linalg.norm(wide_a) / np.linalg.norm(wide_b), rel=1e-13
    )
    by_row = np.sqrt((error**2).sum(1) / (wide_b**2).sum(1))
    assert outcome.worst_position == by_row.argmax()
    assert outcome.worst_position_relative_rms == pytest.approx(by_row.max(), rel=1e-13)
    assert outcome.max_abs_diff == np.abs(error).max()
    # the reference is the denominator, not the subject
    assert compare_arrays(b * 2, b).relative_rms == pytest.approx(1.0, rel=1e-12)
    assert compare_arrays(b, b * 2).relative_rms == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize("block", [1, 2, 3, 5, 7, 12, 100])
def test_rows_are_summed_right_wherever_blocks_end(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "BLOCK", block)
    b = np.ones((4, 3), np.float32)
    a = b.copy()
    a[2] += f32(0.0, 3.0, 4.0)
    outcome = compare_arrays(a, b, (4, 3))
    assert outcome.worst_position == 2
    assert outcome.worst_position_relative_rms == pytest.approx(math.sqrt(25 / 3))


def test_identical_zeros_are_identical_but_their_cosine_is_not_agreement() -> None:
    outcome = compare_arrays(f32(0, 0), f32(0, 0), (1, 2))
    assert outcome == Difference(
        2, bit_identical=True, n_different=0, max_abs_diff=0.0, max_abs_diff_index=None, rms_diff=0.0, relative_rms=0.0,
        nmse=0.0, cosine=0.0, worst_position=0, worst_position_relative_rms=0.0, nan_a=0, nan_b=0, inf_a=0, inf_b=0,
        nonfinite_mismatches=0,
    )  # fmt: skip


def test_against_zeros_the_relative_measures_are_infinite() -> None:
    outcome = compare_arrays(f32(3, 4), f32(0, 0))
    assert (outcome.relative_rms, outcome.nmse, outcome.cosine) == (math.inf, math.inf, 0.0)
    assert outcome.rms_diff == math.sqrt(12.5)


def test_zeros_of_both_signs_differ_in_their_bits_only() -> None:
    outcome = compare_arrays(f32(-0.0, 1), f32(0.0, 1))
    assert not outcome.bit_identical
    assert (outcome.n_different, outcome.max_abs_diff, outcome.rms_diff) == (1, 0.0, 0.0)


def test_nan_with_the_same_payload_is_identical_with_another_it_is_not() -> None:
    quiet = np.array([0x7FC00000, 0x3F800000], np.uint32).view(np.float32)
    other = np.array([0x7FC00001, 0x3F800000], np.uint32).view(np.float32)
    same = compare_arrays(quiet, quiet.copy())
    assert same.bit_identical
    assert (same.max_abs_diff, same.rms_diff, same.nonfinite_mismatches) == (0.0, 0.0, 0)
    assert math.isnan(same.relative_rms)
    apart = compare_arrays(quiet, other)
    assert (apart.bit_identical, apart.n_different, apart.nonfinite_mismatches) == (False, 1, 0)
    assert math.isnan(apart.max_abs_diff)


@pytest.mark.parametrize(
    ("a", "b"), [(math.nan, 1.0), (1.0, math.nan), (math.inf, 1.0), (1.0, math.inf), (math.inf, -math.inf)]
)
def test_one_bad_value_among_many_is_seen(a: float, b: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "BLOCK", 10)
    subject, reference = np.ones((5, 20), np.float32), np.ones((5, 20), np.float32)
    subject[3, 7], reference[3, 7] = a, b
    outcome = compare_arrays(subject, reference, (5, 20))
    assert outcome.nonfinite_mismatches == 1
    assert outcome.max_abs_diff_index == 67
    assert not math.isfinite(outcome.rms_diff)
    assert math.isnan(outcome.relative_rms)
    assert math.isnan(outcome.cosine)
    assert outcome.worst_position == 3
    assert outcome.worst_position_relative_rms is not None
    assert math.isnan(outcome.worst_position_relative_rms)


def test_ties_go_to_the_lower_index_and_nan_comes_before_infinity() -> None:
    a, b = f32(1, 1, math.inf, 1, math.nan, 1, math.nan), np.zeros(7, np.float32)
    assert [item.index for item in compare_arrays(a, b, limit=5).top] == [4, 6, 2, 0, 1]


def test_arrays_of_different_precision_are_compared_as_doubles() -> None:
    assert compare_arrays(f32(0.5), np.array([0.5])).bit_identical
    assert compare_arrays(f32(0.1), np.array([0.1])).n_different == 1


def test_doubles_too_large_to_square_are_told_not_hidden() -> None:
    outcome = compare_arrays(np.array([1e200, 1.0]), np.array([1e200, 2.0]))
    assert outcome.all_finite
    assert math.isnan(outcome.cosine)
    assert math.isnan(outcome.relative_rms)


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        compare_arrays(f32(1), f32(1, 2))
    with pytest.raises(ValueError, match="do not have the shape"):
        compare_arrays(f32(1, 2), f32(1, 2), (3, 1))
    accumulator = Accumulator(count=3)
    accumulator.add(f32(1), f32(1))
    with pytest.raises(ValueError, match="3 elements were announced, 1 came"):
        accumulator.finish()
    with pytest.raises(ValueError, match="do not belong together"):
        accumulator.add(f32(1), f32(1, 2))
    with pytest.raises(ValueError, match="do not divide"):
        Accumulator(rows=2, count=3)


def test_nothing_compared_is_no_difference_but_says_so() -> None:
    outcome = compare_arrays(f32(), f32(), (0, 4))
    assert (outcome.count, outcome.bit_identical, outcome.rms_diff, outcome.cosine) == (0, True, 0.0, 0.0)
