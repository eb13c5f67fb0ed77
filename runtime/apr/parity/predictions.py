"""What a difference of logits does to the next token, as plain data for reports."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from apr.parity.metrics.logits import compare_logits
from apr.parity.result import Predictions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]


def predictions(a: Floats, b: Floats) -> Predictions:
    """Compares the predictions of two sides.

    Args:
        a: float [positions, tokens], the subject's logits.
        b: float [positions, tokens], the reference's.

    Raises:
        ValueError: the shapes differ, or there is nothing in them.
    """
    found = compare_logits(a, b)
    gaps = [float(gap) for gap in found.argmax_gap]
    return Predictions(
        kl=tuple(float(kl) for kl in found.kl),
        argmax_differs=found.argmax_differs,
        argmax_gap=max(gaps, key=lambda gap: math.inf if math.isnan(gap) else gap),
        # min() of numpy keeps a NaN, so a position that is no number does not vanish
        shared={str(one.k): float(one.share.min()) for one in found.top},
    )
