"""Round numbers along an axis, and where they stand."""

from __future__ import annotations

import math
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 5.0, 10.0)
_WANTED = 5  # ticks, more or less
_DECADES = 7  # of a logarithmic axis that are named


@dataclass(frozen=True)
class Axis:
    """From numbers to places in a picture.

    Attributes:
        low, high: of the numbers, `low < high`; both above 0 where it is logarithmic.
        start, end: where these stand.
        log: whether it is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Where a number stands."""
        low, high, here = (self._scaled(one) for one in (self.low, self.high, value))
        return self.start + (here - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round numbers between both ends."""
        return _decades(self.low, self.high) if self.log else _round(self.low, self.high)

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value


def widened(low: float, high: float, *, log: bool) -> tuple[float, float]:
    """Ends with some room beyond what is shown, so that no curve runs along the frame."""
    if log:
        return low / 1.3, high * 1.3
    if low == high:
        return low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    room = (high - low) * 0.06
    return low - room, high + room


def label(value: float, *, log: bool = False) -> str:
    """A tick's number as it is read: short, with a real minus, powers of ten where it is large or small."""
    if log or (value and not 1e-3 <= abs(value) < 1e5):
        power = round(math.log10(abs(value))) if log else math.floor(math.log10(abs(value)))
        if log and 0 <= power <= 3:
            return str(10**power)
        head = "" if log else f"{value / 10**power:.3g}".rstrip(".")
        tail = f"10{str(power).translate(_RAISED)}"
        text = tail if head in ("", "1") else f"-{tail}" if head == "-1" else f"{head}·{tail}"
    else:
        text = f"{value:.6g}"
    return text.replace("-", "\u2212")


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _round(low: float, high: float) -> list[float]:
    rough = (high - low) / _WANTED
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((one * power for one in _STEPS), key=lambda one: abs(one - rough))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [at * step for at in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = max(1, -(-(last - first) // _DECADES))
    return [10.0**at for at in range(first, last + 1, every)]
