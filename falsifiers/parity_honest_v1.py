"""Falsifiers of `parity-honest-v1`: honest pairs raise no alarm, and errors of the stated power do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from pv import Evidence

CONTRACT = "parity-honest-v1"
ALPHA = 1e-6
SIX = 6  # tests a comparison


def _hold(
    evidence: Evidence, comparisons: Iterable[Any], honest: Any, stage: Callable[[Any], str], expected: int
) -> None:
    """No test of any comparison is beyond its limit; `expected` comparisons share the alpha."""
    each = ALPHA / (SIX * expected)
    for comparison in comparisons:
        evidence.compared(1, "honest comparisons")
        for test in comparison.tests:
            allowed = honest.limit(test, each)
            excess = test.value / allowed
            evidence.worst(excess, bound=1.0, stage=stage(comparison), layer=comparison.layer)
            if not excess <= 1:
                raise Refuted(
                    f"{comparison.what}, {comparison.pair.judge} against {comparison.pair.other}: "
                    f"{test.name} is {excess:.2f} times its limit",
                    stage=stage(comparison),
                    layer=comparison.layer,
                    position=test.position,
                    distance=test.value,
                    bound=allowed,
                )


@falsifies(CONTRACT, "FALSIFY-PARITY-HONEST-001")
def kernels_raise_no_alarm(evidence: Evidence, honest: Any, weights: str) -> None:
    """Every type, three judges."""
    evidence.level("independent")
    _hold(evidence, honest.products(weights, 12, seed=1), honest, lambda _: weights, 36)


@falsifies(CONTRACT, "FALSIFY-PARITY-HONEST-002")
def orders_of_sums_raise_no_alarm(evidence: Evidence, honest: Any) -> None:
    """Four orders, three judges."""
    evidence.level("algorithm")
    _hold(evidence, honest.products("F32", 100, seed=2), honest, lambda each: each.what.split()[-1], 1200)


@falsifies(CONTRACT, "FALSIFY-PARITY-HONEST-003")
def shared_errors_raise_no_alarm(evidence: Evidence, honest: Any) -> None:
    """A thousand outputs that are nearly one."""
    evidence.level("independent")
    alike = honest.products("Q8_0", 8, seed=3, positions=2, rows=1000, columns=256, kind="alike")
    _hold(evidence, alike, honest, lambda _: "alike", 24)


@falsifies(CONTRACT, "FALSIFY-PARITY-HONEST-004")
def rows_that_come_back_raise_no_alarm(evidence: Evidence, honest: Any) -> None:
    """Fifteen hundred positions that are one."""
    evidence.level("independent")
    again = honest.products("Q8_0", 6, seed=4, positions=1500, rows=2, columns=256, kind="repeated")
    _hold(evidence, again, honest, lambda _: "repeated", 18)


@falsifies(CONTRACT, "FALSIFY-PARITY-HONEST-005")
def stages_raise_no_alarm(evidence: Evidence, honest: Any, model: str) -> None:
    """Every stage, three judges."""
    evidence.level("independent")
    comparisons = list(honest.stages(model, 24))
    _hold(evidence, comparisons, honest, lambda each: str(each.family), len(comparisons))


def _stage(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and proxies of a random stage: [positions, width], of very different sizes."""
    shape = (int(rng.integers(1, 13)), int(rng.integers(2, 41)))
    expected = rng.standard_normal(shape) * 10.0 ** rng.uniform(-3, 3, (shape[0], 1))
    return expected, np.abs(expected) * 1e-6 * rng.uniform(0.1, 1, shape) + 1e-9


@falsifies(CONTRACT, "FALSIFY-PARITY-HONEST-006")
def limits_hold_for_the_widest_errors(evidence: Evidence, honest: Any) -> None:
    """Both kinds apart; what is beyond is counted, and may be the stated share and not one more: the tail bounds leave room."""
    rng, alpha, runs = np.random.Generator(np.random.PCG64(6)), 0.01, 2000
    # signs have as great a proxy as a bounded error can have; normal errors have it exactly, and all of its tail
    kinds: dict[str, Callable[[tuple[int, ...]], NDArray[np.float64]]] = {
        "signs": lambda shape: rng.choice([-1.0, 1.0], shape),
        "normal errors": rng.standard_normal,
    }
    evidence.level("algorithm")
    for kind, errors in kinds.items():
        beyond: dict[str, int] = {}
        for _ in range(runs):
            expected, tau = _stage(rng)
            for test in honest.tests(expected + tau * errors(expected.shape), expected, honest.null(tau)):
                beyond[test.name] = beyond.get(test.name, 0) + (not test.value <= honest.limit(test, alpha))
        evidence.compared(runs, f"stages of {kind}")
        for name, count in beyond.items():
            evidence.worst(count / runs, bound=alpha, stage=name)
            if count > alpha * runs:
                raise Refuted(
                    f"{count} of {runs} stages of {kind} are beyond the limit of {alpha:g}",
                    stage=name,
                    distance=count / runs,
                    bound=alpha,
                )


@falsifies(CONTRACT, "FALSIFY-PARITY-HONEST-007")
def what_is_promised_is_caught(evidence: Evidence, honest: Any) -> None:
    """Errors of exactly the stated size on top of honest ones; places of median size are looked for as the promise says."""
    rng, runs, each = np.random.Generator(np.random.PCG64(7)), 300, 1e-9
    evidence.level("algorithm")
    caught = dict.fromkeys(("gain", "bias", "channel", "element"), 0)
    for _ in range(runs):
        expected, tau = _stage(rng)
        null = honest.null(tau)
        noise = tau * rng.standard_normal(expected.shape)
        power = honest.power(honest.tests(expected, expected, null), each)
        size = math.sqrt(float(np.mean(expected**2)))
        signal = np.sqrt(np.mean((expected / tau) ** 2, axis=0))
        at = int(np.argsort(signal)[-1 - (signal.size // 2 - (signal.size % 2 == 0))])
        element = np.unravel_index(np.argsort(tau, axis=None)[(tau.size - 1) // 2], tau.shape)
        faulty = {name: np.array(expected) for name in caught}
        faulty["gain"] *= 1 + power.gain
        faulty["bias"] += power.bias * size
        faulty["channel"][:, at] *= 1 + power.channel
        faulty["element"][element] += power.element * size
        for name, seen in faulty.items():
            tests = {test.name: test for test in honest.tests(seen + noise, expected, null)}
            caught[name] += tests[name].value > honest.limit(tests[name], each)
    evidence.compared(runs * len(caught), "errors of the stated size")
    for name, count in caught.items():
        evidence.worst(1 - count / runs, bound=0.01, stage=name)
        if count < 0.99 * runs:
            raise Refuted(f"only {count} of {runs} errors of the stated size are caught", stage=name)
