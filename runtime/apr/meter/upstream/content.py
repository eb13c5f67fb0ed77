"""JSON as serde_json reads it into a value of any type, before anything is known about its meaning."""

from __future__ import annotations

import json
import math
from typing import Any

_DEEPEST = 127  # arrays and objects inside one another
_U64, _I64 = 2**64 - 1, -(2**63)


class Refused(Exception):
    """The upstream's program would not read this; the message is ours."""


class Pairs(list[tuple[str, Any]]):
    """An object with its keys in the order of the text, repeated ones included."""


def parse(text: str) -> Any:
    """A value: None, bool, int (of 64 bits), float (finite), str, list, or `Pairs`.

    Raises:
        Refused: no JSON, a number that no float holds, half a surrogate pair, or more levels than 127.
    """
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from error
    if "\\u" in text:
        _check_surrogates(value)
    if text.count("[") + text.count("{") > _DEEPEST:
        _check_depth(value)
    return value


def _integer(text: str) -> int | float:
    if text == "-0":
        return -0.0  # no integer has a signed zero
    if len(text) > 20:  # longer than any of 64 bits
        return _real(text)
    value = int(text)
    return value if _I64 <= value <= _U64 else _real(text)


def _real(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"number out of range: {text[:40]}")
    return value


def _constant(text: str) -> None:
    raise ValueError(f"expected value, found {text}")


_DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_int=_integer, parse_float=_real, parse_constant=_constant)


def _check_surrogates(value: Any) -> None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            try:
                one.encode()
            except UnicodeEncodeError as error:
                raise Refused("half a surrogate pair") from error
        elif isinstance(one, Pairs):
            for pair in one:
                waiting.extend(pair)
        elif isinstance(one, list):
            waiting.extend(one)


def _check_depth(value: Any) -> None:
    waiting = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if not isinstance(one, list):
            continue
        if depth > _DEEPEST:
            raise Refused("recursion limit exceeded")
        inner = [pair[1] for pair in one] if isinstance(one, Pairs) else one
        waiting.extend((each, depth + 1) for each in inner)


def canonical(value: Any) -> Any:
    """A hashable form, equal for values that the upstream takes for the same: 1 and 1.0, 0.0 and -0.0 stay apart.

    Of a repeated key the last value counts; the order of keys does not.
    """
    if isinstance(value, Pairs):
        return ("object", frozenset((key, canonical(inner)) for key, inner in dict(value).items()))
    if isinstance(value, list):
        return ("array", tuple(canonical(one) for one in value))
    if isinstance(value, float):
        return ("float", repr(value))
    return (type(value).__name__, value)
