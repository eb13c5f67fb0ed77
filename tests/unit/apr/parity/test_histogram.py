"""The histogram of differences: every element in exactly one bin, the ones that must not be honest in the last."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from apr.parity.histogram import BINS, EDGES, histogram, honest


def test_each_element_is_counted_once_in_the_bin_of_its_size() -> None:
    z = np.array([[0.0, 2.0**-6, 2.0**-5, 1.0], [1.4, 1.5, 2.0**10, 2.0**9.99]])
    made = histogram(z * 3e-7 * np.array([[1, -1, 1, -1]]), np.full(z.shape, 3e-7))
    assert len(made.counts) == BINS == len(EDGES) + 1
    assert sum(made.counts) == z.size
    found = {place: count for place, count in enumerate(made.counts) if count}
    # below 2**-5; at 2**-5; 1 and 1.4 lie in [1, sqrt 2), 1.5 in the next; just below 2**10; at it
    assert found == {0: 2, 1: 1, 11: 2, 12: 1, BINS - 2: 1, BINS - 1: 1}
    assert made.zeros == 1


def test_nan_and_what_must_not_differ_land_beyond_everything() -> None:
    made = histogram(np.array([math.nan, math.inf, 1e-30, 0.0]), np.array([1.0, 1.0, 0.0, 0.0]))
    assert made.counts[-1] == 3
    assert made.counts[0] == made.zeros == 1


def test_single_precision_is_counted_like_double() -> None:
    d = np.array([1e-40, 3.0], np.float32)
    assert histogram(d, np.ones(2, np.float32)) == histogram(d.astype(np.float64), np.ones(2))


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        histogram(np.zeros(2), np.zeros(3))


def test_honest_differences_stay_below_the_honest_line() -> None:
    # bounded errors are sub-Gaussian with their half width as proxy: of a million, in expectation no bin holds more than the line
    random = np.random.default_rng(1)
    d = random.uniform(-1, 1, (4, 250_000)).sum(0) / 2  # four terms of +-1/2 in sum, so tau = sqrt(4 * (1/2)**2) = 1
    made = histogram(d, np.ones_like(d))
    line = honest(d.size)
    assert line[0] == d.size
    assert all(later <= earlier for earlier, later in itertools.pairwise(line))
    for count, most in zip(made.counts, line, strict=True):
        assert count <= most + 6 * math.sqrt(most) + 1  # six standard deviations of a count
    # and a thousandth of too much gain in one row is far beyond it
    wrong = histogram(d + 30, np.ones_like(d))
    assert wrong.counts[-12] > 1e5 > line[-12] + 6
