"""Kernels with mistakes that pass many a test; see docs/how-to/other-kernels.md.

pytest -m falsify contracts/softmax-v1.yaml contracts/silu-v1.yaml --subject kernels=examples.wrong_kernels
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def softmax(x: Floats) -> Floats:
    """Correct for logits as tests like to draw them; above 88 the exponentials overflow."""
    weights = np.exp(x)
    normed: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return normed


def silu(x: Floats) -> Floats:
    """The hard approximation (Howard et al. 2019), which is no SiLU."""
    gate: Floats = np.clip(x / np.float32(6) + np.float32(0.5), np.float32(0), np.float32(1))
    return x * gate
