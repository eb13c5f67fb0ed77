"""A difference by position and by channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Profiles:
    """Two arrays of T positions and C channels; a is the subject, b the reference, d = a - b, sums in float64.

    A NaN or an infinity on either side makes its position and its channel NaN.

    Attributes:
        position_relative_rms: float64 [T], sqrt(sum_c(d²) / sum_c(b²)); 0/0 is 0, x/0 is infinite.
        position_max_abs: float64 [T], max_c |d| over the elements whose bits differ; where both sides are float32, right to three roundings of
            float32.
        channel_relative_rms: float64 [C], rms_t(d) / max(rms_t(b), the usual channel's): see `formulas.channel_relative_rms` for why.
        channel_error: float64 [C], sum_t(d²).
        channel_power: float64 [C], sum_t(b²).
        worst_position: the greatest relative RMS, NaN first, then the lowest.
        worst_channel: the greatest relative RMS, NaN first, then the lowest.
    """

    position_relative_rms: Doubles
    position_max_abs: Doubles
    channel_relative_rms: Doubles
    channel_error: Doubles
    channel_power: Doubles
    worst_position: int
    worst_channel: int

    @property
    def worst_position_relative_rms(self) -> float:
        """Of the worst position."""
        return float(self.position_relative_rms[self.worst_position])

    @property
    def worst_channel_relative_rms(self) -> float:
        """Of the worst channel."""
        return float(self.channel_relative_rms[self.worst_channel])
