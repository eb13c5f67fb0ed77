"""Scalars that may be NaN or infinite are, now and then, and are within their bounds otherwise."""

from __future__ import annotations

import math

from hypothesis import find, given, settings
from hypothesis import strategies as st

from pv.formal.domain import read
from pv.properties.draw import examples

DOMAIN = read({"x": {"dtype": "f64", "range": [1, 10], "nonfinite": True}})
NUMBERS = examples(DOMAIN).map(lambda values: float(values["x"]))


def test_nan_and_both_infinities_are_drawn() -> None:
    quick = settings(database=None, derandomize=True, max_examples=2000)
    for wanted in (math.isnan, lambda x: x == math.inf, lambda x: x == -math.inf):
        assert wanted(find(NUMBERS, wanted, settings=quick))


@settings(database=None, derandomize=True, max_examples=100)
@given(st.data())
def test_finite_ones_keep_their_bounds(data: st.DataObject) -> None:
    x = data.draw(NUMBERS)
    assert 1 <= x <= 10 or not math.isfinite(x)


def test_without_the_word_nothing_is_nonfinite() -> None:
    plain = examples(read({"x": {"dtype": "f64", "range": [1, 10]}}))

    @settings(database=None, derandomize=True, max_examples=200)
    @given(plain)
    def check(values: dict[str, float]) -> None:
        assert math.isfinite(values["x"])

    check()
