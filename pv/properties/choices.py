"""What examples are made of: the choices that Hypothesis makes, varies, stores and shrinks.

A property takes a handful of choices an example, straight from the engine. Built out of the public strategies the same choices take
several times as long, most of it for looking for parts of one example to exchange with parts of another, and arrays are no such parts.
All of Hypothesis that is not public and that running a property touches is in here; where it is otherwise than here, the public
strategies are used.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Value = TypeVar("Value")
_REPEATED = 0x70760001  # a label of our own, by which the engine knows parts that are alike
_OFTEN = 128  # of so many numbers, those below `most` mean fewer repetitions


class Choices(Protocol):
    """Makes one choice after the other; 0, the first and the lowest are what they shrink to."""

    def integer(self, low: int, high: int) -> int:
        """A whole number, both ends possible."""

    def number(self, low: float, high: float) -> float:
        """A float64, both ends possible."""

    def one_of(self, values: Sequence[Value]) -> Value:
        """One of a list."""

    def repeated(self, make: Callable[[Choices], Value], most: int) -> list[Value]:
        """Nearly always `most` of what a function makes; what is shrunk keeps the one that it is about."""

    def bytes(self, count: int) -> bytes:
        """So many bytes."""


def made(make: Callable[[Choices], Value]) -> SearchStrategy[Value]:
    """A strategy for what a function makes out of choices."""
    if _engine_is_known():
        return _OfEngine(make)

    @st.composite
    def of_strategies(draw: Any) -> Value:
        return make(_Public(draw))

    return of_strategies()


@functools.cache
def _engine_is_known() -> bool:
    """Whether Hypothesis's engine is asked as it is asked here."""
    try:
        from hypothesis.internal.conjecture.data import ConjectureData  # noqa: PLC0415  not public
    except ImportError:
        return False
    asked = {
        "draw_integer": ("min_value", "max_value", "shrink_towards"),
        "draw_float": ("min_value", "max_value", "allow_nan"),
        "draw_bytes": ("min_size", "max_size"),
        "start_span": ("label",),
        "stop_span": (),
    }
    for name, wanted in asked.items():
        method = getattr(ConjectureData, name, None)
        if method is None or not set(wanted) <= set(inspect.signature(method).parameters):
            return False
    return True


class _OfEngine(SearchStrategy[Value]):
    """A strategy that asks the engine itself."""

    def __init__(self, make: Callable[[Choices], Value]) -> None:
        super().__init__()
        self._make = make

    def do_draw(self, data: Any) -> Value:
        """Called by Hypothesis for each test."""
        return self._make(_Engine(data))


class _Engine:
    """Choices of the engine."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def integer(self, low: int, high: int) -> int:
        if low == high:
            return low
        return int(self._data.draw_integer(low, high, shrink_towards=min(max(low, 0), high)))

    def number(self, low: float, high: float) -> float:
        return low if low == high else float(self._data.draw_float(low, high, allow_nan=False))

    def one_of(self, values: Sequence[Value]) -> Value:
        return values[self.integer(0, len(values) - 1)]

    def repeated(self, make: Callable[[Choices], Value], most: int) -> list[Value]:
        found = []
        for _ in range(min(most, self.integer(1, _OFTEN))):
            self._data.start_span(_REPEATED)
            found.append(make(self))
            self._data.stop_span()
        return found

    def bytes(self, count: int) -> bytes:
        return bytes(self._data.draw_bytes(count, count))


class _Public:
    """Choices out of public strategies."""

    def __init__(self, draw: Callable[[SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))

    def number(self, low: float, high: float) -> float:
        return float(self._draw(st.floats(low, high)))

    def one_of(self, values: Sequence[Value]) -> Value:
        value: Value = self._draw(st.sampled_from(values))
        return value

    def repeated(self, make: Callable[[Choices], Value], most: int) -> list[Value]:
        return [make(self) for _ in range(min(most, self.integer(1, _OFTEN)))]

    def bytes(self, count: int) -> bytes:
        return bytes(self._draw(st.binary(min_size=count, max_size=count)))
