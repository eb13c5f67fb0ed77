"""Cross-entropy over the last axis, from differences to the greatest element so that nothing overflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def log_softmax(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Computes d - log(sum(exp(d))) of d = x - max(x) over the last axis, in the dtype of x; never above 0."""
    below = x - x.max(axis=-1, keepdims=True)
    logs: NDArray[np.floating[Any]] = below - np.log(np.exp(below).sum(axis=-1, keepdims=True))
    return logs


def cross_entropy(logits: NDArray[np.floating[Any]], targets: NDArray[np.integer[Any]]) -> NDArray[np.floating[Any]]:
    """The negative logarithm of what a softmax gives the right class (Goodfellow et al. 2016, section 6.2.2.3).

    Args:
        logits: [m, n].
        targets: [m], the right class of each row, 0 to n - 1.

    Returns:
        [m] in the dtype of the logits, in nats; neither summed nor averaged, and never below 0.

    Raises:
        IndexError: a class that there is no logit for; a negative one is none.
    """
    classes = logits.shape[-1]
    outside = np.flatnonzero((targets < 0) | (targets >= classes))
    if outside.size:
        raise IndexError(f"row {outside[0]} has class {targets[outside[0]]}; there are {classes}")
    taken = np.take_along_axis(log_softmax(logits), targets[:, None], axis=-1)
    losses: NDArray[np.floating[Any]] = 0 - taken[:, 0]  # a plain minus would make -0 of no loss
    return losses
