"""Predictions in a record: the worst position decides, and what is no number stays visible."""

from __future__ import annotations

import math

import numpy as np
import pytest

from apr.parity.predictions import predictions


def test_the_worst_position_decides() -> None:
    b = np.log(np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1]]))
    a = b.copy()
    a[1] = np.log([0.4, 0.5, 0.1])
    found = predictions(a, b)
    assert found.kl[0] == 0
    assert found.kl[1] == pytest.approx(0.5 * math.log(0.5 / 0.4) + 0.4 * math.log(0.4 / 0.5))
    assert found.argmax_differs == (1,)
    assert found.argmax_gap == pytest.approx(math.log(0.5 / 0.4))
    assert found.shared == {"1": 0.0, "3": 1.0}


def test_nan_does_not_vanish() -> None:
    b = np.array([[1.0, 2.0], [1.0, 2.0]])
    a = b.copy()
    a[0, 0] = math.nan
    found = predictions(a, b)
    assert math.isnan(found.kl[0])
    assert math.isnan(found.argmax_gap)
    assert math.isnan(found.shared["1"])
    assert found.argmax_differs == (0,)
