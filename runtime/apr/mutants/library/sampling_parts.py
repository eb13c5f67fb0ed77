"""What faults of top-k, top-p and min-p are made of: orders of ids, and logits of which only some are left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]


def falling(logits: Floats) -> NDArray[np.intp]:
    """Ids from the greatest logit to the least, of equal ones the lower first."""
    return np.argsort(-logits, kind="stable")


def rising_backwards(logits: Floats) -> NDArray[np.intp]:
    """The same, but of equal ones the higher first."""
    return np.argsort(logits, kind="stable")[::-1]


def only(logits: Floats, ids: NDArray[np.intp], other: float = -math.inf) -> Floats:
    """The logits of these ids; `other` in the place of the rest."""
    left = np.full_like(logits, other)
    left[ids] = logits[ids]
    return left
