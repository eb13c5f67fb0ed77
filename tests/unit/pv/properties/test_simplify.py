from __future__ import annotations

from typing import Any

import numpy as np
import yaml

from pv.formal.domain import Domain, read
from pv.properties.simplify import simplified


def domain(text: str) -> Domain:
    return read(yaml.safe_load(text))


MATRIX = domain(
    "{m: 1..4, n: 2..50, x: {dtype: f32, shape: [m, n], range: [-1000, 1000]}, t: {dtype: f64, range: [0.5, 9]}}"
)


def example(m: int, n: int, **more: Any) -> dict[str, Any]:
    x = np.random.default_rng(3).uniform(-1000, 1000, (m, n)).astype(np.float32)
    return {"m": m, "n": n, "x": x, "t": 3.14159, **more}


def test_sizes_and_numbers_become_as_small_as_the_failure_allows() -> None:
    found = simplified(example(4, 37), MATRIX, lambda one: bool((one["x"] > 421.5).any()))
    assert (found["m"], found["n"]) == (1, 2)
    assert found["x"].min() == 0
    assert len(repr(float(found["x"].max()))) <= 5
    assert found["t"] == 1.0


def test_what_is_found_fails_and_lies_in_the_domain() -> None:
    seen: list[bool] = []

    def fails(one: dict[str, Any]) -> bool:
        seen.append(one["x"].shape == (one["m"], one["n"]) and one["n"] >= 2 and 0.5 <= one["t"] <= 9)
        return bool(np.abs(one["x"]).sum() > 900)

    found = simplified(example(3, 20), MATRIX, fails)
    assert all(seen)
    assert np.abs(found["x"]).sum() > 900


def test_an_example_that_is_as_simple_as_can_be_stays_itself() -> None:
    given = {"m": 1, "n": 2, "x": np.zeros((1, 2), np.float32), "t": 1.0}
    assert simplified(given, MATRIX, lambda _one: True) is given


def test_what_cannot_be_cut_or_chosen_is_left_alone() -> None:
    tied = domain(
        "{k: [32, 64], x: {dtype: u8, shape: [k // 2, 3], range: [0, 9]}, v: {dtype: f32, shape: [k], values: [7, 8]}}"
    )
    given: dict[str, Any] = {"k": 64, "x": np.full((32, 3), 9, np.uint8), "v": np.full(64, 8, np.float32)}
    found = simplified(given, tied, lambda _one: True)
    assert found["k"] == 64  # x is shaped by half of it, and v would be cut with it
    assert found["v"].tolist() == [8] * 64
    assert given["x"].tolist() == [[9] * 3] * 32


def test_sizes_stay_where_something_was_drawn_for_them() -> None:
    found = simplified(example(4, 37, order=np.arange(37)), MATRIX, lambda one: bool((one["x"] > 421.5).any()))
    assert found["x"].shape == (4, 37)


def test_a_size_that_another_one_is_bounded_by_stays_large_enough() -> None:
    bounded = domain("{n: 1..9, k: 1..n, x: {dtype: f32, shape: [n], range: [0, 1]}}")
    found = simplified({"n": 9, "k": 4, "x": np.ones(9, np.float32)}, bounded, lambda one: one["k"] >= 2)
    assert found["k"] == 2
    assert found["n"] >= 2


def test_a_size_out_of_a_list_becomes_a_smaller_one_of_it() -> None:
    listed = domain("{k: [2, 4, 8], x: {dtype: f32, shape: [k], range: [0, 1]}}")
    found = simplified({"k": 8, "x": np.ones(8, np.float32)}, listed, lambda one: one["k"] >= 3)
    assert (found["k"], len(found["x"])) == (4, 4)


def test_elements_that_a_smaller_size_forbids_keep_it_from_becoming_smaller() -> None:
    ranged = domain("{n: 1..9, x: {dtype: f32, shape: [n], range: [0, n / 3]}}")
    given = {"n": 9, "x": np.full(9, 3, np.float32)}
    found = simplified(given, ranged, lambda one: bool((one["x"] > 0).all()))
    assert found["x"].max() <= found["n"] / 3
