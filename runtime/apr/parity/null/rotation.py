"""The null model of rotary positions: y0 = x0 cos - x1 sin, y1 = x0 sin + x1 cos.

A side in float32 rounds two products and their sum (one product less where it is fused), and sine and cosine themselves are off by
e: the squared proxy of y0 is (u^2 + e^2) ((x0 cos)^2 + (x1 sin)^2) + u^2 y0^2. glibc's cosf and sinf are within 0.5608 ulp, as their
source states, and the judge rounds float64 ones: e = 1.13 u. Of another library an ulp is taken, 2 u. The inputs follow from y,
x = R^T y. All heads of a position share sine and cosine, so errors of a row are at most as correlated as the heads are many.

Angles are where implementations really differ. `f64` and `f32` here take theta^(-2 i / n) in float64. llama.cpp multiplies a float32 factor
up pair by pair: the difference is known exactly, both are computed here, and a difference of a moves y0 by
at most |y1| a + |y0| a^2 / 2. Any other
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
    angle = angles(positions, rope)[:, None, :]
    cos, sin = np.cos(angle), np.sin(angle)
    y0, y1 = y[..., first], y[..., second]
    x0, x1 = y0 * cos + y1 * sin, y1 * cos - y0 * sin  # times the magnitude, as y is
    products = ((x0 * cos) ** 2 + (x1 * sin) ** 2, (x0 * sin) ** 2 + (x1 * cos) ** 2)
    off = sum(1 + _sine(arithmetic) ** 2 for arithmetic in pair if arithmetic != "f64") + pair.mixed
    apart = angles_apart(pair, positions, rope)
    out = np.zeros_like(y)
    for at, own, other, product in ((first, y0, y1, products[0]), (second, y1, y0, products[1])):
        out[..., at] = roundings(1, off * product + (pair.narrow + pair.mixed) * own**2)
        if apart is not None:
            delta = apart[:, None, :]
            out[..., at] += (delta * np.abs(other) + delta * delta / 2 * np.abs(own)) ** 2
    out[..., rope.dims :] = U * U * y[..., rope.dims :] ** 2 if pair.mixed else 0.0
    return out


def _sine(arithmetic: str) -> float:
    """How far sine and cosine are off at most, in u."""
    return 2.0 if arithmetic == "f32" else 1.13


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
