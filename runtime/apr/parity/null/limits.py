"""Up to which value of a test a pair is honest, and what errors would have gone beyond.

For z = d / tau, sub-Gaussian with proxy 1 for each of its independent parts:

* one of N elements: P(max |z| > t) <= 2 N exp(-t^2 / 2);
* a mean of squares: with covariance proxy R, trace n and greatest eigenvalue lambda, P(|z|^2 > tr R + 2 sqrt(tr R^2 x) + 2 lambda x) <=
  exp(-x) (Hsu, Kakade and Zhang 2012, theorem 2.1). As tr R^2 <= lambda tr R, the mean is at most 1 + 2 sqrt(x / r) + 2 x / r with
  r = n / lambda, the `count` of a test: n where errors are independent;
* linear forms (gain, bias) are scaled by the greatest eigenvalues, so that they have proxy 1.

The worst of N trials is judged at alpha / N each, and the tests of a run share its alpha, so a run of honest pairs has a test
beyond its limit with probability alpha at most (Bonferroni), however the tests depend on each other.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from apr.parity.result import Power

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apr.parity.null.base import Test, TestName

ALPHA = 1e-6
TESTS = 6
CAUGHT = 0.99
_ULP = 2.0**-23  # the smallest relative change that any number shows
_SQUARES = ("position", "channel", "stage")


def split(alpha: float, cells: int) -> float:
    """What each test of a run may err, if the run of that many cells shall err with probability alpha at most."""
    return alpha / (TESTS * max(cells, 1))


def limit(test: Test, alpha_each: float) -> float:
    """The value beyond which an honest pair comes with a probability of at most `alpha_each`."""
    if test.name in _SQUARES:
        return root_mean_square(test.count, math.log(test.trials / alpha_each))
    return math.sqrt(2 * math.log(2 * test.trials / alpha_each))


def root_mean_square(count: float, x: float) -> float:
    """What the root mean square of `count` errors exceeds with a probability of at most exp(-x)."""
    return math.sqrt(1 + 2 * math.sqrt(x / count) + 2 * x / count)


def power(tests: Iterable[Test], alpha_each: float) -> Power:
    """The smallest errors that these tests catch with a probability of `CAUGHT` at least.

    An error moves a statistic by itself over `reach`; honest noise takes less than its own quantile away from that. No relative
    error below an ulp of float32 exists.
    """
    at = {test.name: test for test in tests}
    x = -math.log(1 - CAUGHT)

    def smallest(name: TestName) -> float:
        test = at.get(name)
        if test is None or not math.isfinite(test.reach):
            return math.inf
        noise = root_mean_square(test.count, x) if name in _SQUARES else math.sqrt(2 * x)
        return max(test.reach * (limit(test, alpha_each) + noise), _ULP)

    return Power(smallest("gain"), smallest("bias"), smallest("channel"), smallest("element"))
