"""Sizes and arrays of a domain as a Hypothesis strategy.

An array is one choice of 12 bytes: a way of filling it, a seed, and one byte for each of its first 8 elements. What is still missing of a
32-bit word comes out of the seed, and so do all further elements. Large arrays so cost no more than small ones, and what is shrunk is
small: sizes go first, then the seed, and what is left consists of drawn bytes alone. Zero words are zeros, and a seed of 0 has only such.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import reject

from pv.formal.domain import Size
from pv.properties.arrays import FLOATS, NUMPY, Array, cast
from pv.properties.choices import Choices, made
from pv.properties.evaluate import Scope, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis.strategies import SearchStrategy

    from pv.formal.domain import Domain, Input
    from pv.formal.language import Expression

_MOST = 1 << 22  # elements of an array
_SINGLE = 8  # elements of an array that are drawn one by one, a byte for each
_SEED = 3  # bytes of the seed of everything else
_SPAN = 2.0**32  # of a word
_TABLE = 1 << 16  # words of noise
_TOP = 25  # a word without these lower bits is what was drawn for it
_DEEP = 60  # how many powers of two below the greatest magnitudes lie when they are drawn by exponent
_WAYS = 6
_WHOLE, _EVEN, _BY_EXPONENT, _TIES, _SPECIAL, _OUTLIER = range(_WAYS)


def examples(domain: Domain) -> SearchStrategy[dict[str, Any]]:
    """A strategy for the values of all entries of a domain, by name."""
    return made(lambda choices: values_of(choices, domain))


def values_of(choices: Choices, domain: Domain) -> dict[str, Any]:
    """The values of all entries of a domain, by name."""
    drawn: dict[str, Any] = {}
    for entry in domain.entries:
        scope = Scope(drawn)
        drawn[entry.name] = _size(choices, entry, scope) if isinstance(entry, Size) else _input(choices, entry, scope)
    return drawn


def like(choices: Choices, entry: Input, values: Mapping[str, Any]) -> Any:
    """Another value of an input, beside those that were drawn."""
    return _input(choices, entry, Scope(values))


def _number(expression: Expression, scope: Scope) -> float:
    """What a bound or a length comes to."""
    plain = _literal(expression)
    return float(scope.evaluate(expression)) if plain is None else plain


@functools.lru_cache(maxsize=1024)
def _literal(expression: Expression) -> float | None:
    """The value of an expression that speaks of nothing drawn; None if it does."""
    return None if expression.names else float(Scope({}).evaluate(expression))


def _size(choices: Choices, size: Size, scope: Scope) -> int:
    if size.choices:
        return choices.one_of(size.choices)
    low, high = (int(_number(bound, scope)) for bound in (size.low, size.high) if bound is not None)
    return choices.integer(low, max(low, high))


def _input(choices: Choices, entry: Input, scope: Scope) -> Any:
    if entry.shape is None:
        return _scalar(choices, entry, scope)
    shape = tuple(int(_number(axis, scope)) for axis in entry.shape)
    count = math.prod(shape)
    if count > _MOST:
        raise Unusable(f"{entry.name} of shape {list(shape)} has {count} elements; {_MOST} are the most that is drawn")
    return array_of(choices, entry, scope, count).reshape(shape)


def _scalar(choices: Choices, entry: Input, scope: Scope) -> Any:
    if entry.values:
        value = choices.one_of(entry.values)
        return cast(value, entry.dtype).item()
    if entry.dtype == "bool":
        return bool(choices.integer(0, 1))
    low, high = _bounds(entry, scope)
    if entry.dtype in FLOATS:
        if entry.nonfinite and choices.integer(0, 7) == 7:
            return choices.one_of((np.nan, np.inf, -np.inf))
        end = choices.integer(0, 7)  # an end of the range is where much is decided: one in four
        number = {6: low, 7: high}[end] if end > 5 else choices.number(low, high)
        return _within(cast(number, entry.dtype), low, high, entry).item()
    return choices.integer(int(np.ceil(low)), int(np.floor(high)))


def array_of(choices: Choices, entry: Input, scope: Scope, count: int) -> Array:
    """`count` elements of an input, in a row."""
    drawn = choices.bytes(1 + _SEED + _SINGLE)  # as many for any length, so that a shorter array is made of the same
    words = _noise(int.from_bytes(drawn[1 : 1 + _SEED], "little"), count)
    single = np.frombuffer(drawn, np.uint8, min(count, _SINGLE), 1 + _SEED)
    # the byte stands for size and sign, as a small word is a small number (`_floats`); the bits between are noise
    words[: len(single)] = (single >> 1).astype(np.uint32) << 25 | words[: len(single)] >> 8 << 1 | (single & 1)
    made = _filled(entry, scope, words, drawn[0] % _WAYS)
    if entry.distinct:
        return _distinct(made, entry, scope)
    return made


def _noise(seed: int, count: int) -> Array:
    """Words out of a seed; 0 gives zeros. A generator of its own would take longer to start than all else takes."""
    if seed == 0:
        return np.zeros(count, np.uint32)
    table = _table(max(_TABLE, 2 * count))
    start = seed * 0x9E3779B1 % (len(table) - count)
    mixed: Array = table[start : start + count] ^ np.uint32(seed * 0x85EBCA6B & 0xFFFFFFFF)
    return mixed


@functools.lru_cache(maxsize=4)
def _table(count: int) -> Array:
    """Random words, from which every seed reads at a place of its own."""
    return np.random.Generator(np.random.PCG64(30)).integers(0, 1 << 32, count, np.uint32)


def _filled(entry: Input, scope: Scope, words: Array, way: int) -> Array:
    if entry.values:
        return cast(np.asarray(entry.values)[_below(words, len(entry.values))], entry.dtype)
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


def _below(words: Array, count: int) -> Array:
    """Whole numbers from 0 on, so many of them, that rise with the words."""
    return (words.astype(np.uint64) * np.uint64(count) >> np.uint64(32)).astype(np.int64)


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
    low, high = _number(entry.low, scope), _number(entry.high, scope)
    return low, max(low, high)


def _integers(words: Array, low: float, high: float, way: int) -> Array:
    first, last = int(np.ceil(low)), int(np.floor(high))
    span = last - first + 1
    if way == _TIES:
        span = min(span, 3)
    start = min(max(first, 0), last - span + 1)  # 0 where that is possible: it is what shrinks best
    steps = _below(words, max(1, span))
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
        _WHOLE: lambda: np.sign(ends) * ((words >> _TOP) % 8),
        _EVEN: lambda: ends * unit,
        _BY_EXPONENT: lambda: np.where(half == 0, 0.0, ends * 2.0 ** (-_DEEP * unit)),
        _TIES: lambda: ends * ((words >> _TOP) % 3) / 4,
        _SPECIAL: lambda: _special(words, ends, dtype),
        _OUTLIER: lambda: np.where(_one_of(words), ends, ends * unit * 1e-3),
    }
    return ways[way]()


def _one_of(words: Array) -> Array:
    """True at one place."""
    return np.equal(np.arange(words.size), int(words.sum() % max(1, words.size)))


def _beside(unit: Array, near: float, far: float, way: int, words: Array) -> Array:
    if way in (_WHOLE, _TIES):
        tied: Array = near + (far - near) * ((words >> _TOP) % 3) / 4
        return tied
    if way == _BY_EXPONENT:
        spread: Array = near * (far / near) ** unit
        return spread
    return np.where(((words >> _TOP) % 16 == 1) if way == _SPECIAL else False, far, near + (far - near) * unit)


def _special(words: Array, ends: Array, dtype: str) -> Array:
    unit, normal, least = FLOATS[dtype]
    table = np.array(
        [0.0, 1.0, -0.0, 0.5, 1 + 2 * unit, 1 - unit, normal, least, 3 * least, normal - least, 2.0, 100.0]
    )
    chosen = table[(words >> _TOP) % len(table)] * np.where(ends < 0, -1.0, 1.0)
    return np.where(words >> (_TOP + 3) == 15, ends, chosen)


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
