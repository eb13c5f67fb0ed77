"""What is added or multiplied element by element: a bias, the residual stream, the two halves of a gated part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]


def bias_add(x: Floats, bias: Floats) -> Floats:
    """Adds the same bias [n] to every row of x [..., n], in the dtype of x."""
    biased: Floats = x + bias.astype(x.dtype)
    return biased


def residual_add(x: Floats, delta: Floats) -> Floats:
    """Adds what a part of a layer computed to what it read (He et al. 2016, equation 1), both of one shape and dtype."""
    return x + delta


def gated(activated: Floats, up: Floats) -> Floats:
    """Multiplies an activated gate and what it lets through (Dauphin et al. 2017, equation 1), both of one shape and dtype."""
    return activated * up
