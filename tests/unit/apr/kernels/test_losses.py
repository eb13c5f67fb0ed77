"""Cross-entropy by hand, at gaps where a softmax has become 0, and with classes that are not there."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest

from apr.kernels import cross_entropy, log_softmax, softmax

f32 = partial(np.array, dtype=np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_by_hand(dtype: Any) -> None:
    logits = np.log(np.array([[1, 2, 5], [4, 4, 2]], dtype))
    got = cross_entropy(logits, np.array([1, 2]))
    assert got.dtype == dtype
    assert np.allclose(got, [math.log(4), math.log(5)], rtol=1e-6)
    assert np.allclose(log_softmax(logits), np.log(softmax(logits)), rtol=1e-5)


def test_gaps_beyond_what_exponentials_can_hold() -> None:
    logits = f32([[0, 1000, -1000]])
    assert log_softmax(logits).tolist() == [[-1000, 0, -2000]]
    assert [float(cross_entropy(logits, np.array([t]))[0]) for t in range(3)] == [1000, 0, 2000]


def test_no_loss_is_a_positive_zero() -> None:
    assert math.copysign(1, cross_entropy(f32([[5.0]]), np.array([0]))[0]) == 1


@pytest.mark.parametrize(
    ("target", "said"), [(3, "row 1 has class 3; there are 3"), (-1, "row 1 has class -1; there are 3")]
)
def test_a_class_that_is_not_there_is_refused(target: int, said: str) -> None:
    with pytest.raises(IndexError, match=said):
        cross_entropy(np.zeros((2, 3), np.float32), np.array([0, target]))


def test_no_rows_lose_nothing() -> None:
    assert cross_entropy(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)).shape == (0,)


def test_float32_functions_are_as_exact_as_the_contracts_assume() -> None:
    """exp within 6 u and log within 8 u of float64's, on every 499th number; below 2^-126 exp within the smallest normal."""

    def numbers(low: float, high: float) -> Any:
        ends = [int(np.float32(one).view(np.uint32)) for one in (low, high)]
        return np.arange(ends[0], ends[1], 499, dtype=np.uint32).view(np.float32)

    x = numbers(-1e-6, -104.0)
    exact = np.exp(x.astype(np.float64))
    off = np.abs(np.exp(x) - exact)
    normal = exact >= 2.0**-126
    assert (off[normal] <= 6 * 2.0**-24 * exact[normal]).all()
    assert (off[~normal] <= 2.0**-126).all()
    x = numbers(1.0001, 4096.0)
    exact = np.log(x.astype(np.float64))
    assert (np.abs(np.log(x) - exact) <= 8 * 2.0**-24 * exact).all()
