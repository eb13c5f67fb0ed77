from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, Phase, find, given, settings

from pv.formal.domain import read
from pv.properties import choices
from pv.properties.draw import examples
from pv.properties.simplify import simplified

QUIET = settings(
    max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


def drawn(text: str, count: int = 300) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    @settings(QUIET, max_examples=count, phases=[Phase.generate])
    @given(examples(read(yaml.safe_load(text))))
    def look(values: dict[str, Any]) -> None:
        seen.append(values)

    look()
    return seen


def elements(text: str) -> np.ndarray[Any, Any]:
    return np.concatenate([np.ravel(one["x"]) for one in drawn(text)])


@pytest.mark.parametrize(
    ("entry", "dtype"),
    [
        ("dtype: f32, range: [-1e3, 1e3]", np.float32),
        ("dtype: f32, range: [0.1, 0.3]", np.float32),
        ("dtype: f32, range: [-0.3, -0.1]", np.float32),
        ("dtype: f16, range: [-0.1, 2000]", np.float16),
        ("dtype: f64, range: [0, 1]", np.float64),
        ("dtype: i32, range: [-5, 9]", np.int32),
        ("dtype: i8, range: [3, 100]", np.int8),
        ("dtype: i64, range: [-9, -2]", np.int64),
        ("dtype: u8, range: [1, 15]", np.uint8),
        ("dtype: bf16, range: [-4, 4]", np.float32),
    ],
)
def test_elements_lie_within_their_range_and_reach_its_ends(entry: str, dtype: type) -> None:
    x = elements(f"{{x: {{{entry}, shape: [m, n], m: 1..3, n: 0..80}}}}")
    low, high = map(float, yaml.safe_load(f"{{{entry}}}")["range"])
    assert x.dtype == dtype
    wide = x.astype(np.float64)
    assert wide.min() >= low
    assert wide.max() <= high
    span = high - low
    assert wide.min() - low <= 0.02 * span
    assert high - wide.max() <= 0.02 * span


def test_bfloat16_has_no_low_bits() -> None:
    x = elements("{x: {dtype: bf16, shape: [40], range: [-1e3, 1e3]}}")
    assert not (x.view(np.uint32) & 0xFFFF).any()
    assert len(np.unique(x)) > 100


def test_all_that_is_hard_for_a_kernel_is_among_what_is_drawn() -> None:
    seen = drawn("{x: {dtype: f32, shape: [n], n: 1..64, range: [-1e3, 1e3]}}", 600)
    arrays = [one["x"] for one in seen]
    every = np.concatenate(arrays)
    magnitudes = np.abs(every[every != 0])
    assert (np.signbit(every) & (every == 0)).any()  # -0
    assert ((magnitudes > 0) & (magnitudes < 2.0**-126)).any()  # subnormal numbers
    assert (magnitudes == 1e3).any()  # the ends
    assert ((magnitudes > 1e-12) & (magnitudes < 1e-6)).any()  # by exponent
    assert any(len(np.unique(x)) <= 5 < x.size for x in arrays)  # ties
    outliers = [x for x in arrays if x.size > 8 and np.sort(np.abs(x))[-1] > 100 * np.sort(np.abs(x))[-2] > 0]
    assert outliers
    low_bits = every.view(np.uint32) & 0xFF
    assert len(np.unique(low_bits)) == 256  # whole mantissas, beyond the words that are drawn one by one too
    assert any(len(np.unique(x[32:])) > 8 for x in arrays if x.size > 48)


def test_any_bits_are_any_bits() -> None:
    x = elements("{x: {dtype: f16, shape: [32], bits: any}}")
    assert len(np.unique(x.view(np.uint16))) > 2000
    assert np.isnan(x).any()
    assert len(np.unique(elements("{x: {dtype: u8, shape: [40]}}"))) == 256
    assert len(np.unique(elements("{x: {dtype: f64, shape: [40], bits: any}}").view(np.uint64) & 0xFFFF)) > 1000


def test_numbers_that_are_not_finite_come_where_they_are_asked_for() -> None:
    x = elements("{x: {dtype: f32, shape: [40], range: [-1, 1], nonfinite: true}}")
    assert {np.isnan(x).any(), np.isposinf(x).any(), np.isneginf(x).any()} == {True}
    assert np.isfinite(elements("{x: {dtype: f32, shape: [40], range: [-1, 1]}}")).all()


def test_values_and_sizes_are_chosen_from_their_lists_and_bounds() -> None:
    seen = drawn(
        "{k: [32, 64], n: 2..k // 8, x: {dtype: f32, shape: [n], values: [1, -0.5]}, e: {dtype: f32, values: [1e-5, 1e-6]}, t: {dtype: bool}}"
    )
    assert {one["k"] for one in seen} == {32, 64}
    assert {one["n"] for one in seen if one["k"] == 32} == {2, 3, 4}
    assert {len(one["x"]) for one in seen} == set(range(2, 9))
    assert set(np.unique(np.concatenate([one["x"] for one in seen]))) == {1, -0.5}
    assert {one["e"] for one in seen} == {float(np.float32(1e-5)), float(np.float32(1e-6))}
    assert {one["t"] for one in seen} == {True, False}


def test_distinct_elements_differ() -> None:
    for one in drawn("{x: {dtype: f32, shape: [n], n: 1..64, range: [-4, 4], distinct: true}}"):
        assert len(np.unique(one["x"])) == one["x"].size


def test_scalars_are_numbers_of_python_within_their_range() -> None:
    seen = drawn("{t: {dtype: f32, range: [0.1, 2]}, k: {dtype: i32, range: [1, 9]}}")
    assert all(
        type(one["t"]) is float and 0.1 <= one["t"] <= 2 and float(np.float32(one["t"])) == one["t"] for one in seen
    )
    assert {one["k"] for one in seen} == set(range(1, 10))
    times = [one["t"] for one in seen]
    assert times.count(2) > len(times) // 60
    assert times.count(min(times)) > len(times) // 60


def test_what_fails_is_shrunk_to_few_small_numbers() -> None:
    domain = read(yaml.safe_load("{m: 1..4, n: 1..64, x: {dtype: f32, shape: [m, n], range: [-1e3, 1e3]}}"))

    def fails(one: dict[str, Any]) -> bool:
        return bool((one["x"] > 2).any())

    least = find(examples(domain), fails, settings=QUIET)
    assert least["m"] * least["n"] <= 9  # of what is drawn word by word, and one more
    least = simplified(least, domain, fails)
    assert (least["m"], least["n"]) == (1, 1)
    assert 2 < least["x"][0, 0] <= 100


def test_without_the_engine_that_is_known_the_public_strategies_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "_engine_is_known", lambda: False)
    seen = drawn(
        "{k: [32, 64], n: 1..6, x: {dtype: f32, shape: [n], range: [-4, 4]}, t: {dtype: f32, range: [1, 2]}}", 60
    )
    assert {one["k"] for one in seen} == {32, 64}
    assert {len(one["x"]) for one in seen} == set(range(1, 7))
    assert all(np.abs(one["x"]).max() <= 4 and 1 <= one["t"] <= 2 for one in seen)
    together = choices.made(lambda one: one.repeated(lambda inner: inner.integer(0, 9), 8))
    assert find(together, lambda found: 7 in found, settings=QUIET) == [7]


def test_several_examples_are_made_together_and_one_is_left_when_it_is_shrunk() -> None:
    together = choices.made(lambda one: one.repeated(lambda inner: inner.integer(0, 99), 8))
    lengths: list[int] = []

    @settings(QUIET, phases=[Phase.generate])
    @given(together)
    def look(found: list[int]) -> None:
        lengths.append(len(found))

    look()
    assert sum(lengths) > 7 * len(lengths)
    assert find(together, lambda found: any(one > 41 for one in found), settings=QUIET) == [42]


def test_a_domain_may_be_empty_of_elements() -> None:
    assert {one["x"].shape for one in drawn("{x: {dtype: f32, shape: [n, 3], n: 0..1, range: [0, 1]}}", 60)} == {
        (0, 3),
        (1, 3),
    }
