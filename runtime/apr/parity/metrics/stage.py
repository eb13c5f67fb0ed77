"""A stage compared as what it holds: quantities by their distance, ids by whether they are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.parity.metrics.accumulate import Accumulator
from apr.parity.metrics.ids import IdAccumulator
from apr.stages import INTEGER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from apr.parity.metrics.difference import Difference
    from apr.parity.metrics.profiles import Profiles

    Floats = NDArray[np.floating[Any]]


def accumulator_of(
    stage: str | None, rows: int | None = None, count: int | None = None, limit: int = 10
) -> Accumulator | IdAccumulator:
    """What compares a stage whose values arrive block by block.

    Args:
        stage: canonical name; None where it is not known: its values are taken for quantities.
        rows: how many rows (positions) the arrays have, if that is known.
        count: how many elements will come; needed with `rows`.
        limit: how many differing elements to name.
    """
    return (IdAccumulator if stage in INTEGER else Accumulator)(rows, count, limit)


def compare_stage(stage: str, a: Floats, b: Floats, limit: int = 1) -> tuple[Difference, Profiles]:
    """One stage of two sides, in one pass.

    Args:
        stage: canonical name.
        a: float [T, C], the subject.
        b: float [T, C], the reference.
        limit: how many differing elements to name.

    Raises:
        ValueError: the shapes differ or are not two-dimensional, or there is nothing in them.
    """
    if a.shape != b.shape or a.ndim != 2 or not a.size:
        raise ValueError(f"shapes {a.shape} and {b.shape} are not the same [positions, channels]")
    accumulator = accumulator_of(stage, len(a), a.size, limit)
    accumulator.add(a.reshape(-1), b.reshape(-1))
    return accumulator.finish(), accumulator.profiles()
