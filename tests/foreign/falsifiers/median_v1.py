"""The falsifier of `median-v1`, for the median of Python's standard library."""

from __future__ import annotations

import random
import statistics

from pv import Evidence, Mutant, Refuted, falsifies


def unsorted(numbers: list[int]) -> int:
    """The planted fault: the middle of the list as it came."""
    return numbers[len(numbers) // 2]


@falsifies("median-v1", "FALSIFY-MEDIAN-001")
def the_median_is_in_the_middle(evidence: Evidence, mutant: Mutant | None) -> None:
    """Counts what is below and above."""
    evidence.level("algorithm")
    subject = unsorted if mutant else statistics.median
    draw = random.Random(7)  # noqa: S311  numbers to try, no secrets
    for _ in range(300):
        numbers = [draw.randint(-1000, 1000) for _ in range(2 * draw.randint(0, 49) + 1)]
        median, half = subject(numbers), len(numbers) // 2
        evidence.compared(1, "lists")
        if max(sum(x < median for x in numbers), sum(x > median for x in numbers)) > half:
            raise Refuted(f"{median} is not in the middle of {len(numbers)} numbers", stage="median")
