"""Activations, element by element: SiLU, GELU in its exact and its tanh form, SwiGLU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.ops.activation import gelu, gelu_tanh, silu
from apr.ops.elementwise import gated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["gelu", "gelu_tanh", "silu", "swiglu"]


def swiglu(gate: NDArray[np.floating[Any]], up: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Computes silu(gate) * up (Shazeer 2020, equation 5), without its two projections; all in the dtype of the gate."""
    return gated(silu(gate), up)
