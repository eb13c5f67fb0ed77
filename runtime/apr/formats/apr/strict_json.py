"""JSON that has one meaning: what its grammar lets through and readers disagree about is refused."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

from apr.formats.apr.refuse import DAMAGED, refusal

if TYPE_CHECKING:
    from pathlib import Path

MAX_DEPTH = 64  # objects and arrays within each other; writers need three
# braces, brackets and colons, those in texts too: each may become 200 bytes of Python objects. A vocabulary of 256k tokens
# with its merges, and the shapes of 20k tensors, have 100k.
MAX_PARTS = 500_000
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _Fault(Exception):
    """What is wrong, and at which byte of the text."""

    def __init__(self, problem: str, at: int = 0) -> None:
        super().__init__(problem)
        self.problem, self.at = problem, at


def parse_object(
    raw: bytes, path: Path, section: str, offset: int = 0, *, max_parts: int = MAX_PARTS
) -> dict[str, Any]:
    """Reads a JSON object.

    Args:
        raw: UTF-8.
        path: of the file, for messages.
        section: of the file, for messages.
        offset: of the section in the file, for messages.
        max_parts: the most objects, arrays and keys.

    Raises:
        UnusableInput: not UTF-8, no JSON, no object; a key twice in one object; NaN, infinity or a number beyond float64;
            nested deeper than `MAX_DEPTH`, more than `max_parts`; half of a surrogate pair.
    """
    try:
        content = _parse_object(raw, max_parts)
        _check_values(content, check_texts=_SURROGATE.search(raw) is not None)
    except _Fault as fault:
        raise refusal(path, section, offset + fault.at, fault.problem, hint=DAMAGED) from fault
    return content


def _parse_object(raw: bytes, max_parts: int) -> dict[str, Any]:
    content = _parse(raw, max_parts)
    if type(content) is not dict:
        raise _Fault(f"is a JSON {type(content).__name__}, not an object")
    return content


def _parse(raw: bytes, max_parts: int) -> Any:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _Fault(f"is not UTF-8 ({error.reason})", error.start) from error
    if sum(map(raw.count, (b"{", b"[", b":"))) > max_parts:
        raise _Fault(f"more than {max_parts} objects, arrays and keys")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise _Fault(f"is no JSON: {error.msg}", len(text[: error.pos].encode())) from error
    except RecursionError as error:
        raise _Fault(f"nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:  # a number of thousands of digits
        raise _Fault(f"is no JSON: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise _Fault(f"key {twice!r} occurs twice in one object")
    return content


def _constant(name: str) -> NoReturn:
    raise _Fault(f"{name} is no JSON number")


def _check_values(content: dict[str, Any], *, check_texts: bool) -> None:
    """Depth, infinite numbers and broken text, level by level: recursion would need a limit of its own."""
    level: list[Any] = [content]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for container in level:
            members = list(container.values()) if type(container) is dict else container
            kinds = set(map(type, members))
            if float in kinds and (math.inf in members or -math.inf in members):
                raise _Fault("a number is beyond float64")
            if check_texts:
                _check_texts(members if type(container) is list else [*container, *members])
            if dict in kinds or list in kinds:
                inner += [member for member in members if type(member) in {dict, list}]
        if not inner:
            return
        level = inner
    raise _Fault(f"nested deeper than {MAX_DEPTH} levels")


def _check_texts(members: list[Any]) -> None:
    try:
        for text in members:
            if type(text) is str:
                text.encode()
    except UnicodeEncodeError as error:
        raise _Fault("a text holds half of a surrogate pair, which is no Unicode") from error
