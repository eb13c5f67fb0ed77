"""Every measure against its formula written down naively, and what is not finite never vanishing."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from apr.parity.metrics import Accumulator, Difference, Profiles, compare_arrays, compare_with_profiles, profiles, tiles
from apr.parity.metrics.formulas import channel_relative_rms

# Fast sums of squares are right to gamma_(SEGMENT + 2), sums by column to gamma_(rows + 2), mixed ones to gamma_(WIDE + 1) of their
# magnitudes, gamma_k = k u / (1 - k u), u = 2^-24; derived in apr.parity.metrics.tiles. A relative RMS is the root of a ratio of two.
U = 2.0**-24


def gamma(k: int) -> float:
    return k * U / (1 - k * U)


SQUARES = gamma(tiles.SEGMENT + 2)
MIXED = gamma(tiles.WIDE + 1)

F32 = np.ndarray[Any, np.dtype[np.float32]]


def exactly(a: F32, b: F32) -> dict[str, Any]:
    """Every measure of two finite [rows, columns] as its formula says, in float64."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    d = x - y
    power, powers = (y * y).sum(), (y * y).sum(0)
    places = [
        np.where(v.view(np.uint32) < 0x8000_0000, 1, -1) * (v.view(np.uint32) & 0x7FFF_FFFF).astype(np.int64)
        for v in (a, b)
    ]
    with np.errstate(all="ignore"):
        rows = np.sqrt((d * d).sum(1) / (y * y).sum(1))
        usual = np.sort(powers[powers > 0])
        columns = np.sqrt((d * d).sum(0) / np.maximum(powers, usual[usual.size // 2] if usual.size else 0))
        rows[~(d != 0).any(1)], columns[~(d != 0).any(0)] = 0, 0
        return {
            "relative_rms": np.sqrt((d * d).sum() / power) if power else math.inf if d.any() else 0.0,
            "rms": np.sqrt((d * d).mean()),
            "cosine": (x * y).sum() / np.sqrt((x * x).sum() * power) if x.any() and y.any() else 0.0,
            "max": np.abs(d).max(),
            "ulp": np.abs(places[0] - places[1]).max(),
            "rows": rows,
            "columns": columns,
            "row_max": np.abs(d).max(1),
        }


def close(found: Any, true: Any, bound: float, floor: Any = 0.0) -> bool:
    found, true = np.asarray(found), np.asarray(true)
    finite = np.where(np.isfinite(found) & np.isfinite(true), found, 0), np.where(np.isfinite(true), true, 0)
    near = np.isfinite(found) & np.isfinite(true) & (np.abs(finite[0] - finite[1]) <= bound * finite[1] + floor)
    return bool(np.all((found == true) | near))


def agrees_with_the_formulas(a: F32, b: F32, outcome: Difference, found: Profiles) -> None:
    true = exactly(a, b)
    by_column = max(SQUARES, gamma(len(a) + 2))
    assert close(outcome.relative_rms, true["relative_rms"], SQUARES)
    assert close(outcome.rms_diff, true["rms"], SQUARES)
    assert abs(outcome.cosine - true["cosine"]) <= 4 * MIXED * min(outcome.nmse, 1) + 1e-15
    assert outcome.max_abs_diff == true["max"]
    assert outcome.max_ulp == true["ulp"]
    assert outcome.n_different == np.count_nonzero(a.view(np.uint32) != b.view(np.uint32))
    # what is squared away is below 2^-33 of the reference, an element
    assert close(found.position_relative_rms, true["rows"], SQUARES, 2.0**-33 * math.sqrt(a.shape[1]))
    assert close(found.channel_relative_rms, true["columns"], by_column, 2.0**-33 * math.sqrt(len(a)))
    assert close(found.position_max_abs, true["row_max"], 3 * U, 2.0**-149)
    assert found.worst_position == int(np.argmax(found.position_relative_rms)) == outcome.worst_position
    assert found.worst_channel == int(np.argmax(found.channel_relative_rms)) == outcome.worst_channel
    assert found.worst_position_relative_rms == outcome.worst_position_relative_rms
    assert found.worst_channel_relative_rms == outcome.worst_channel_relative_rms


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


@settings(max_examples=120, deadline=None)
@given(case=pairs)
def test_ranking_counts_and_maximum_are_as_a_plain_loop_finds_them(case: tuple[F32, F32, int, int]) -> None:
    a, b, block, limit = case
    for rows in (None, *(rows for rows in (1, 2, 3, 5, a.size) if a.size % rows == 0)):
        with mock.patch.object(tiles, "TILE", 2 * block), mock.patch.object(tiles, "WIDE", block):
            check_ranking(a, b, block, limit, rows)


def check_ranking(a: F32, b: F32, block: int, limit: int, rows: int | None) -> None:
    accumulator = Accumulator(rows, a.size, limit)
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
    monkeypatch.setattr(tiles, "TILE", 37)
    random = np.random.default_rng(3)
    b = random.standard_normal((11, 13)).astype(np.float32)
    a = b + random.standard_normal(b.shape).astype(np.float32) * np.float32(1e-3)
    outcome = compare_arrays(a, b, b.shape)
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    error = wide_a - wide_b
    assert outcome.count == 143
    assert outcome.rms_diff == pytest.approx(np.sqrt(np.mean(error**2)), rel=SQUARES)
    assert outcome.relative_rms == pytest.approx(np.sqrt(np.mean(error**2) / np.mean(wide_b**2)), rel=SQUARES)
    assert outcome.nmse == pytest.approx(np.mean(error**2) / np.mean(wide_b**2), rel=2 * SQUARES)
    cosine = (wide_a * wide_b).sum() / np.linalg.norm(wide_a) / np.linalg.norm(wide_b)
    assert outcome.cosine == pytest.approx(cosine, abs=3 * MIXED * outcome.nmse + 1e-15, rel=0)
    by_row = np.sqrt((error**2).sum(1) / (wide_b**2).sum(1))
    assert outcome.worst_position == by_row.argmax()
    assert outcome.worst_position_relative_rms == pytest.approx(by_row.max(), rel=SQUARES)
    by_channel = np.sqrt((error**2).mean(0)) / np.maximum(
        np.sqrt((wide_b**2).mean(0)), np.median(np.sqrt((wide_b**2).mean(0)))
    )
    assert outcome.worst_channel == by_channel.argmax()
    assert outcome.worst_channel_relative_rms == pytest.approx(by_channel.max(), rel=SQUARES)
    assert outcome.max_abs_diff == np.abs(error).max()
    # the reference is the denominator, not the subject
    assert compare_arrays(b * 2, b).relative_rms == pytest.approx(1.0, rel=SQUARES)
    assert compare_arrays(b, b * 2).relative_rms == pytest.approx(0.5, rel=SQUARES)


@pytest.mark.parametrize("block", [1, 2, 3, 5, 7, 12, 100])
def test_rows_are_summed_right_wherever_blocks_end(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "TILE", block)
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
        nonfinite_mismatches=0, max_ulp=0, worst_channel=0, worst_channel_relative_rms=0.0,
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
    monkeypatch.setattr(tiles, "TILE", 10)
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


def test_doubles_too_small_to_square_are_told_not_hidden() -> None:
    for scale in (1e-140, 1e-162, 1e-170, 1e-300):
        b = np.full((3, 4), scale)
        outcome, found = compare_with_profiles(2 * b, b)
        assert not outcome.bit_identical
        for value in (outcome.relative_rms, outcome.nmse, outcome.rms_diff, *found.position_relative_rms):
            assert math.isnan(value), scale
        assert np.isnan(found.channel_relative_rms).all()
        same, found = compare_with_profiles(b, b.copy())
        assert (same.relative_rms, found.worst_position_relative_rms, found.worst_channel_relative_rms) == (0, 0, 0)
    outcome, found = compare_with_profiles(np.full((3, 4), 2e-130), np.full((3, 4), 1e-130))
    assert outcome.relative_rms == found.worst_position_relative_rms == found.worst_channel_relative_rms == 1
    # against zeros the distance is infinite as long as there is one, and in a row beside others only that row is not known
    outcome, _ = compare_with_profiles(np.full((2, 2), 1e-100), np.zeros((2, 2)))
    assert outcome.relative_rms == math.inf
    b = np.ones((3, 4))
    b[1] = 1e-200
    a = b.copy()
    a[1] *= 2
    for block in (1, 5, 12):
        accumulator = Accumulator(3, 12, 1)
        for start in range(0, 12, block):
            accumulator.add(a.reshape(-1)[start : start + block], b.reshape(-1)[start : start + block])
        assert accumulator.finish().relative_rms == 0, "beside ones it counts for nothing"
        assert [math.isnan(value) for value in accumulator.profiles().position_relative_rms] == [False, True, False]


@pytest.mark.parametrize("scale", [2.0**-55, 2.0**-50, 2.0**-31])
@pytest.mark.parametrize("error", [2.0**-20, 2.0**-10])
def test_small_rows_and_columns_lose_nothing_to_float32(scale: float, error: float) -> None:
    b = np.ones((6, 64), np.float32)
    b[2], b[:, 7] = scale, scale
    a = b * np.float32(1 + error)
    outcome, found = compare_with_profiles(a, b)
    agrees_with_the_formulas(a, b, outcome, found)
    # relative to the row itself: what vanishes beside ones does not count, here it would be all there is
    assert found.position_relative_rms[2] == pytest.approx(error, rel=SQUARES, abs=0)
    assert found.channel_error[7] == pytest.approx(6 * (error * scale) ** 2, rel=gamma(8), abs=0)
    alone, found = compare_with_profiles(a[2:3], b[2:3])
    assert alone.relative_rms == pytest.approx(error, rel=SQUARES, abs=0)


def test_columns_near_zero_are_taken_exactly_in_tiles_that_agree_too() -> None:
    random = np.random.default_rng(5)
    b = random.standard_normal((4800, 128)).astype(np.float32)
    b[:, :80] *= np.float32(1e-24)
    b[:, 0] = np.float32(1e-24)
    a = b.copy()
    a[-2:, 0] += np.float32(3e-23)  # the other tiles agree in every bit
    assert a.size > 2 * tiles.TILE
    found = profiles(a, b)
    true = exactly(a, b)["columns"]
    assert found.worst_channel == 0
    assert found.worst_channel_relative_rms == pytest.approx(true[0], rel=gamma(len(a) + 2), abs=0)
    assert found.channel_power[:80] == pytest.approx((b[:, :80].astype(np.float64) ** 2).sum(0), rel=1e-12, abs=0)


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        compare_arrays(f32(1), f32(1, 2))
    with pytest.raises(ValueError, match="do not have the shape"):
        compare_arrays(f32(1, 2), f32(1, 2), (3, 1))
    accumulator = Accumulator(count=3)
    accumulator.add(f32(1), f32(1))
    with pytest.raises(ValueError, match="3 elements were announced, 1 came"):
        accumulator.finish()
    with pytest.raises(ValueError, match="more came"):
        accumulator.add(f32(1, 2, 3), f32(1, 2, 3))
    with pytest.raises(ValueError, match="do not belong together"):
        accumulator.add(f32(1), f32(1, 2))
    with pytest.raises(ValueError, match="do not divide"):
        Accumulator(rows=2, count=3)


def test_nothing_compared_is_no_difference_but_says_so() -> None:
    outcome = compare_arrays(f32(), f32(), (0, 4))
    assert (outcome.count, outcome.bit_identical, outcome.rms_diff, outcome.cosine) == (0, True, 0.0, 0.0)


def noisy(shape: tuple[int, int], noise: float, seed: int = 1) -> tuple[F32, F32]:
    random = np.random.default_rng(seed)
    b = random.standard_normal(shape).astype(np.float32)
    return (b * (1 + noise * random.standard_normal(shape))).astype(np.float32), b


@pytest.mark.parametrize("shape", [(7, 1536), (300, 64), (3, 5000), (128, 577), (1, 40_000), (2000, 3)])
@pytest.mark.parametrize("noise", [1e-7, 1e-3, 0.2, 3.0])
def test_large_arrays_agree_with_the_formulas_in_float64(shape: tuple[int, int], noise: float) -> None:
    a, b = noisy(shape, noise)
    agrees_with_the_formulas(a, b, *compare_with_profiles(a, b))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_numbers_and_any_split_agree_with_the_formulas(data: st.DataObject) -> None:
    rows, width = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 9))
    scale = data.draw(st.sampled_from([1e-44, 1e-30, 1e-20, 1e-12, 1.0, 1e12, 1e18, 1e37]))
    number = st.floats(-1, 1, width=32) | st.sampled_from([0.0, -0.0, 1e-10, 1.0])
    numbers = hnp.arrays(np.float32, (rows, width), elements=number)
    b = data.draw(numbers) * np.float32(scale)
    a = b + data.draw(numbers) * np.float32(scale) * np.float32(data.draw(st.sampled_from([0, 1e-7, 1e-3, 1, 10])))
    if data.draw(st.booleans()):
        a = a * data.draw(hnp.arrays(np.float32, (rows, 1), elements=st.sampled_from([1.0, 1e-25, 0.0])))
        b = b * data.draw(hnp.arrays(np.float32, (1, width), elements=st.sampled_from([1.0, 1e-25, 0.0])))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return
    tile, wide = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 20))
    cuts = sorted(data.draw(st.lists(st.integers(0, a.size), max_size=6)))
    with mock.patch.object(tiles, "TILE", tile), mock.patch.object(tiles, "WIDE", wide):
        whole = Accumulator(rows, a.size, 3)
        whole.add(a.reshape(-1), b.reshape(-1))
        split = Accumulator(rows, a.size, 3)
        for start, end in itertools.pairwise([0, *cuts, a.size]):
            split.add(a.reshape(-1)[start:end], b.reshape(-1)[start:end])
        for one in (whole, split):
            agrees_with_the_formulas(a, b, one.finish(), one.profiles())
    first, second = whole.finish(), split.finish()
    for name in ("n_different", "bit_identical", "max_abs_diff", "max_abs_diff_index", "first", "top", "max_ulp"):
        assert getattr(first, name) == getattr(second, name), name


