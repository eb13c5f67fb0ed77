"""What examples are made of: the choices that Hypothesis makes, varies, stores and shrinks.

A property takes a handful of choices an example, straight from the engine. Built out of the public strategies the same choices take
several times as long, most of it for looking for parts of one example to exchange with parts of another, and arrays are no such parts.
All of Hypothesis that is not public and that running a property touches is in here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis.strategies import SearchStrategy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Value = TypeVar("Value")
_NEARLY = 0.97  # how often
_REPEATED = 0x70760001  # a label of our own, by which the engine knows parts that are alike


class Choices:
    """Makes one choice after the other; 0, the first and the lowest are what they shrink to."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def integer(self, low: int, high: int) -> int:
        """A whole number, both ends possible."""
        if low == high:
            return low
        near = min(max(low, 0), high)
        return int(self._data.draw_integer(low, high, shrink_towards=near))

    def number(self, low: float, high: float) -> float:
        """A float64, both ends possible."""
        if low == high:
            return low
        return float(self._data.draw_float(low, high, allow_nan=False))

    def one_of(self, values: Sequence[Value]) -> Value:
        """One of a list."""
        return values[self.integer(0, len(values) - 1)]

    def repeated(self, make: Callable[[Choices], Value], most: int) -> list[Value]:
        """Nearly always `most` of what a function makes; what is shrunk keeps the one that it is about."""
        made = []
        for _ in range(int(self._data.draw_integer(1, most, weights={most: _NEARLY}, shrink_towards=1))):
            self._data.start_span(_REPEATED)
            made.append(make(self))
            self._data.stop_span()
        return made

    def bytes(self, count: int) -> bytes:
        """So many bytes."""
        return bytes(self._data.draw_bytes(count, count))


class Made(SearchStrategy[Value]):
    """A strategy for what a function makes out of choices."""

    def __init__(self, make: Callable[[Choices], Value]) -> None:
        super().__init__()
        self._make = make

    def do_draw(self, data: Any) -> Value:
        """Called by Hypothesis for each example."""
        return self._make(Choices(data))
