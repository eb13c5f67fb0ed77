"""Faults of rounding that show where many activations lie halfway between two codes, as the first layer's of a trained model do.

Its embedding holds few different numbers, and so do the activations made of them; those of random models show nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.arithmetic import in_blocks_of_32, rounding
from apr.mutants.planting import Mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_F32 = np.float32


def _by_reciprocal(parts: Floats, scale: Floats) -> Floats:
    """Multiplied with the reciprocal of the scale."""
    codes: Floats = np.rint(parts * (_F32(1) / scale))
    return codes


def _away_from_zero(parts: Floats, _scale: Floats) -> Floats:
    scaled = parts * (_F32(127) / np.abs(parts).max(axis=-1, keepdims=True))
    codes: Floats = np.trunc(scaled + np.copysign(_F32(0.5), scaled))
    return codes


_ALL = [
    Mutant("activations-by-reciprocal", "activations meet the reciprocal of the scale, not 127 / amax", "qkv_matmul", 0,
           rounding(in_blocks_of_32(_by_reciprocal)), kinds=("rounding",)),
    Mutant("activations-half-away", "the activations' codes round ties away from zero", "qkv_matmul", 0,
           rounding(in_blocks_of_32(_away_from_zero)), kinds=("rounding",)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