@pytest.mark.parametrize("rows", [None, 40])
def test_blocks_that_end_anywhere_find_the_same_places(rows: int | None) -> None:
    a, b = noisy((40, 3000), 1e-4)
    a[17, 2999], a[18, 0] = b[17, 2999] + 2, b[18, 0] + 2  # both about as far off, in neighbouring rows
    whole = compare_arrays(a, b, a.shape if rows else None, limit=20)
    accumulator = Accumulator(rows, a.size, 20)
    for start in range(0, a.size, 7001):
        accumulator.add(a.reshape(-1)[start : start + 7001], b.reshape(-1)[start : start + 7001])
    split = accumulator.finish()
    assert (split.first, split.top, split.max_ulp) == (whole.first, whole.top, whole.max_ulp)
    different = np.flatnonzero(a != b)
    apart = np.abs(a.astype(np.float64) - b).reshape(-1)
    assert [item.index for item in whole.first] == different[:20].tolist()
    assert [item.index for item in whole.top] == sorted(different.tolist(), key=lambda i: (-apart[i], i))[:20]
    assert split.relative_rms == pytest.approx(whole.relative_rms, rel=2 * SQUARES)


def test_ties_in_float32_are_ranked_by_their_difference_in_float64() -> None:
    b = np.zeros(3000, np.float32)
    a = np.zeros(3000, np.float32)
    b[[100, 2000]] = 1.0, 1.0
    # 1 + 2^-30 and 1 + 2^-28 are both 1 in float32
    a[100], a[2000] = -(2.0**-30), -(2.0**-28)
    for rows in (None, 3):
        outcome = compare_arrays(a, b, (3, 1000) if rows else None, limit=2)
        assert [item.index for item in outcome.top] == [2000, 100]
        assert compare_arrays(a, b, limit=1).max_abs_diff == 1 + 2.0**-28


