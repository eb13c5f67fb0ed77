"""How far two arrays are apart: one definition for each measure, summed in float64 from tiles that stay in the cache.

Throughout, `a` is the subject, `b` the reference, n the number of elements and d = a - b. What is not finite never
vanishes: as soon as either side holds a NaN or an infinity, every measure that divides (relative RMS, NMSE, cosine) is NaN.
"""

from __future__ import annotations

from apr.parity.metrics.accumulate import Accumulator, compare_arrays, compare_with_profiles, profiles
from apr.parity.metrics.difference import Difference, Element
from apr.parity.metrics.formulas import ratio
from apr.parity.metrics.ids import IdAccumulator
from apr.parity.metrics.profiles import Profiles
from apr.parity.metrics.stage import accumulator_of, compare_stage

# elements to read at a time: some tiles
BLOCK = 1 << 18

__all__ = [
    "BLOCK",
    "Accumulator",
    "Difference",
    "Element",
    "IdAccumulator",
    "Profiles",
    "accumulator_of",
    "compare_arrays",
    "compare_stage",
    "compare_with_profiles",
    "profiles",
    "ratio",
]
