"""Two implementations that are held against each other, as far as rounding goes: which of them rounds what.

The unit of every null model here is one rounding. A float32 operation returns its exact result times 1 + delta with |delta| <= u,
u = 2^-24; below 2^-126 it is off by at most 2^-150 instead (IEEE 754, round to nearest). Roundings are taken as independent and
of mean 0 (the probabilistic model of Higham and Mary 2019, which they and everybody since found to hold for rounding to
nearest). By Hoeffding's lemma a rounding of a number of size v is then sub-Gaussian with proxy u v, and a linear form of
independent roundings with the root of the sum of the squares. Real roundings spread less: half an ulp is u v only where v is a
power of two, and errors fill the half ulp evenly, so that their root mean square is about 0.4 u v. What is left of
that, 2.4, is the margin of everything below; there is no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

U = 2.0**-24
_SUBNORMAL = 2.0**-150
# most a float32 exponential of a mathematical library is off, relative: numpy's is within 2.52 ulp, ggml's polynomial within
# 1.96 (by their authors' own exhaustive tests), libm's within 1; an ulp is at most 2 u of a number
EXP = 2 * 2.52 * U

_ROUNDS_ACTIVATIONS = ("ggml", "exact")


class Pair(NamedTuple):
    """The judge's arithmetic and the other implementation's, by name: `f64`, `f32`, `ggml` or `exact`.

    `ggml` of the judge sums in float64 and rounds at the end; of the other it is llama.cpp in whatever order its kernels sum.
    """

    judge: str
    other: str

    @property
    def same_bits(self) -> bool:
        """Whether both follow one order of operations, so that every bit must agree."""
        return self.judge == self.other == "exact"

    @property
    def narrow(self) -> int:
        """How many of the two round to float32 on the way."""
        return (self.judge != "f64") + (self.other != "f64")

    @property
    def mixed(self) -> bool:
        """Whether either is in float64: its inputs and outputs are rounded to float32 where they meet, or in a stage file."""
        return self.narrow < 2

    @property
    def activations(self) -> bool:
        """Whether exactly one of the two rounds activations before it multiplies them with weights."""
        return (self.judge in _ROUNDS_ACTIVATIONS) != (self.other in _ROUNDS_ACTIVATIONS)


def roundings(count: float | NDArray[np.float64], energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared proxy of that many independent roundings of numbers whose squares sum to `energy` each time."""
    squared: NDArray[np.float64] = count * (U * U * energy + np.where(energy > 0, _SUBNORMAL * _SUBNORMAL, 0.0))
    return squared
