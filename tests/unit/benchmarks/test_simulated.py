"""The events by which `benchmarks/spread.py` predicts runs: little cases whose outcome is plain, and the arithmetic of a large model."""

from __future__ import annotations

import pytest

import simulated


@pytest.mark.parametrize(
    ("costs", "workers", "seconds", "busy"),
    [
        ([1.0] * 10, 1, 10.0, 1.0),
        ([1.0] * 10, 2, 5.0, 1.0),
        ([1.0] * 10, 4, 3.0, 10 / 12),
        ([1.0] * 7 + [8.0], 2, 11.0, 15 / 22),  # the long one last: 3 s, then 8
        ([8.0] + [1.0] * 7, 2, 8.0, 15 / 16),
        ([], 3, 0.0, 1.0),
    ],
)
def test_workers_take_what_comes_next(costs: list[float], workers: int, seconds: float, busy: float) -> None:
    found = simulated.simulate(costs, workers, 2)
    assert found.seconds == seconds
    assert found.busy == pytest.approx(busy)
    assert found.most <= 2 * workers


def test_nobody_and_nothing_at_a_time_are_refused() -> None:
    for workers, window in ((0, 2), (2, 0)):
        with pytest.raises(ValueError, match="do nothing"):
            simulated.simulate([1.0], workers, window)


def test_a_large_model_is_counted_as_its_documentation_says() -> None:
    shape = simulated.LLAMA_70B
    assert shape.layer_weights == 855_638_016
    assert simulated.capture_bytes(shape, 1) == 794_624
    rates = simulated.Rates(1e-9, 1e-9, 1e9, 1e9, 1.0, 1)
    tasks = simulated.large_tasks(shape, 16, rates)
    assert len(tasks) == 80 * 14 + 2
    assert sum(task.weights for task in tasks) == 80 * 855_638_016 + 8192 * 128_256
    assert sum(task.encoded for task in tasks) == round(sum(task.weights for task in tasks) * 4.5 / 8)
    assert simulated.handed_out(tasks)[0].name == "lm_head"
    products, others = simulated.Task("a", 6.0, 30, 10, 0, 0), simulated.Task("b", 1.0, 0, 50, 0, 0)

    class Seen:
        written, write_seconds, read, read_seconds = 8, 2.0, 9, 3.0

    assert simulated.Rates.of([products, others], Seen(), 1.0) == simulated.Rates(0.2, 0.02, 4.0, 3.0, 1.0, 30)
