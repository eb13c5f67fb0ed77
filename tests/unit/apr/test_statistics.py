"""The moments shown by `apr trace --payload`."""

from __future__ import annotations

import math

import numpy as np
import pytest

from apr.parity.statistics import describe


def test_moments_of_known_numbers() -> None:
    seen = describe(np.array([[1.0, 2.0], [3.0, 6.0]], np.float32))
    assert (seen.count, seen.mean, seen.minimum, seen.maximum) == (4, 3.0, 1.0, 6.0)
    assert seen.std == pytest.approx(math.sqrt((4 + 1 + 0 + 9) / 3)), "n - 1"
    assert (seen.nan, seen.inf, seen.verdict) == (0, 0, "")


def test_numbers_that_are_not_finite_are_counted_and_left_out() -> None:
    seen = describe(np.array([1.0, np.nan, np.inf, -np.inf, 3.0], np.float32))
    assert (seen.count, seen.mean, seen.nan, seen.inf, seen.verdict) == (5, 2.0, 1, 2, "ANOMALY")


def test_nothing_finite_and_a_single_number() -> None:
    assert describe(np.array([np.nan])).mean is None
    one = describe(np.array([7.0]))
    assert (one.mean, one.std) == (7.0, None)
    assert one.cells()[:2] == ("7", "-")


def test_a_large_spread_is_marked() -> None:
    assert describe(np.array([-200.0, 200.0])).verdict == "HIGH-VAR"
    assert describe(np.array([-50.0, 50.0])).verdict == ""
