"""JSON text as a fuzzer needs it: read with every pair kept, written with keys that stand twice and numbers that are none."""

from __future__ import annotations

import json
from typing import Any


class Pairs(list[tuple[str, Any]]):
    """An object: its keys and values in order, each key as often as it stands there."""


def read_loosely(data: bytes) -> Any:
    """The data of a JSON text, objects as `Pairs`; None where it is no JSON."""
    try:
        return json.loads(data, object_pairs_hook=Pairs)
    except (ValueError, RecursionError):
        return None


def write_loosely(value: Any, *, ascii_: bool = True) -> bytes:
    """The text of such data: half a surrogate pair as an escape, or as bytes that are no UTF-8."""
    return _text(value, ascii_=ascii_).encode("utf-8", "surrogatepass")


def twice(value: Any) -> str | None:
    """A key that stands twice in one object of such data; None where there is none."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Pairs):
            keys = [key for key, _ in one]
            if len(set(keys)) < len(keys):
                return next(key for key in keys if keys.count(key) > 1)
            waiting += [inner for _, inner in one]
        elif isinstance(one, list):
            waiting += one
    return None


def _text(value: Any, *, ascii_: bool) -> str:
    """Without recursion: what a fuzzer makes is nested as deep as it likes."""
    parts: list[str] = []
    waiting: list[tuple[bool, Any]] = [(False, value)]  # a text that is ready, or a value
    while waiting:
        ready, one = waiting.pop()
        if ready:
            parts.append(one)
        elif isinstance(one, list):
            inside: list[tuple[bool, Any]] = []
            for held in one:
                inside.append((True, ","))
                if isinstance(one, Pairs):
                    inside.append((True, f"{json.dumps(held[0], ensure_ascii=ascii_)}:"))
                inside.append((False, held[1] if isinstance(one, Pairs) else held))
            left, right = "{}" if isinstance(one, Pairs) else "[]"
            parts.append(left)
            waiting += [(True, right), *reversed(inside[1:])]
        else:
            parts.append(json.dumps(one, ensure_ascii=ascii_))
    return "".join(parts)
