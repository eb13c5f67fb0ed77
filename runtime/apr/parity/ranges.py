"""What the numbers of a measurement may be, field by field: a record with anything else was not written by a run.

A type says what a value looks like, a range what it can be. A count below 1 or a probability of 0 would make bounds that have no
meaning, and a distance below 0 would pass under every bound.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Range(NamedTuple):
    """Which numbers a field may hold.

    Attributes:
        low, high: the least and the greatest.
        inside: low and high themselves are out.
        nan: whether NaN may be there.
        words: what it has to be, as an error says it.
    """

    low: float
    high: float
    inside: bool
    nan: bool
    words: str

    def holds(self, value: float) -> bool:
        """Whether a number may be there."""
        if math.isnan(value):
            return self.nan
        return self.low < value < self.high if self.inside else self.low <= value <= self.high


COUNT = Range(0, math.inf, inside=False, nan=False, words="0 or more")
SOME = Range(1, math.inf, inside=False, nan=False, words="1 or more")
DISTANCE = Range(0, math.inf, inside=False, nan=True, words="0 or more, infinite, or NaN")
SHARE = Range(0, 1, inside=False, nan=True, words="from 0 to 1, or NaN")
COSINE = Range(-1, 1, inside=False, nan=True, words="from -1 to 1, or NaN")
# bounds follow from trials * tests / alpha, which has to be a number: there are fewer than 2**63 trials, and tests fit a file
RATE = Range(1e-100, 1, inside=True, nan=False, words="between 1e-100 and 1")
ANY = Range(-math.inf, math.inf, inside=False, nan=True, words="a number")

# by class and field; of a list or a mapping every item
RANGES: dict[str, dict[str, Range]] = {
    "Element": {"index": COUNT, "a": ANY, "b": ANY, "abs_diff": DISTANCE},
    "Difference": {
        "count": COUNT,
        "n_different": COUNT,
        "max_abs_diff": DISTANCE,
        "max_abs_diff_index": COUNT,
        "rms_diff": DISTANCE,
        "relative_rms": DISTANCE,
        "nmse": DISTANCE,
        "cosine": COSINE,
        "worst_position": COUNT,
        "worst_position_relative_rms": DISTANCE,
        "nan_a": COUNT,
        "nan_b": COUNT,
        "inf_a": COUNT,
        "inf_b": COUNT,
        "nonfinite_mismatches": COUNT,
        "max_ulp": DISTANCE,
        "worst_channel": COUNT,
        "worst_channel_relative_rms": DISTANCE,
    },
    "Test": {
        "value": DISTANCE,
        "count": SOME,
        "trials": SOME,
        "unit": DISTANCE,
        "position": COUNT,
        "channel": COUNT,
        "reach": DISTANCE,
    },
    "Kind": {"explains": SHARE},
    "Histogram": {"counts": COUNT, "zeros": COUNT},
    "Predictions": {"kl": DISTANCE, "argmax_differs": COUNT, "argmax_gap": DISTANCE, "shared": SHARE},
    "Cell": {"prompt": COUNT, "positions": DISTANCE, "first_position": COUNT},
    "Party": {"passes": COUNT},
    "Vote": {"distances": DISTANCE},
    "Rung": {"share": ANY, "relative_rms": DISTANCE},
    "Origin": {"alpha": RATE},
    "Worker": {"units": COUNT},
    "Execution": {
        "units": COUNT,
        "retries": COUNT,
        "in_flight": COUNT,
        "captures_written": COUNT,
        "captures_read": COUNT,
        "weights_read": COUNT,
    },
    "Measurement": {"prompts": COUNT},
    "Power": {"gain": DISTANCE, "bias": DISTANCE, "channel": DISTANCE, "element": DISTANCE},
    "Divergence": {
        "prompt": COUNT,
        "position": COUNT,
        "channel": COUNT,
        "distance": DISTANCE,
        "bound": DISTANCE,
        "excess": DISTANCE,
    },
    "Verdict": {"alpha": RATE, "tests": COUNT, "by_hand": DISTANCE},
}
