"""Signs of a formula that a reader may not know, each with what it means."""

from __future__ import annotations

from enum import StrEnum


class Sign(StrEnum):
    """A sign, by its meaning: what a page says below its formulas."""

    ROWS = "An index runs along the last axis of an array; every row stands for itself."
    WHOLE = "Where no index is written, a sum, a mean, a maximum or a norm runs along the last axis."
    GAMMA = "\u03b3ₙ = n u / (1 \u2212 n u): how far n roundings lead (Higham 2002, lemma 3.1)."
    ROUNDOFF = "u is the unit roundoff of the result's type: 2⁻²⁴ in float32, 2⁻¹¹ in float16, 2⁻⁸ in bfloat16."
    TINY = "tiny is the smallest normal number of the result's type."
    SMALLEST = "smallest is the smallest subnormal number of the result's type."
    SAME = "≡ is equality of every bit, where any NaN equals any other."
    ULPS = "ulps(a, b) counts the numbers of the result's type between the two."
    NEAREST = "round(x) is the nearest whole number, and of two the even one."
    PRODUCT = (
        "⊙ multiplies element by element; where nothing stands between two matrices, they are multiplied as matrices."
    )
    CAST = "f32, f16, bf16, i32 and the like round to that type; everything else is computed in float64."
    RESULT = "y is what the kernel gives."
    PARTS = "a:b in a subscript is the part from a up to, but without, b; …: all axes before the last."
