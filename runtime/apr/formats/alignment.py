"""Where sections and tensors of a file may start: at multiples of a unit, zeros in between."""

from __future__ import annotations


def aligned(size: int, unit: int) -> int:
    """The next multiple of `unit`, `size` itself where it is one.

    Args:
        size: from 0.
        unit: above 0.
    """
    return -(-size // unit) * unit
