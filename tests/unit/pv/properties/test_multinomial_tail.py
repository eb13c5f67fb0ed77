"""The bound on how often counts come that are as far off: never below the truth, and small where a distribution is wrong."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pv.properties.functions import multinomial_tail

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHANCES = [
    (0.5, 0.5),
    (0.9, 0.1),
    (0.999, 0.001),
    (0.2, 0.3, 0.5),
    (1 / 3, 1 / 3, 1 / 3),
    (0.98, 0.01, 0.01),
    (0.25, 0.25, 0.25, 0.25),
    (0.7, 0.1, 0.1, 0.1),
]


def compositions(n: int, k: int) -> Iterator[tuple[int, ...]]:
    """All counts of k outcomes that sum to n."""
    for bars in itertools.combinations(range(n + k - 1), k - 1):
        ends = (-1, *bars, n + k - 1)
        yield tuple(b - a - 1 for a, b in itertools.pairwise(ends))


def chance(counts: Sequence[int], p: Sequence[float]) -> float:
    """Of these counts, exactly: the multinomial distribution."""
    ways = math.factorial(sum(counts))
    for count in counts:
        ways //= math.factorial(count)
    return ways * math.prod(one**count for one, count in zip(p, counts, strict=True))


def far(counts: Sequence[int], p: Sequence[float]) -> float:
    """Relative entropy of counts to p."""
    n = sum(counts)
    return math.fsum(c / n * math.log(c / n / one) for c, one in zip(counts, p, strict=True) if c)


@pytest.mark.parametrize("p", CHANCES)
@pytest.mark.parametrize("n", [1, 2, 5, 12, 25])
def test_the_bound_is_never_below_the_true_probability(p: tuple[float, ...], n: int) -> None:
    every = [(far(counts, p), chance(counts, p), counts) for counts in compositions(n, len(p))]
    assert math.isclose(math.fsum(one[1] for one in every), 1, rel_tol=1e-12)
    every.sort(reverse=True)
    farthest = 0.0
    smallest = 1.0
    for distance, own, counts in every:
        # equals in distance come together in truth, so what is summed so far is the least that the truth can be
        farthest += own
        bound = multinomial_tail(counts, p)
        assert bound >= farthest * (1 - 1e-9), (counts, distance)
        smallest = min(smallest, bound)
    assert n < 12 or smallest < 0.05  # a bound that is 1 everywhere would pass the above


def test_the_bound_is_within_a_polynomial_of_the_truth() -> None:
    # one outcome alone: the truth is 2^-n, or twice that for both ends, and the bound (e n log 2) times as much
    for n in (20, 100, 400):
        truth = 2.0 ** (1 - n)
        assert truth <= multinomial_tail([n, 0], [0.5, 0.5]) <= truth * math.e * n * math.log(2)


@pytest.mark.parametrize("p", CHANCES)
def test_true_distributions_pass(p: tuple[float, ...]) -> None:
    rng = np.random.Generator(np.random.PCG64(len(p)))
    # a bound at or above the truth is below 1e-3 for one run in 1,000 or less; of 300, more than 5 have a chance of 1e-6
    small = sum(multinomial_tail(rng.multinomial(1000, p), p) < 1e-3 for _ in range(300))
    assert small <= 5


@pytest.mark.parametrize(
    ("drawn_from", "said"),
    [
        ((0.5, 0.5), (0.6, 0.4)),
        ((0.2, 0.3, 0.5), (0.5, 0.3, 0.2)),
        ((0.25, 0.25, 0.25, 0.25), (0.35, 0.25, 0.25, 0.15)),
        ((0.99, 0.01), (1.0 - 1e-6, 1e-6)),
    ],
)
def test_wrong_distributions_are_caught_with_a_thousand_draws(
    drawn_from: tuple[float, ...], said: tuple[float, ...]
) -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    caught = sum(multinomial_tail(rng.multinomial(1000, drawn_from), said) < 1e-3 for _ in range(100))
    assert caught >= 95


def test_a_distribution_that_is_half_wrong_is_caught_at_one_in_a_thousand_millions() -> None:
    assert multinomial_tail([1000, 0], [0.5, 0.5]) < 1e-250
    assert multinomial_tail([620, 380], [0.5, 0.5]) < 1e-9


def test_what_cannot_come_and_came_is_refuted_at_once() -> None:
    assert multinomial_tail([999, 1], [1.0, 0.0]) == 0
    assert multinomial_tail([1000, 0], [1.0, 0.0]) == 1
    # an outcome that cannot come takes no part: two are left, not three
    assert multinomial_tail([70, 0, 30], [0.5, 0.0, 0.5]) == multinomial_tail([70, 30], [0.5, 0.5])


def test_more_draws_of_the_same_shares_are_less_likely() -> None:
    bounds = [multinomial_tail([6 * n, 4 * n], [0.5, 0.5]) for n in (1, 10, 50, 100, 1000)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] == 1
    assert bounds[-1] < 1e-80


@pytest.mark.parametrize(
    ("counts", "p"),
    [
        ([-1, -1], [0.5, 0.5]),  # what `counts` gives for ids that there are not
        ([5, 5], [0.5, 0.25, 0.25]),
        ([5, 5], [math.nan, 0.5]),
        ([5, 5], [1.5, -0.5]),
        ([0, 5], [-0.5, 1.5]),
        ([0, 0], [0.5, 0.5]),
        ([5, 5], [0.0, 0.0]),
    ],
)
def test_what_are_no_counts_or_no_chances_is_refuted(counts: list[int], p: list[float]) -> None:
    assert multinomial_tail(counts, p) == 0


def test_chances_that_do_not_sum_to_one_are_far_from_any_counts() -> None:
    assert multinomial_tail([500, 500], [0.25, 0.25]) < 1e-50
    assert multinomial_tail([500, 500], [1.0, 1.0]) < 1e-50
    assert multinomial_tail([500, 500], [0.5, 0.5 + 1e-12]) == 1
    assert multinomial_tail([1000], [0.5]) < 1e-50
    assert multinomial_tail([1000], [1.0]) == 1


def test_an_outcome_that_cannot_come_changes_nothing() -> None:
    plain = multinomial_tail([700, 300], [0.5, 0.5])
    assert 0 < plain < 1
    assert multinomial_tail([700, 300, 0, 0], [0.5, 0.5, 0.0, 0.0]) == plain
