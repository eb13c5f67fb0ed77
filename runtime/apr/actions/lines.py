"""Lines of a trace: how they are cut out of a file, and how one becomes plain data. Stricter than `json` by itself.

A record may not say anything that readers could understand differently: no key twice, no number beyond what a float holds, no half of a
surrogate pair, no nesting that other readers refuse.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeAlias

from apr.actions.inputs import open_input
from apr.actions.schema import member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    _Scan: TypeAlias = Callable[[str, int], tuple[Any, int]]

LIMIT = 16 * 1024 * 1024  # bytes of one record
DEPTH = 127  # levels of objects and arrays; serde_json and others refuse the 128th
BLANK = b" \t\r\n"  # what JSON takes for blank
_SURROGATE = re.compile("[\ud800-\udfff]")


class BadLine(ValueError):
    """A line that is no record; `said` is the end of a `Finding`: path, rule, problem, hint."""

    def __init__(self, rule: str, problem: str, path: str = "$", hint: str = "") -> None:
        super().__init__(problem)
        self.said = (path, rule, problem, hint)


def open_trace(path: Path, hint: str = "name a trace") -> BinaryIO:
    """Opens a file, or a pipe that something writes into (`<(…)` of a shell).

    Raises:
        UnusableInput: see `apr.actions.inputs.open_input`.
    """
    return open_input(path, hint)


def parse(raw: bytes) -> Any:
    """What a line says.

    Args:
        raw: the line without blanks and line ends around it.

    Raises:
        BadLine: it is no JSON, or one that not every reader understands alike.
    """
    try:
        text = raw.decode()
        value, end = _SCAN(text, 0)
    except (ValueError, RecursionError, StopIteration) as error:
        raise _refused(raw, error) from None
    if end != len(text):
        problem = f"something stands behind the record, at character {end + 1}"
        raise BadLine("json", problem, hint="one record a line, and lines end with \\n")
    if len(raw) > 2 * DEPTH and raw.count(b"{") + raw.count(b"[") > DEPTH and _is_deep(value):
        raise _too_deep()
    if b"\\u" in raw and (b"\\ud" in raw or b"\\uD" in raw):
        _refuse_surrogates(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _float(written: str) -> float:
    value = float(written)
    if math.isinf(value):
        raise ValueError
    return value


def _constant(_word: str) -> None:
    raise ValueError


def _scanner(decoder: json.JSONDecoder) -> _Scan:
    """Reads the value at a place of a text: `decode` without the search for blanks."""
    scan: _Scan = decoder.scan_once  # type: ignore[attr-defined]  # typeshed leaves it out
    return scan


_SCAN = _scanner(json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant))


def _refused(raw: bytes, error: Exception) -> BadLine:
    """What is wrong with a line that the scanner gave up."""
    if isinstance(error, RecursionError):
        return _too_deep()
    if isinstance(error, UnicodeDecodeError):
        problem = f"byte {error.start + 1} of the record, 0x{raw[error.start]:02x}, is no UTF-8"
        return BadLine("encoding", problem)
    if isinstance(error, StopIteration):
        return BadLine("json", f"is no JSON: a value was expected at character {error.value + 1}")
    if isinstance(error, json.JSONDecodeError):
        what = f"{error.msg[:1].lower()}{error.msg[1:]}".removesuffix(" at")
        return BadLine("json", f"is no JSON: {what} at character {error.pos + 1}")
    return _diagnosed(raw)  # of what the scanner calls, and of `int` where there are too many digits


class _Bad(NamedTuple):
    """Stands for a number that is refused."""

    problem: str


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written, each key as often as it was."""


def _diagnosed(raw: bytes) -> BadLine:
    """What the scanner was told not to let through: the line is read again, slowly, and with nothing refused."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_Pairs, parse_int=_any_int, parse_float=_any_float, parse_constant=_any_constant
    )
    try:
        whole, _ = _scanner(decoder)(raw.decode(), 0)
    except (json.JSONDecodeError, RecursionError, StopIteration) as error:
        return _refused(raw, error)
    for keys, value in _everything(whole):
        if isinstance(value, _Bad):
            return BadLine("number", value.problem, _path(keys))
        if isinstance(value, _Pairs):
            seen: set[str] = set()
            for key, _ in value:
                if key in seen:
                    return BadLine("duplicate-key", "stands here twice", f"{_path(keys)}{member(key)}")
                seen.add(key)
    raise AssertionError(f"nothing is wrong with {raw[:80]!r}")


def _any_int(written: str) -> int | _Bad:
    try:
        return int(written)
    except ValueError:
        return _Bad(f"is an integer of {len(written.lstrip('-'))} digits")


def _any_float(written: str) -> float | _Bad:
    value = float(written)
    return _Bad(f"is {written[:20]}, which is beyond every float") if math.isinf(value) else value


def _any_constant(word: str) -> _Bad:
    return _Bad(f"is {word}, which is no JSON")


def _everything(value: Any) -> Iterator[tuple[list[str | int], Any]]:
    """Each value in the order in which it was written, and the keys that lead to it (one list, which changes)."""
    keys: list[str | int] = []
    yield keys, value
    open_ones = [_members(value)]
    keys.append("")
    while open_ones:
        step = next(open_ones[-1], None)
        if step is None:
            open_ones.pop()
            keys.pop()
            continue
        keys[-1], inner = step
        yield keys, inner
        if isinstance(inner, dict | list):
            open_ones.append(_members(inner))
            keys.append("")


def _members(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return iter(value.items())
    if isinstance(value, _Pairs):
        return iter(value)
    return enumerate(value) if isinstance(value, list) else iter(())


def _path(keys: Iterable[str | int]) -> str:
    return "$" + "".join(member(key) if isinstance(key, str) else f"[{key}]" for key in keys)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _too_deep() -> BadLine:
    return BadLine("json", f"is nested deeper than {DEPTH} levels")


def _refuse_surrogates(value: Any) -> None:
    for keys, inner in _everything(value):
        texts = inner if isinstance(inner, dict) else [inner] if isinstance(inner, str) else []
        if any(_SURROGATE.search(text) for text in texts):
            where = "a key of this object" if isinstance(inner, dict) else "this text"
            raise BadLine("encoding", f"{where} holds half of a surrogate pair, which is no character", _path(keys))
