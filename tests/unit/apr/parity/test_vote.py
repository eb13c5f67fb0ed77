"""Two that agree outvote one that agrees with neither; without a majority nobody is accused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apr.parity.vote import pair, vote, vote_by_judge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.parity.result import Culprit

    Real = NDArray[np.float64]

RNG = np.random.default_rng(3)
TRUTH = RNG.standard_normal((16, 48))
FINE, COARSE = np.full(TRUTH.shape, 1e-6), np.full(TRUTH.shape, 1e-2)


def noisy(tau: Real, seed: int) -> Real:
    return np.asarray(TRUTH + 0.5 * tau * np.random.default_rng(seed).standard_normal(TRUTH.shape))


WRONG = noisy(FINE, 1) * 1.001
OTHER = noisy(FINE, 2) + 0.002
CASES: dict[str, tuple[Real, Real, Real, Culprit, str]] = {
    "the subject": (WRONG, noisy(FINE, 2), TRUTH, "subject", "oracle and numpy:f64 agree"),
    "the oracle": (noisy(FINE, 1), WRONG, TRUTH, "oracle", "subject and numpy:f64 agree"),
    "both, each in its way": (WRONG, OTHER, TRUTH, "both", "nor with the other"),
    "both alike": (WRONG, WRONG, TRUTH, "undecided", "two camps"),
    "nobody": (noisy(FINE, 1), noisy(FINE, 2), TRUTH, "undecided", "nobody"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_majority_decides(case: str) -> None:
    subject, oracle, third, culprit, told = CASES[case]
    found = vote(subject, oracle, third, FINE, FINE, FINE)
    assert found.culprit == culprit
    assert told in found.because
    assert set(found.distances) == {"subject to oracle", "subject to numpy:f64", "oracle to numpy:f64"}


def test_a_third_voice_that_is_too_rough_accuses_nobody() -> None:
    # the two differ by a thousand times their rounding, and by a tenth of the third's
    found = vote(WRONG, noisy(FINE, 2), noisy(COARSE, 4), FINE, COARSE, COARSE, third_name="float64")
    assert found.culprit == "undecided"
    assert "two camps without a majority" in found.because
    assert "float64 is within its own rounding of both" in found.because


@pytest.mark.parametrize("factor", [1.00001, 0.5, -1.0])
def test_sides_change_places(factor: float) -> None:
    bad, good = noisy(FINE, 1) * factor, noisy(FINE, 2)
    assert vote(bad, good, TRUTH, FINE, FINE, FINE).culprit == "subject"
    assert vote(good, bad, TRUTH, FINE, FINE, FINE).culprit == "oracle"


def test_what_is_not_finite_is_wrong() -> None:
    broken = TRUTH.copy()
    broken[3, 4] = np.nan
    found = vote(broken, noisy(FINE, 1), TRUTH, FINE, FINE, FINE)
    assert found.culprit == "subject"
    assert np.isnan(found.distances["subject to oracle"])


def test_a_bit_decides_where_every_bit_must_agree() -> None:
    single = TRUTH.astype(np.float32)
    other = single.copy()
    other[0, 0] = np.nextafter(other[0, 0], np.float32(9))
    zero = np.zeros(TRUTH.shape)
    assert vote(other, single, single, zero, zero, zero).culprit == "subject"
    assert vote(single, single, single, zero, zero, zero).culprit == "undecided"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 20), channels=st.integers(1, 50))
def test_honest_pairs_agree(seed: int, rows: int, channels: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((rows, channels))
    tau = np.exp(rng.standard_normal((rows, 1))) * np.full_like(y, 1e-5)
    found = pair(y + tau * rng.standard_normal(y.shape), y, tau)
    assert not found.disagree


@pytest.mark.parametrize("pattern", [TRUTH, np.ones_like(TRUTH), np.eye(16, 48), np.arange(48) == 7])
def test_each_test_of_a_pair_sees_its_error(pattern: NDArray[np.generic]) -> None:
    wide = np.asarray(pattern, np.float64) * np.ones_like(TRUTH)
    size = 40 * FINE[0, 0] / np.sqrt(np.square(wide).sum())
    assert not pair(noisy(FINE, 1) + size * wide / 10, TRUTH, FINE).disagree
    assert pair(noisy(FINE, 1) + size * wide, TRUTH, FINE).disagree


def test_shapes_have_to_be_equal() -> None:
    with pytest.raises(ValueError, match="one shape"):
        vote(TRUTH, TRUTH[1:], TRUTH, FINE, FINE, FINE)


@pytest.mark.parametrize(
    ("ours", "theirs", "culprit", "told"),
    [
        (True, False, "subject", "the subject's own inputs disagrees with it (3 times"),
        (False, True, "oracle", "the oracle's own inputs disagrees with it (5 times"),
        (True, True, "both", "each on its own inputs"),
        (False, False, "undecided", "came in from before"),
        (None, True, "undecided", "the subject could not be judged"),
        (True, None, "undecided", "the oracle could not be judged"),
        (None, None, "undecided", "neither side could be judged"),
    ],
)
def test_sides_judged_on_their_own_inputs(ours: bool | None, theirs: bool | None, culprit: Culprit, told: str) -> None:
    found = vote_by_judge(subject_beyond=ours, oracle_beyond=theirs, subject_excess=3.0, oracle_excess=5.0)
    assert found.culprit == culprit
    assert told in found.because


def test_a_rough_pair_does_not_hide_who_is_far_from_the_third() -> None:
    assert vote(WRONG, noisy(FINE, 2), TRUTH, COARSE, FINE, FINE).culprit == "subject"
    assert vote(noisy(FINE, 2), WRONG, TRUTH, COARSE, FINE, FINE).culprit == "oracle"
    # at the edge of rounding that is not enough
    edge = pair(noisy(FINE, 1) + 5e-7, TRUTH, FINE)
    assert 1 < edge.excess < 4
    assert vote(noisy(FINE, 1) + 5e-7, noisy(FINE, 2), TRUTH, COARSE, FINE, FINE).culprit == "undecided"
