"""Null models of stages that handle each element by itself, and of rows that are only looked up.

One operation of IEEE 754 on the same two float32 numbers has one result: sums of two (residuals, biases) and rows of the
embedding agree in every bit between all that round to float32. Against float64 a sum a + b is rounded once, u (a + b), and its
inputs may have been.

`ffn_silu`, y = x / (1 + exp(-x)): with s = 1 / (1 + exp(-x)) an exponential that is off by a factor 1 + e moves y by a factor
1 - (1 - s) e. A side in float32 computes: exp off by at most `EXP`, an addition and a division, u each. The numpy judge computes it in
float64 and rounds once. The error of an exponential is a function of its argument and not random: taken as common to a row.

`ffn_swigl`, silu(gate) * up: one rounding of the product; an engine with a fused gated unit also shows its silu's error here,
because the silu that the judge multiplies is not the one that the engine did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.parity.null.pair import EXP, Pair, U, roundings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]


def variance_of_addition(pair: Pair, y: Doubles, *terms: Doubles) -> Doubles:
    """Squared proxies of a sum of two: 0 unless one side is in float64."""
    if not pair.mixed:
        return np.zeros_like(y)
    return roundings(1, sum((term * term for term in terms), y * y))


def variance_of_silu(pair: Pair, gate: Doubles, y: Doubles) -> Doubles:
    """Squared proxies of x / (1 + exp(-x)) for x in `gate`, or of what is proportional to it."""
    with np.errstate(over="ignore"):
        falling = 1 - 1 / (1 + np.exp(-gate))
    own = roundings(1 + (pair.judge != "f64") + 2 * pair.mixed, y * y)
    return own + (EXP * EXP * falling * falling + 2 * U * U) * (y * y) if pair.other != "f64" else own


def rank_of_silu(pair: Pair, y: Doubles) -> Doubles | None:
    """[positions]: the exponential's part of the error, nearly all of it, has one sign as far as anybody promises."""
    return None if pair.other == "f64" else np.ones(len(y))
