"""How many float32 numbers lie between two of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Singles = NDArray[np.float32]
    Integers = NDArray[np.signedinteger[Any]]
    Bools = NDArray[np.bool_]

_MAGNITUDE = 0x7FFF_FFFF  # all bits but the sign
_ACROSS = 1 << 23


def ordered(values: Singles) -> Integers:
    """The place of each float32 on one line of whole numbers, int64 of the same shape: neighbours are 1 apart.

    Both zeros stand at 0, the smallest subnormals at -1 and 1, the infinities at ±0x7F800000. NaNs have no place; theirs says nothing.
    """
    return _ordered_bits(values.view(np.int32))


def _ordered_bits(bits: Integers) -> Integers:
    """`ordered`, from the bits as int32."""
    wide = bits.astype(np.int64)
    return np.where(wide < 0, -(wide & _MAGNITUDE), wide)


def max_ulp(a: Singles, b: Singles) -> float:
    """Greatest |ordered(a) - ordered(b)| over the elements whose bits differ, a whole number; NaN if one of them is a NaN.

    Args:
        a: float32, any shape.
        b: float32, the same shape.

    Returns:
        0 without a difference, and for -0 against 0.
    """
    differ = a.view(np.int32) != b.view(np.int32)
    if not differ.any():
        return 0
    a, b = a[differ], b[differ]
    if np.isnan(a).any() or np.isnan(b).any():
        return math.nan
    return int(np.abs(ordered(a) - ordered(b)).max())


def max_ulp_of_bits(a: Integers, b: Integers, scratch: Integers) -> int:
    """As `max_ulp` where no NaN is involved, fast.

    Between numbers of one sign the distance is s = |bits(a) - bits(b)|. Across zero it is the sum of the two magnitudes, and s, cut to
    32 bits, is 2^31 less the difference of the magnitudes: at least 2^23, because no magnitude is above infinity's, 2^31 - 2^23. So only
    elements with such an s have to be looked at more closely.

    Args:
        a: int32, the bits of the subject.
        b: int32, of the reference, the same shape.
        scratch: int32 of the same shape, written over.
    """
    distance = np.subtract(a, b, out=scratch)
    greatest = max(int(np.maximum.reduce(distance, None)), -int(np.minimum.reduce(distance, None)))
    if greatest < _ACROSS:
        return greatest
    # -2^31 has no positive counterpart, but reads as one without a sign
    steps = np.absolute(distance, out=distance).view(np.uint32)
    # of a flat array: looking through one of two dimensions takes several times as long
    large = np.unravel_index(np.flatnonzero(steps >= _ACROSS), a.shape)
    steps[large] = 0
    true = int(np.abs(_ordered_bits(a[large]) - _ordered_bits(b[large])).max())
    return true if true >= _ACROSS else max(true, int(steps.max()))
