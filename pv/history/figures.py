"""Which of two figures asks for less: by what a key's name says it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PARTS = re.compile(r"[^a-z0-9]+")
_LOWER = frozenset({"min", "minimum", "least", "lower"})
_UPPER = frozenset({"max", "maximum", "most", "upper", "tolerance", "atol", "rtol", "bound"})
_EITHER = frozenset({"threshold", "thresholds"})
# What a threshold is held against is not said by its name. Figures of agreement (cosines, shares) lie between this and one, and
# must not be below it; distances lie beneath, and must not be above it. Counts and percentages are left alone.
_AGREEMENT = 0.5


def number(value: Any) -> float | None:
    """A number, or the one that a text is; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """A value as messages show it."""
    if isinstance(value, float):
        return f"{value:g}"
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def looser_tolerance(old: Any, new: Any) -> bool:
    """Whether `new` does not surely ask for at least what the tolerance `old` did.

    Each figure of a mapping or list is compared; one that goes or comes, or is no number any more, is taken as looser: what a
    combination of tolerances allows is not known here. A tolerance where there was none is an addition.
    """
    if old is None:
        return False
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return before.keys() != after.keys() or any(_larger(value, after[path]) for path, value in before.items())


def looser_figures(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The figures that ask for less than they did, in mappings of any depth, as path of keys, old and new value.

    Told by words in the key: `min_…` falls, `max_…`, `…bound` or `…tolerance` rises, a `threshold` moves away from what it is a
    threshold of. Only keys that are there on both sides, with numbers, are compared.
    """
    after = dict(_named(new))
    for path, value in _named(old):
        now = after.get(path)
        if _is_number(value) and _is_number(now) and _looser(path.rsplit(".", 1)[-1], value, now):
            yield path, value, now


def _looser(key: str, was: float, now: float) -> bool:
    words = set(_PARTS.split(key.lower()))
    if words & _LOWER:
        return not now >= was
    if words & _UPPER:
        return not now <= was
    if words & _EITHER and 0 < was <= 1:
        return not (now >= was if was > _AGREEMENT else now <= was)
    return False


def _larger(was: Any, now: Any) -> bool:
    left, right = number(was), number(now)
    if left is None or right is None:
        return " ".join(str(was).lower().split()) != " ".join(str(now).lower().split())
    return not right <= left


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar in mappings and lists, with the path to it."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, f"{path}.{key}")
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _leaves(below, f"{path}.{index}")
    elif value is not None:
        yield path, value


def _named(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar that stands under keys alone; the places of a list's items say nothing about what they are."""
    for key, below in value.items():
        if isinstance(below, dict):
            yield from _named(below, f"{path}{key}.")
        elif not isinstance(below, list):
            yield f"{path}{key}", below
