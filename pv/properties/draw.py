"""Sizes and arrays of a domain as a Hypothesis strategy.

An array is drawn as few choices: a way of filling it, a seed, and up to 32 words that stand for its first elements. Large arrays so
cost no more than small ones, and what is shrunk is small: sizes go first, and what is left then consists of drawn words alone.
Zero words are zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from pv.formal.domain import Size
from pv.properties.arrays import FLOATS, NUMPY, Array, cast
from pv.properties.evaluate import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis.strategies import DrawFn, SearchStrategy

    from pv.formal.domain import Domain, Input

_WORDS = 32  # elements of an array that are drawn one by one
_SPAN = 2.0**32  # of a word
_DEEP = 60  # how many powers of two below the greatest magnitudes lie when they are drawn by exponent
_WHOLE, _EVEN, _BY_EXPONENT, _TIES, _SPECIAL, _OUTLIER = range(6)


def examples(domain: Domain) -> SearchStrategy[dict[str, Any]]:
    """A strategy for the values of all entries of a domain, by name."""

    @st.composite
    def values(draw: DrawFn) -> dict[str, Any]:
        drawn: dict[str, Any] = {}
        for entry in domain.entries:
            scope = Scope(drawn)
            drawn[entry.name] = _size(draw, entry, scope) if isinstance(entry, Size) else _input(draw, entry, scope)
        return drawn

    return values()


def like(draw: DrawFn, entry: Input, values: Mapping[str, Any]) -> Any:
    """Another value of an input, beside those that were drawn."""
    return _input(draw, entry, Scope(values))


def _size(draw: DrawFn, size: Size, scope: Scope) -> int:
    if size.choices:
        return draw(st.sampled_from(size.choices))
    low, high = (int(scope.evaluate(bound)) for bound in (size.low, size.high) if bound is not None)
    return draw(st.integers(low, max(low, high)))


def _input(draw: DrawFn, entry: Input, scope: Scope) -> Any:
    if entry.shape is None:
        return _scalar(draw, entry, scope)
    shape = tuple(int(scope.evaluate(axis)) for axis in entry.shape)
    count = int(np.prod(shape, dtype=np.int64))
    return array_of(draw, entry, scope, count).reshape(shape)


def _scalar(draw: DrawFn, entry: Input, scope: Scope) -> Any:
    if entry.values:
        value = draw(st.sampled_from(entry.values))
        return cast(value, entry.dtype).item()
    if entry.dtype == "bool":
        return draw(st.booleans())
    low, high = _bounds(entry, scope)
    if entry.dtype in FLOATS:
        # Hypothesis gives no NaN between two bounds
        if entry.nonfinite and draw(st.integers(0, 7)) == 7:
            return draw(st.sampled_from((np.nan, np.inf, -np.inf)))
        return _within(cast(draw(st.floats(low, high)), entry.dtype), low, high, entry).item()
    return draw(st.integers(int(np.ceil(low)), int(np.floor(high))))


def array_of(draw: DrawFn, entry: Input, scope: Scope, count: int) -> Array:
    """`count` elements of an input, in a row."""
    way = draw(st.integers(0, 5))
    words = np.frombuffer(draw(st.binary(min_size=4 * min(count, _WORDS), max_size=4 * min(count, _WORDS))), "<u4")
    if count > _WORDS:
        words = np.concatenate([words, _noise(draw(st.integers(0, 2**32 - 1)), count - _WORDS)])
    made = _filled(entry, scope, words, way)
    if entry.distinct:
        return _distinct(made, entry, scope)
    return made


def _noise(seed: int, count: int) -> Array:
    """Words out of a seed; 0 gives zeros."""
    if seed == 0:
        return np.zeros(count, np.uint32)
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 1 << 32, count, np.uint32)


def _filled(entry: Input, scope: Scope, words: Array, way: int) -> Array:
    if entry.values:
        return cast(np.asarray(entry.values)[words % len(entry.values)], entry.dtype)
    if entry.dtype == "bool":
        return (words & 1).astype(np.bool_)
    if entry.any_bits or (entry.dtype == "u8" and entry.low is None):
        return _patterns(words, entry.dtype)
    low, high = _bounds(entry, scope)
    if entry.dtype not in FLOATS:
        return _integers(words, low, high, way).astype(NUMPY[entry.dtype])
    values = _floats(words, low, high, way, entry.dtype)
    made = _within(cast(values, entry.dtype), low, high, entry)
    if entry.nonfinite:
        made = made.copy()
        rare = (words >> 8) % 16 if way else np.full(words.shape, 15)
        for number, value in enumerate((np.nan, np.inf, -np.inf)):
            made[rare == number] = value
    return made


def _patterns(words: Array, dtype: str) -> Array:
    """Any bits. Of 64-bit numbers the lower half repeats the upper one, mixed."""
    if dtype == "bf16":
        return ((words >> 16).astype(np.uint32) << 16).view(np.float32)
    width = np.dtype(NUMPY[dtype]).itemsize
    if width == 8:
        mixed = words.astype(np.uint64) << np.uint64(32) | (words * np.uint32(2654435761)).astype(np.uint64)
        return mixed.view(NUMPY[dtype])
    unsigned = {4: np.uint32, 2: np.uint16, 1: np.uint8}[width]
    return (words >> (32 - 8 * width)).astype(unsigned).view(NUMPY[dtype])


def _bounds(entry: Input, scope: Scope) -> tuple[float, float]:
    if entry.low is None or entry.high is None:
        return -1.0, 1.0
    low, high = float(scope.evaluate(entry.low)), float(scope.evaluate(entry.high))
    return low, max(low, high)


def _integers(words: Array, low: float, high: float, way: int) -> Array:
    first, last = int(np.ceil(low)), int(np.floor(high))
    span = last - first + 1
    if way == _TIES:
        span = min(span, 3)
    start = min(max(first, 0), last - span + 1)  # 0 where that is possible: it is what shrinks best
    steps = (words.astype(np.uint64) % np.uint64(max(1, span))).astype(np.int64)
    return np.where(start + steps > last, start + steps - span, start + steps)


def _floats(words: Array, low: float, high: float, way: int, dtype: str) -> Array:
    """float64 numbers that the words stand for, most of them within the bounds."""
    negative, half = (words & 1).astype(bool), words >> 1  # so a small word is a small number
    unit = half / (_SPAN / 2)
    ends = np.where(negative & (low < 0), low, high) if high > 0 else np.full(words.shape, low)
    if low > 0 or high < 0:  # zero lies outside: the end nearer to it takes its place
        near, far = (low, high) if low > 0 else (high, low)
        return _beside(unit, near, far, way, words)
    ways: dict[int, Callable[[], Array]] = {
        _WHOLE: lambda: np.sign(ends) * (half % 8),
        _EVEN: lambda: ends * unit,
        _BY_EXPONENT: lambda: np.where(half == 0, 0.0, ends * 2.0 ** (-_DEEP * unit)),
        _TIES: lambda: ends * (half % 3) / 4,
        _SPECIAL: lambda: _special(words, ends, dtype),
        _OUTLIER: lambda: np.where(_one_of(words), ends, ends * unit * 1e-3),
    }
    return ways[way]()


def _one_of(words: Array) -> Array:
    """True at one place."""
    return np.equal(np.arange(words.size), int(words.sum() % max(1, words.size)))


def _beside(unit: Array, near: float, far: float, way: int, words: Array) -> Array:
    if way in (_WHOLE, _TIES):
        tied: Array = near + (far - near) * (words % 3) / 4
        return tied
    if way == _BY_EXPONENT:
        spread: Array = near * (far / near) ** unit
        return spread
    return np.where((words % 16 == 1) if way == _SPECIAL else False, far, near + (far - near) * unit)


def _special(words: Array, ends: Array, dtype: str) -> Array:
    unit, normal, least = FLOATS[dtype]
    table = np.array(
        [0.0, 1.0, -0.0, 0.5, 1 + 2 * unit, 1 - unit, normal, least, 3 * least, normal - least, 2.0, 100.0]
    )
    chosen = table[(words >> 1) % len(table)] * np.where(ends < 0, -1.0, 1.0)
    return np.where((words >> 5) % 8 == 7, ends, chosen)


def _within(made: Array, low: float, high: float, entry: Input) -> Array:
    """Nothing beyond the bounds, those rounded inwards."""
    bottom, top = cast(low, entry.dtype), cast(high, entry.dtype)
    with np.errstate(all="ignore"):
        # a bound that was rounded outwards is no element of the domain
        step = np.float32(0) if entry.dtype == "bf16" else None
        if step is None:
            bottom = np.nextafter(bottom, np.inf, dtype=bottom.dtype) if float(bottom) < low else bottom
            top = np.nextafter(top, -np.inf, dtype=top.dtype) if float(top) > high else top
        inside = np.clip(made, bottom, top)
    return np.asarray(np.where(np.isnan(made), made, inside), made.dtype)


def _distinct(made: Array, entry: Input, scope: Scope) -> Array:
    """The same with each repeated element moved to a place of its own between the bounds."""
    low, high = _bounds(entry, scope)
    _, first = np.unique(made, return_index=True)
    again = np.setdiff1d(np.arange(made.size), first)
    if not again.size:
        return made
    spare = cast(np.linspace(low, high, 4 * made.size + 1), entry.dtype)
    free = np.setdiff1d(spare, made)
    if free.size < again.size:  # the dtype has too few numbers there
        reject()
    moved = made.copy()
    moved[again] = free[: again.size]
    return moved
