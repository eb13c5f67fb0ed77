"""The fused multiply-add of IEEE 754-2019, section 5.4.1, in float32: a * b + c rounded once.

**Why it is right.** The product of two float32 numbers has at most 48 significant bits and its exponent is within float64's:
it is exact in float64. The sum s = fl64(a * b + c) is not always, and rounding it to float32 rounds a second time. Let z be
the exact sum and m a midpoint of two neighbouring float32 numbers (or of the greatest and infinity). Every m is a float64
number, and rounding is monotonic: z < m gives s <= m, z > m gives s >= m. So as long as s is no midpoint, s lies on the
same side of every midpoint as z, and both round to the same float32. Only where s is a midpoint can the second rounding go
wrong, and there the error of the addition, z - s, exact by Knuth's two-sum, says which side z is on; it is 0 where z
itself is the midpoint, and ties to even are right.

A normal float32 has 24 of a float64's 53 bits: s is a midpoint exactly if its lower 29 bits are 1 followed by 28 zeros. Below
2^-126 float32 numbers are further apart than their size says, so there every s is examined on its own. Where float64 holds
every sum exactly, there is nothing to examine (`rounds_once`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_F32, _F64 = np.float32, np.float64
_SHIFT = np.uint64(64 - 29)  # pushes out all but the lower 29 bits
_MIDPOINT = np.uint64(1 << 63)  # those bits where s is a midpoint
_NORMAL = 2.0**-126  # the smallest normal float32


class Accumulator:
    """Sums that products are added to, each addition fused with its multiplication.

    Attributes:
        sums: float32, of any shape.
    """

    def __init__(self, sums: NDArray[np.float32], *, tiny: bool = True, once: bool = False) -> None:
        """Begins with these sums, which are overwritten.

        Args:
            sums: float32, contiguous.
            tiny: whether a sum may be below 2^-126 and not zero. False is a promise: products that are all multiples of
                2^-125 have no such sums.
            once: a promise, see `rounds_once`, that float64 holds every sum exactly: then only float32 rounds.
        """
        self.sums = sums
        self._tiny, self._once = tiny, once
        self._exact = np.empty(sums.shape, _F64)
        self._low = np.empty(0 if once else sums.shape, np.uint64)

    def add(self, products: NDArray[np.float64]) -> None:
        """Adds products, exact in float64 and of the shape of the sums."""
        with np.errstate(over="ignore", invalid="ignore"):  # sums beyond float32 are infinite, as the processor's
            np.add(products, self.sums, out=self._exact)
            if self._once:
                np.copyto(self.sums, self._exact, casting="unsafe")
                return
            np.left_shift(self._exact.view(np.uint64), _SHIFT, out=self._low)
            suspects = self._low == _MIDPOINT
            if self._tiny:
                size = np.abs(self._exact)
                suspects |= (size < _NORMAL) & (size > 0)
            if suspects.any():
                self._exact[suspects] = _moved(self._exact[suspects], products[suspects], self.sums[suspects])
            np.copyto(self.sums, self._exact, casting="unsafe")


def bits_of(numbers: NDArray[np.float64]) -> NDArray[np.intp]:
    """How many binary digits all numbers of a row need together, from the highest digit of any to the lowest of any.

    Args:
        numbers: [rows, columns], multiples of 2^-24 below 2^38, as products of a float16 and a byte are.

    Returns:
        [rows]; 0 for a row of zeros.
    """
    digits: NDArray[np.int64] = np.bitwise_or.reduce(np.abs(numbers * 2.0**24).astype(np.int64), axis=1)
    lowest = digits & -digits
    spread = digits // np.maximum(lowest, 1)
    bits: NDArray[np.intp] = np.frexp(spread.astype(_F64))[1].astype(np.intp)
    return bits


def rounds_once(left: int, right: int, terms: int) -> bool:
    """Whether float64 holds every sum of products of two rows, given the digits that each needs.

    Numbers of a row are multiples of some 2^a and below 2^(a + bits); products are multiples of 2^(a + b), and rounding to
    float32 leaves a sum such a multiple. The sum of n products, rounded at each step, is below n (1 + 2^-24)^n times the
    greatest, so below 2 n 2^(bits + bits) of these multiples: 53 bits hold it if n is below 2^(52 - bits - bits).
    """
    return left + right + int(terms).bit_length() + 1 <= 53


def _moved(
    rounded: NDArray[np.float64], product: NDArray[np.float64], addend: NDArray[np.float32]
) -> NDArray[np.float64]:
    """What rounds to float32 as the exact sum does: midpoints that stand for something else, one step towards it."""
    other = addend.astype(_F64)
    share = rounded - product  # Knuth 1998, section 4.2.2, theorem B: the sum's error, exact
    error = (product - (rounded - share)) + (other - share)
    near = rounded.astype(_F32)
    towards = np.nextafter(near, np.where(rounded > near, _F32(np.inf), _F32(-np.inf)))
    # the greatest float32's neighbour for rounding is 2^128, which float32 writes as infinity
    middle = (_wide(near) + _wide(towards)) / 2
    return np.where((rounded == middle) & (error != 0), np.nextafter(rounded, np.copysign(np.inf, error)), rounded)


def _wide(x: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = x.astype(_F64)
    return np.where(np.isinf(wide), np.copysign(2.0**128, wide), wide)


def fused_multiply_add(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> NDArray[np.float32]:
    """Computes a * b + c, rounded once; what is not float32 is a float32's value.

    Args:
        a: numbers that are float32, of shapes that go together.
        b: what they are multiplied with.
        c: what is added.

    Returns:
        float32 of their common shape.
    """
    products = np.asarray(a, _F64) * np.asarray(b, _F64)
    addend = np.asarray(c, _F32)
    shape = np.broadcast_shapes(products.shape, addend.shape)
    total = Accumulator(np.array(np.broadcast_to(addend, shape), order="C"))
    total.add(np.broadcast_to(products, shape))
    return total.sums
