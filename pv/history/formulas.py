"""In what executable equations and obligations ask for less than they did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.history.figures import number
from pv.history.narrowed import Move, ends_within, entry_narrowed, flat, narrowed, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# of an obligation: any change may ask for less
_CHANGED = (
    "type",
    "applies_to",
    "formal",
    "to",
    "oracle",
    "direction",
    "through",
    "under",
    "in",
    "axis",
    "result",
    "along",
)
_DEFAULTS = {"type": "invariant", "direction": "increasing", "axis": -1, "result": "invariant"}


def is_executable(equation: Any) -> bool:
    """Whether an equation says of what kind its inputs are, so that they can be drawn."""
    return isinstance(equation, dict) and isinstance(equation.get("domain"), dict)


def equation_asks_less(was: Mapping[str, Any], now: Any) -> Iterator[Move]:
    """In what an executable equation asks for less: the key, what stood there and what stands there now.

    What it says in words is not compared: nothing is drawn or judged by it.
    """
    if not isinstance(now, dict):
        yield "domain", "executable", None
        return
    for path, before, after in narrowed(was["domain"], now.get("domain")):
        yield f"domain {path}".strip(), before, after
    for key in ("formal", "kernel"):
        if said(was.get(key)) != said(now.get(key)):
            yield key, was.get(key), now.get(key)
    yield from _named_parts(was, now)


def obligation_asks_less(was: Mapping[str, Any], now: Mapping[str, Any], equation: Mapping[str, Any]) -> Iterator[Move]:
    """In what an obligation of the executable `equation` asks for less; a change whose direction cannot be told counts as one."""
    for key in _CHANGED:
        default = _DEFAULTS.get(key)
        if said(was.get(key, default)) != said(now.get(key, default)):
            yield key, was.get(key), now.get(key)
    yield from _named_parts(was, now)
    if now.get("where") is not None and said(was.get("where")) != said(now["where"]):
        yield "where", was.get("where"), now["where"]
    if was.get("between") is not None and not ends_within(now.get("between"), was["between"]):
        yield "between", was["between"], now.get("between")
    if _looser(was.get("tolerance"), now.get("tolerance")):
        yield "tolerance", was.get("tolerance"), now.get("tolerance")
    if was.get("alpha") is not None and not _at_least(now.get("alpha"), was["alpha"]):
        yield "alpha", was["alpha"], now.get("alpha")
    yield from _forall(_mapping(was.get("forall")), _mapping(now.get("forall")), flat(equation["domain"]))


def _forall(was: Mapping[str, Any], now: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterator[Move]:
    """What is drawn for the obligation alone: a name takes the place of an input, or of what was drawn under it before."""
    before, after = flat(was), flat(now)
    for name, entry in after.items():
        stood = before.get(name, inputs.get(name))
        if stood is not None:
            yield from ((f"forall {path}", *move) for path, *move in entry_narrowed(name, stood, entry))
    for name, entry in before.items():
        if name not in after and name not in inputs:
            yield f"forall {name}", entry, None
        elif name not in after:
            yield from ((f"forall {path}", *move) for path, *move in entry_narrowed(name, entry, inputs[name]))


def _named_parts(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Move]:
    left, right = _mapping(was.get("let")), _mapping(now.get("let"))
    for name, part in left.items():
        if said(part) != said(right.get(name)):
            yield f"let {name}", part, right.get(name)


def _looser(was: Any, now: Any) -> bool:
    """Whether a tolerance asks for less; without one every bit is compared."""
    before, after = 0 if was is None else was, 0 if now is None else now
    return not _at_least(before, after)


def _at_least(value: Any, least: Any) -> bool:
    left, right = number(value), number(least)
    return left >= right if left is not None and right is not None else right == 0 or said(value) == said(least)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
