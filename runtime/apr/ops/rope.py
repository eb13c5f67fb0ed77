"""Rotary position embedding (Su et al. 2021, equation 34), adjacent pairs: the `NORM` kind of GGUF's llama."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_F32 = np.float32


def angles(positions: NDArray[np.integer[Any]], theta: float, dims: int) -> NDArray[np.float64]:
    """[positions, dims / 2] in radians: position * theta ** (-2 i / dims)."""
    frequencies = float(theta) ** (-np.arange(0, dims, 2, dtype=np.float64) / dims)
    return positions.astype(np.float64)[:, None] * frequencies


def angles_ggml(positions: NDArray[np.integer[Any]], theta: float, dims: int) -> NDArray[np.float64]:
    """The same as ggml computes it: one float32 factor, multiplied up pair by pair in float32.

    The factor is C's `powf(theta, -2 / dims)`, correctly rounded. numpy's own float32 power is one ulp off, which grows
    to 2.5e-6 relative at position 127; rounding the float64 power gives C's value.
    """
    factor = _F32(np.power(np.float64(_F32(theta)), np.float64(_F32(-2) / _F32(dims))))
    angle = positions.astype(_F32)
    columns = []
    for _ in range(dims // 2):
        columns.append(angle)
        angle = angle * factor
    return np.stack(columns, axis=-1).astype(np.float64)


def rotate_pairs(x: NDArray[np.floating[Any]], angle: NDArray[np.float64]) -> NDArray[np.floating[Any]]:
    """Rotates each pair (x[2i], x[2i + 1]) of every head by its angle.

    Args:
        x: [positions, heads, head_dim].
        angle: [positions, head_dim / 2] in radians.

    Returns:
        [positions, heads, head_dim] in the dtype of x; sine and cosine are rounded to it first.
    """
    cos, sin = (np.asarray(f(angle), x.dtype)[:, None, :] for f in (np.cos, np.sin))
    even, odd = x[..., 0::2], x[..., 1::2]
    rotated = np.empty_like(x)
    rotated[..., 0::2] = even * cos - odd * sin
    rotated[..., 1::2] = even * sin + odd * cos
    return rotated
