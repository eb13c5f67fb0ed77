"""SciPy's functions under the names of the library of kernels, in float64: what a float32 kernel should come close to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRODUCER = "scipy"
BUILD = f"scipy {scipy.__version__}"

Wide = Any  # NDArray[np.float64]; SciPy's own types say no more


def softmax(x: NDArray[np.float32]) -> Wide:
    """[…, n] to weights that sum to one along the last axis, float64."""
    return special.softmax(x.astype(np.float64), axis=-1)


def log_softmax(x: NDArray[np.float32]) -> Wide:
    """[…, n] to logarithms of these weights, float64."""
    return special.log_softmax(x.astype(np.float64), axis=-1)


def silu(x: NDArray[np.float32]) -> Wide:
    """Any shape: x times the logistic function of x, float64."""
    wide = x.astype(np.float64)
    return wide * special.expit(wide)


def gelu(x: NDArray[np.float32]) -> Wide:
    """Any shape: x times the distribution function of the normal distribution, float64."""
    wide = x.astype(np.float64)
    return wide * special.ndtr(wide)


def cross_entropy(logits: NDArray[np.float32], targets: NDArray[np.integer[Any]]) -> Wide:
    """[m, n] logits and [m] ids to the [m] losses, float64."""
    wide = logits.astype(np.float64)
    taken = np.take_along_axis(wide, np.asarray(targets)[:, None], axis=-1)[:, 0]
    return special.logsumexp(wide, axis=-1) - taken
