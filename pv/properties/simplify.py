"""A counterexample made simpler still: smaller sizes, then plainer numbers, while it stays one.

Hypothesis shrinks the choices that an example is made of. What elements come to that were drawn in bulk it cannot choose; here they are
tried as they are: 0, 1, and numbers of few digits, all of them within the domain.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy as np

from pv.properties.arrays import FLOATS, cast
from pv.properties.evaluate import Scope, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pv.formal.domain import Domain, Input, Size

    Values = dict[str, Any]
    Fails = Callable[[Values], bool]

_MOST = 48  # elements of an array that are tried one by one
_ROUNDS = 8


def simplified(values: Values, domain: Domain, fails: Fails) -> Values:
    """A simpler example for which the property fails as well; `values` itself where there is none.

    Args:
        values: an example for which it fails.
        domain: of the values.
        fails: whether it fails for others.
    """
    best = values
    # what was drawn beside the domain has the sizes of the example it was drawn for
    tied = any(np.ndim(value) for name, value in values.items() if name not in domain.names)
    for _ in range(_ROUNDS):
        before = best
        for size in () if tied else domain.sizes.values():
            best = _shorter(best, domain, size, fails)
        for entry in domain.inputs.values():
            best = _plainer(best, entry, fails)
        if best is before:
            break
    return best


def _shorter(values: Values, domain: Domain, size: Size, fails: Fails) -> Values:
    for length in _lengths(values, size):
        for end in (slice(None, length), slice(-length, None) if length else slice(0, 0)):
            candidate = _cut(values, domain, size.name, length, end)
            if candidate is not None and fails(candidate):
                return candidate
    return values


def _lengths(values: Values, size: Size) -> Iterator[int]:
    """Smaller lengths that the domain allows, the smallest first."""
    now = values[size.name]
    if size.choices:
        yield from sorted(one for one in size.choices if one < now)
    elif size.low is not None:
        low = int(Scope(values).evaluate(size.low))
        near = {*range(low, low + 6), *(low + (now - low) * part // 4 for part in (1, 2, 3)), now - 1}
        yield from sorted(one for one in near if low <= one < now)


def _cut(values: Values, domain: Domain, name: str, length: int, end: slice) -> Values | None:
    """The example with one size smaller; None where other parts of the domain forbid that."""
    cut = {**values, name: length}
    for entry in domain.inputs.values():
        if entry.shape is None:
            continue
        place = tuple(
            end if isinstance(axis.tree, ast.Name) and axis.tree.id == name else slice(None) for axis in entry.shape
        )
        cut[entry.name] = np.ascontiguousarray(values[entry.name][place])
        try:
            shape = tuple(int(Scope(cut).evaluate(axis)) for axis in entry.shape)
        except Unusable:
            return None
        if shape != cut[entry.name].shape or not _inside(cut, entry, cut[entry.name]):
            return None
    return cut if all(_fits(cut, one) for one in domain.sizes.values()) else None


def _fits(values: Values, size: Size) -> bool:
    if size.low is None or size.high is None:
        return True
    return bool(Scope(values).evaluate(size.low) <= values[size.name] <= Scope(values).evaluate(size.high))


def _inside(values: Values, entry: Input, array: Any) -> bool:
    if entry.low is None or entry.high is None:
        return True
    low, high = Scope(values).evaluate(entry.low), Scope(values).evaluate(entry.high)
    finite = array[np.isfinite(array)] if entry.dtype in FLOATS else array
    return bool(((finite >= low) & (finite <= high)).all())


def _plainer(values: Values, entry: Input, fails: Fails) -> Values:
    array = values[entry.name]
    if entry.values or entry.any_bits or entry.distinct or entry.low is None or np.size(array) > _MOST:
        return values
    best = values
    for place in np.ndindex(np.shape(array)):
        now = best[entry.name]
        element = now[place] if np.ndim(now) else now
        for number in _plain_numbers(element):
            changed = np.array(now)
            changed[place] = cast(number, entry.dtype)
            value = changed if np.ndim(now) else changed.item()
            candidate = {**best, entry.name: value}
            if _inside(candidate, entry, np.asarray(changed)) and fails(candidate):
                best = candidate
                break
    return best


def _plain_numbers(element: Any) -> Iterator[float]:
    """Numbers that are easier to read than this one, the easiest first."""
    number = float(element)
    if not np.isfinite(number):
        yield from (0.0, 1.0)
        return
    found = [
        0.0,
        1.0,
        -1.0,
        2.0,
        -2.0,
        float(np.trunc(number)),
        *(float(f"{number:.{digits}g}") for digits in (1, 2, 3)),
    ]
    digits = len(repr(number))
    for one in dict.fromkeys(found):
        if one == number:
            return
        if len(repr(one)) < digits or abs(one) < abs(number):
            yield one
