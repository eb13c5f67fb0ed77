"""Faults that somebody could really make; the contracts name those that each claim must notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Fault:
    """A wrong function, and the name of the one whose place it takes."""

    function: str
    call: Callable[..., np.ndarray]


def greatest_not_taken_off(x: np.ndarray) -> np.ndarray:
    """Overflows above 88."""
    powers = np.exp(x)
    weights: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return weights


def summed_over_all_rows(x: np.ndarray) -> np.ndarray:
    """One sum for all rows."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    weights: np.ndarray = powers / powers.sum()
    return weights


MUTANTS = {
    "greatest-not-taken-off": Fault("softmax", greatest_not_taken_off),
    "summed-over-all-rows": Fault("softmax", summed_over_all_rows),
}
