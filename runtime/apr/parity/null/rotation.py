"""The null model of rotary positions: y0 = x0 cos - x1 sin, y1 = x0 sin + x1 cos.

A rotation keeps x0^2 + x1^2 = y0^2 + y1^2 = E (times the magnitude's square), so all is said in terms of y. A side in float32
rounds two products and their sum, at most 2 u^2 E together with a fused one, and sine and cosine are within an ulp, (2 u)^2 E: 6 u^2 E. All
heads of a position share sine and cosine, so errors of a row are at most as correlated as the heads are many.

Angles are where implementations really differ. `f64` and `f32` here take theta^(-2 i / n) in float64. llama.cpp multiplies a float32 factor
up pair by pair: the difference is known exactly, both are computed here, and it moves a pair by its length times that. Any other
engine in float32 computes its frequencies there: an exponent rounded to float32, (2 i / n) ln(theta) u, a power within an ulp,
the product with the position, u: an angle a is off by a u (3 + (2 i / n) ln(theta)). Either is one number for all heads and one direction
for all positions, so such a row counts as one error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.ops.rope import angles, angles_ggml
from apr.parity.null.pair import Pair, U, roundings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.ops.rope import Rope

    Doubles = NDArray[np.float64]

_GGML = ("ggml", "exact")


def angles_apart(pair: Pair, positions: NDArray[np.integer[Any]], rope: Rope) -> Doubles | None:
    """[positions, dims / 2]: by how much the two sides' angles may differ, in radians; None where they are the same."""
    theirs = pair.other in _GGML
    apart = np.zeros((len(positions), rope.dims // 2))
    if (pair.judge in _GGML) != theirs:
        apart += np.abs(angles_ggml(positions, rope) - angles(positions, rope))
    if pair.other == "f32":
        exponents = np.arange(rope.dims // 2) * 2 / rope.dims
        apart += np.abs(angles(positions, rope)) * U * (3 + exponents * np.log(rope.theta))
    return apart if apart.any() else None


def variance_of_rotation(pair: Pair, y: Doubles, positions: NDArray[np.integer[Any]], rope: Rope) -> Doubles:
    """Squared proxies of rotated heads: [positions, heads, head_dim]; dimensions that do not rotate are copied."""
    first, second = _pairs(rope)
    energy = y[..., first] ** 2 + y[..., second] ** 2
    squared = roundings(6 * pair.narrow + 2 * pair.mixed, energy)
    apart = angles_apart(pair, positions, rope)
    if apart is not None:
        squared += apart[:, None, :] ** 2 * energy
    out = np.zeros_like(y)
    out[..., first] = out[..., second] = squared
    out[..., rope.dims :] = U * U * y[..., rope.dims :] ** 2 if pair.mixed else 0.0
    return out


def rank_of_rotation(pair: Pair, y: Doubles, positions: NDArray[np.integer[Any]], rope: Rope) -> Doubles:
    """[positions], of [positions, heads, head_dim]."""
    apart = angles_apart(pair, positions, rope)
    rank = np.full(len(y), float(y.shape[-1]))
    return rank if apart is None else np.where(apart.any(axis=-1), 1.0, rank)


def _pairs(rope: Rope) -> tuple[slice, slice]:
    """Which dimensions rotate together."""
    if rope.kind == "norm":
        return slice(0, rope.dims, 2), slice(1, rope.dims, 2)
    return slice(0, rope.dims // 2), slice(rope.dims // 2, rope.dims)
