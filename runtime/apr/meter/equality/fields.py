"""How the fields of an input become parts of a key.

A string stands for itself, anything else for its JSON, so that "5" is not 5, 1 not 1.0 and not true, and null not absent: Python
alone would take some of these for equal. What a tool does not know stays in the key as well: it is not known to mean nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from apr.meter.paths import Place

# what is compared of one call: its input, where it was made, and whether it succeeded (None: it has no result)
Rule: TypeAlias = "Callable[[Mapping[str, Any], Place, bool | None], tuple[Hashable, ...]]"
# a string; the JSON of anything else, alone in a tuple; None for what is absent
Value: TypeAlias = "str | tuple[str, ...] | None"

_ABSENT: Any = object()
NULL = ("null",)
ZERO = ("0",)
FALSE = ("false",)
_PATHS = ("file_path", "path", "notebook_path")

_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_WORDS = {None: "null", True: "true", False: "false"}


def canonical(found: Any) -> str:
    """The JSON of a value, with keys in order: the same text for the same value and for no other."""
    kind = found.__class__
    if kind is int or kind is float:
        return repr(found)  # as the encoder has it, which takes longer to get going
    return _WORDS[found] if kind is bool or found is None else _json(found)


def frozen(given: Mapping[str, Any]) -> tuple[tuple[str, Value], ...]:
    """A whole input: its fields in the order of their names."""
    return tuple(
        sorted([(name, found if found.__class__ is str else (canonical(found),)) for name, found in given.items()])
    )


def value(given: Mapping[str, Any], name: str, default: Value = None) -> Value:
    """One field; where it is absent, what that means."""
    found = given.get(name, _ABSENT)
    if found.__class__ is str:
        return found
    return default if found is _ABSENT else (canonical(found),)


def path_of(given: Mapping[str, Any], place: Place, default: Value = None) -> Value:
    """The path that an input names under one of its three names; all that it says, where it names several that differ."""
    named = None
    for name in _PATHS:
        found = given.get(name, _ABSENT)
        if found is _ABSENT:
            continue
        one = place.path(found) if found.__class__ is str else (canonical(found),)
        if named is None:
            named = one
        elif named != one:
            return ("several", *(canonical([name, given[name]]) for name in _PATHS if name in given))
    return default if named is None else named


def rest(given: Mapping[str, Any], known: frozenset[str]) -> tuple[tuple[str, Value], ...] | None:
    """The fields that a rule does not name; None where there are none."""
    if given.keys() <= known:
        return None
    return frozen({name: found for name, found in given.items() if name not in known})
