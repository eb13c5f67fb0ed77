"""The shortcut of the six statistics, for stages of which every element is judged: the same bits as without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apr.parity.null import Null, testing
from apr.parity.null import tests as six


def a_stage(seed: int, shape: tuple[int, int]) -> tuple[Any, Any, Null]:
    """Two sides and their proxies, all finite; a row that comes back, an element that is the same on both sides, and a -0."""
    rng = np.random.Generator(np.random.PCG64(seed))
    expected = (rng.standard_normal(shape) * 10.0 ** rng.uniform(-3, 3, (shape[0], 1))).astype(np.float32)
    expected[-1] = expected[0]
    seen = (expected * (1 + 1e-6 * rng.choice([-2, -1, 1, 2], shape))).astype(np.float32)
    seen[0, 0], expected[0, 0] = -0.0, 0.0
    seen[0, -1] = expected[0, -1]
    proxy = np.abs(expected.astype(np.float64)) * 1e-6 + 1e-9
    rank = rng.uniform(0, 2 * shape[1], shape[0]) if seed % 2 else None
    along = rng.uniform(1, 3, (2, shape[0])) if seed % 3 else None
    return seen, expected, Null(proxy, rank, (), along=along)


@pytest.mark.parametrize("shape", [(1, 3), (1, 7), (5, 1), (4, 33), (300, 9)])
@pytest.mark.parametrize("seed", range(6))
def test_every_statistic_has_the_bits_that_it_has_without_it(
    seed: int, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = a_stage(seed, shape)
    assert testing._hold(*stage).all_judged
    short = six(*stage)
    hold = testing._hold
    monkeypatch.setattr(testing, "_finite", lambda _: False)
    assert hold(*stage).all_judged  # found by looking at each
    assert repr(six(*stage)) == repr(short)
    monkeypatch.setattr(testing, "_hold", lambda *sides: hold(*sides)._replace(all_judged=False))
    assert repr(six(*stage)) == repr(short)
    assert max(test.value for test in short) > 0


@pytest.mark.parametrize("odd", [0.0, np.inf, np.nan, -1.0])
def test_a_proxy_that_is_no_size_is_not_judged(odd: float) -> None:
    seen, expected, null = a_stage(1, (4, 33))
    null.proxy[2, 5] = odd
    held = testing._hold(seen, expected, null)
    assert not held.all_judged
    assert held.counts(None) == 4 * 33 - 1
    assert held.counts(1).tolist() == [33, 33, 32, 33]
    assert held.counts(0).tolist() == [4] * 5 + [3] + [4] * 27


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_on_one_side_is_beyond_every_bound(odd: float) -> None:
    seen, expected, null = a_stage(2, (4, 33))
    seen[2, 5] = odd
    element = six(seen, expected, null)[0]
    assert np.isnan(element.value)
    assert (element.position, element.channel) == (2, 5)