STEPS = [
    (1.0, float(np.nextafter(np.float32(1), np.float32(2))), 1), (0.0, -0.0, 0), (1e-45, -1e-45, 2), (0.0, 1e-45, 1), (1.0, 2.0, 1 << 23),
    (1.0, -1.0, 2 * 0x3F80_0000), (3.4028234663852886e38, math.inf, 1), (math.inf, -math.inf, 2 * 0x7F80_0000), (1.5, 1.5, 0),
    (-3.0, -3.0000002384185791, 1),
]  # fmt: skip


@pytest.mark.parametrize(("x", "y", "steps"), STEPS)
def test_ulp_counts_the_float32_numbers_in_between(x: float, y: float, steps: int) -> None:
    for a, b in ((f32(x), f32(y)), (f32(y), f32(x))):
        found = compare_arrays(a, b).max_ulp
        assert (found, type(found)) == (steps, int)
        # among others, one of which is a step apart
        rest = np.full(500, 2.0, np.float32)
        other = rest.copy()
        other[7] = np.nextafter(np.float32(2), np.float32(3))
        assert compare_arrays(np.append(rest, a), np.append(other, b)).max_ulp == max(steps, 1)


@pytest.mark.parametrize("limit", [1, 2])
def test_a_later_tile_that_is_one_rounding_further_off_is_the_greatest(limit: int) -> None:
    b = np.zeros((6, 4), np.float32)
    a = b.copy()
    a[0, 1:3] = 1
    a[4, 2] = np.nextafter(np.float32(1), np.float32(2))
    with mock.patch.object(tiles, "TILE", 8):
        top = compare_arrays(a, b, a.shape, limit=limit).top
    assert [one.index for one in top] == [18, 1][:limit]


