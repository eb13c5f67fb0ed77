"""In what an executable domain asks for less than it did: fewer sizes, a smaller range, values that are drawn no more."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, TypeAlias

from pv.formal.domain import KEYS
from pv.formal.language import FormalError, parse
from pv.history.figures import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Move: TypeAlias = tuple[str, Any, Any]
_Size: TypeAlias = "tuple[Any, Any] | frozenset[str]"
_WIDENS = ("nonfinite", "bits")  # keys that have more drawn, not less


def narrowed(old: Mapping[str, Any], new: Any) -> Iterator[Move]:
    """What a domain has lost: the path in it, what stood there, and what stands there now.

    A part that cannot be compared, as a bound that is another expression now, counts as lost. Names that are new ask for more.
    """
    if not isinstance(new, dict):
        yield "", "executable", new
        return
    before, after = flat(old), flat(new)
    for name, was in before.items():
        if name not in after:
            yield name, was, None
        else:
            yield from entry_narrowed(name, was, after[name])


def entry_narrowed(name: str, was: Any, now: Any) -> Iterator[Move]:
    """What one entry of a domain, a size or an input, has lost."""
    if isinstance(was, dict) and isinstance(now, dict):
        yield from ((f"{name}.{key}", before, after) for key, before, after in _input(was, now))
    elif isinstance(was, dict) or isinstance(now, dict) or not _within(_size(was), _size(now)):
        yield name, was, now


def flat(domain: Mapping[str, Any]) -> dict[str, Any]:
    """A domain with the sizes that stand inside an input beside it: where they stand says nothing."""
    found: dict[str, Any] = {}
    for name, entry in domain.items():
        if isinstance(entry, dict):
            found |= {key: value for key, value in entry.items() if key not in KEYS}
            found[name] = {key: value for key, value in entry.items() if key in KEYS}
        else:
            found[name] = entry
    return found


def _input(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Move]:
    for key in ("dtype", "shape"):
        if said(was.get(key)) != said(now.get(key)):
            yield key, was.get(key), now.get(key)
    ways = [key for key in ("range", "values", "bits") if key in was]
    if not ways and ("range" in now or "values" in now):  # bytes and truth values, of which all were drawn
        key = "range" if "range" in now else "values"
        yield key, None, now[key]
    if "range" in was and not ends_within(was["range"], now.get("range")) and "bits" not in now:
        yield "range", was["range"], now.get("range")
    if "values" in was and not _within(_size(was["values"]), _size(now.get("values"))):
        yield "values", was["values"], now.get("values")
    for key in _WIDENS:
        if was.get(key) and was[key] != now.get(key):
            yield key, was[key], now.get(key)
    if now.get("distinct") and not was.get("distinct"):
        yield "distinct", None, True


def ends_within(inner: Any, outer: Any) -> bool:
    """Whether the interval `inner` surely lies within `outer`, each a list of two ends, numbers or expressions."""
    if not (isinstance(inner, list) and isinstance(outer, list) and len(inner) == len(outer) == 2):
        return bool(inner == outer)
    return _not_above(outer[0], inner[0]) and _not_above(inner[1], outer[1])


def _not_above(low: Any, high: Any) -> bool:
    left, right = number(low), number(high)
    return left <= right if left is not None and right is not None else said(low) == said(high)


def _size(size: Any) -> _Size:
    """A size, or values, as the two ends of a range or as the set of what may be drawn."""
    if isinstance(size, list):
        return frozenset(said(one) for one in size)
    low, dots, high = str(size).partition("..")
    return (low.strip(), high.strip()) if dots else frozenset([said(size)])


def _within(inner: _Size, outer: _Size) -> bool:
    if isinstance(inner, tuple) and isinstance(outer, tuple):
        return ends_within(list(inner), list(outer))
    if isinstance(outer, tuple):
        return all(_not_above(outer[0], one) and _not_above(one, outer[1]) for one in inner)
    if isinstance(inner, tuple):
        low, high = number(inner[0]), number(inner[1])
        if low is None or high is None or not 0 <= high - low < len(outer):
            return False
        inner = frozenset(said(one) for one in range(int(low), int(high) + 1))
    return inner <= outer


def said(value: Any) -> str:
    """What a number, an expression or a list of them says, however it is written."""
    if isinstance(value, list):
        return "[" + ", ".join(map(said, value)) + "]"
    figure = None if isinstance(value, bool) else number(value)
    if figure is not None:
        return repr(figure)
    try:
        return ast.dump(parse(value).tree)
    except FormalError:
        return " ".join(str(value).split())
