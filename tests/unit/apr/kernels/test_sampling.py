"""Sampling under the names of the library: what goes in and comes out; what it computes is in the contracts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.errors import UnusableInput, UsageError
from apr.kernels import sampling
from apr.text.sampling import Sampling, sampler

if TYPE_CHECKING:
    from collections.abc import Callable

LOGITS = np.array([0.5, 2.0, -1.0, 2.0, 0.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_give_logits_of_the_dtype_they_got_and_leave_those_alone(dtype: Any) -> None:
    logits = LOGITS.astype(dtype)
    for left in (sampling.top_k(logits, 2), sampling.top_p(logits, 0.7), sampling.min_p(logits, 0.9)):
        assert left.dtype == dtype
        assert left.tolist() == [-math.inf, 2.0, -math.inf, 2.0, -math.inf]
    assert logits.tolist() == LOGITS.tolist()


def test_top_p_of_float32_logits_sums_in_float64() -> None:
    # the last chance is h = 2^-15, all others 2 h: without the last they sum to 1 - h, and p is reached. Running sums in
    # float32 are too small by more than h / 2 by then
    logits = np.zeros(2**14, np.float32)
    logits[-1] = -math.log(2)
    left = sampling.top_p(logits, 1 - 1.5 * 2.0**-15)
    assert np.flatnonzero(~np.isfinite(left)).tolist() == [2**14 - 1]


def test_probabilities_are_float64_and_sum_to_one() -> None:
    logits = LOGITS.astype(np.float32)
    for chances in (sampling.temperature(logits, 0.5), sampling.distribution(logits, 0.5, 5, 1.0, 0.0)):
        assert chances.dtype == np.float64
        assert math.isclose(chances.sum(), 1, rel_tol=1e-15)
        assert math.isclose(chances[1] / chances[0], math.exp(1.5 / 0.5), rel_tol=1e-12)


def test_what_is_asked_for_reaches_the_steps() -> None:
    # of the first three, 0.5 of the probability is the greatest alone; with the fourth, too, it would not be
    logits = np.log([0.4, 0.2, 0.15, 0.15, 0.1])
    assert np.flatnonzero(sampling.distribution(logits, 1.0, 3, 0.5, 0.0)).tolist() == [0]
    assert np.flatnonzero(sampling.distribution(logits, 1.0, 5, 0.5, 0.0)).tolist() == [0, 1]
    assert np.flatnonzero(sampling.distribution(logits, 1.0, 5, 1.0, 0.45)).tolist() == [0, 1]


def test_draws_and_tokens_are_those_of_the_runtime() -> None:
    choose = sampler(Sampling(temperature=0.8, top_k=4, seed=9))
    expected = [choose(LOGITS) for _ in range(30)]
    chances = sampling.distribution(LOGITS, 0.8, 4, 1.0, 0.0)
    assert sampling.tokens(LOGITS, 0.8, 4, 1.0, 0.0, 9, 30).tolist() == expected
    assert sampling.draws(chances, 9, 30).tolist() == expected
    assert len(set(expected)) > 2


@pytest.mark.parametrize(
    "call",
    [
        sampling.greedy,
        lambda logits: sampling.temperature(logits, 1.0),
        lambda logits: sampling.distribution(logits, 1.0, 1, 1.0, 0.0),
        lambda logits: sampling.tokens(logits, 1.0, 1, 1.0, 0.0, 0, 1),
    ],
)
def test_logits_of_a_damaged_model_are_refused(call: Callable[[Any], Any]) -> None:
    for logits in ([1.0, math.nan], [1.0, math.inf], [-math.inf]):
        with pytest.raises(UnusableInput):
            call(np.array(logits, np.float32))


def test_settings_that_make_no_sense_are_refused() -> None:
    for settings in ((0.0, 1, 1.0, 0.0), (1.0, 0, 1.0, 0.0), (1.0, 1, 0.0, 0.0), (1.0, 1, 1.0, 1.1)):
        with pytest.raises(UsageError):
            sampling.distribution(LOGITS, *settings)
    with pytest.raises(UsageError):
        sampling.tokens(LOGITS, 1.0, 1, 1.0, 0.0, -1, 1)