def test_differences_whose_squares_vanish_are_seen() -> None:
    b = np.ones((3, 4), np.float32)
    b[1] = 1, 1e-30, 0, 1
    a = b.copy()
    a[1, 1], a[1, 2] = 3e-30, 1e-38
    outcome, found = compare_with_profiles(a, b)
    assert found.position_max_abs.tolist() == [0, pytest.approx(2e-30, rel=1e-6, abs=0), 0]
    assert (outcome.max_abs_diff_index, outcome.n_different) == (5, 2)
    assert outcome.relative_rms < 2.0**-33, "may vanish beside ones, and says so"


def test_ulp_of_nan_is_nan_and_of_doubles_is_not_known() -> None:
    found = compare_arrays(f32(math.nan, 1), f32(2, 1)).max_ulp
    assert found is not None
    assert math.isnan(found)
    assert compare_arrays(f32(math.nan, 1), f32(math.nan, 2)).max_ulp == 1 << 23
    assert compare_arrays(np.ones(3), np.ones(3)).max_ulp is None
    assert compare_arrays(f32(1), np.ones(1)).max_ulp is None
    accumulator = Accumulator(limit=1)
    for value in (math.nan, 1.0):  # a later block does not wash it out
        accumulator.add(f32(value), f32(3))
    found = accumulator.finish().max_ulp
    assert found is not None
    assert math.isnan(found)


def test_one_bad_channel_stands_out_whatever_the_others_size() -> None:
    a, b = noisy((64, 200), 1e-6)
    size = np.ones(200, np.float32)
    size[3], size[4], size[5] = 3000, 1e-6, 0  # a massive channel, one near zero, a dead one
    b, a = b * size, a * size
    a[:, 4] += np.float32(1e-9)  # a thousandth of a channel near zero, nothing beside the others
    a[:, 120] *= np.float32(1.01)
    outcome, found = compare_with_profiles(a, b)
    assert outcome.worst_channel == 120
    assert outcome.worst_channel_relative_rms == pytest.approx(
        0.01 / max(1, float(np.median(b.std(0)) / b[:, 120].std())), rel=0.1
    )
    assert found.channel_relative_rms[4] < 1e-8
    assert found.channel_relative_rms[5] == 0
    assert outcome.relative_rms < 1e-4
    b[:, 5] = 0
    a[:, 5] = 1e-30
    dead = profiles(a, b).channel_relative_rms[5]
    assert 0 < dead < 1e-20, "a channel that should be silent and is not has a distance"


def test_channels_of_zeros_alone_have_no_usual_one() -> None:
    assert channel_relative_rms(np.array([0.0, 1.0]), np.zeros(2)).tolist() == [0.0, math.inf]


def test_a_nan_marks_its_row_and_its_column_and_nothing_else() -> None:
    a, b = noisy((50, 60), 1e-5)
    a[20, 30] = math.nan
    outcome, found = compare_with_profiles(a, b)
    assert np.flatnonzero(np.isnan(found.position_relative_rms)).tolist() == [20] == [outcome.worst_position]
    assert np.flatnonzero(np.isnan(found.channel_relative_rms)).tolist() == [30] == [outcome.worst_channel]
    assert np.flatnonzero(np.isnan(found.position_max_abs)).tolist() == [20]
    same = compare_with_profiles(a, a.copy())[1]
    assert np.flatnonzero(np.isnan(same.position_relative_rms)).tolist() == [20], "the same NaN is still no agreement"
    assert not same.position_max_abs.any()


def test_the_cosine_of_a_small_difference_is_not_lost_in_rounding() -> None:
    a, b = noisy((128, 1536), 1e-6)
    assert 1 - compare_arrays(a, b).cosine == pytest.approx(0.5e-12, rel=0.02, abs=0)
    assert compare_arrays(b * np.float32(1.25), b).cosine == pytest.approx(1, abs=MIXED * 0.0625)
    assert compare_arrays(-b, b).cosine == pytest.approx(-1, abs=2 * MIXED)
    assert compare_arrays(np.zeros_like(b), b).cosine == 0


def test_profiles_need_rows_and_something_in_them() -> None:
    for a in (f32(1), np.zeros((0, 3), np.float32)):
        with pytest.raises(ValueError, match="are not the same"):
            compare_with_profiles(a, a)
    with pytest.raises(ValueError, match="without rows"):
        Accumulator().profiles()
    accumulator = Accumulator(1, 1)
    accumulator.add(f32(1), f32(1))
    accumulator.profiles()
    with pytest.raises(ValueError, match="has been taken"):
        accumulator.add(f32(), f32())


def test_comparing_needs_no_memory_that_grows() -> None:
    a, b = noisy((128, 20_000), 1e-4)
    compare_with_profiles(a, b)
    tracemalloc.start()
    compare_with_profiles(a, b)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # sums by column and what is made of them, the scratch of a tile, and a tile's candidates
    assert peak < 8 * 20_000 * 12 + 2_000_000 < a.nbytes / 2
