"""How plain data is written as YAML, so that every reader of YAML 1.1 and 1.2 reads it back as what it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from pv.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

WIDTH = 110
# Begins with a letter and holds nothing that means something to YAML, in flow style or out of it: no `: `, no ` #`, no brackets.
_PLAIN = lazy(r"[^\W\d_](?:[\w./()+;'\"=*%@^~<>!?&|`-]|,(?= )|:(?! |$)| (?! |#|$))*")
_PLAIN_IN_FLOW = lazy(r"[^\W\d_][\w./+-]*")
_VERSION = lazy(r"[0-9]+\.[0-9]+\.[0-9]+(?:[-+.][0-9A-Za-z.-]+)?")
_BREAK = lazy(r"(?<=\S) (?=\S)")


def scalar(value: str | float | None, *, flow: bool = False) -> str:
    """`value` on one line: plain where nobody can take it for something else, in double quotes otherwise."""
    if not isinstance(value, str):
        return json.dumps(value)
    plain = (_PLAIN_IN_FLOW if flow else _PLAIN).fullmatch(value) or _VERSION.fullmatch(value)
    return value if plain and _is_text(value) else quoted(value)


def quoted(text: str) -> str:
    """`text` in double quotes; letters of every script are kept, what cannot be seen is escaped."""
    return '"' + "".join(map(_escaped, text)) + '"'


def flow(value: Any) -> str:
    """`value` in flow style, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key, flow=True)}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value, flow=True)


def block(data: Mapping[str, Any], indent: str, newline: str = "\n") -> str:
    """A mapping as an entry of a block list whose dashes stand behind `indent`, its last line ended."""
    lines = [line for key, value in data.items() for line in _pair(key, value, indent + "  ")]
    return newline.join([f"{indent}- {lines[0].lstrip()}", *lines[1:], ""])


def _pair(key: str, value: Any, indent: str) -> Iterator[str]:
    head = f"{indent}{scalar(key)}:"
    if isinstance(value, (list, tuple)):
        yield from _wrapped([f"{head} [", *_items(value)], indent + "  ")
    elif isinstance(value, dict):
        yield f"{head} {flow(value)}"
    elif isinstance(value, str) and (len(f"{head} {scalar(value)}") > WIDTH or "\n" in value) and _folds(value):
        yield f"{head} >-"
        yield from _folded(value, indent + "  ")
    else:
        yield f"{head} {scalar(value)}"


def _items(values: Sequence[Any]) -> Iterator[str]:
    for number, value in enumerate(values, 1):
        text = quoted(value) if isinstance(value, str) else flow(value)
        yield text + ("]" if number == len(values) else ",")
    if not values:
        yield "]"


def _wrapped(parts: Iterable[str], indent: str) -> Iterator[str]:
    """The parts of a flow list in lines: the first part is followed by no space, the others by one."""
    line, glue = "", ""
    for part in parts:
        if line and len(line) + len(glue) + len(part) > WIDTH:
            yield line
            line, glue = indent, ""
        line, glue = line + glue + part, "" if part.endswith("[") else " "
    yield line


def _folds(text: str) -> bool:
    """Whether the text survives folding: no line begins or ends with a blank, and everything in it can be seen."""
    lines = text.split("\n")
    return all(line == line.strip() and line.isprintable() and line for line in lines)


def _folded(text: str, indent: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n")):
        if number:
            yield ""
        line = indent
        for word in _BREAK.split(paragraph):
            if line != indent and len(line) + 1 + len(word) > WIDTH:
                yield line
                line = indent
            line += word if line == indent else f" {word}"
        yield line


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_text(word: str) -> bool:
    """Whether a plain scalar is text to readers of YAML 1.1 too, where `no`, `1_0` and `2026-01-02` are none."""
    resolver = yaml.SafeLoader.yaml_implicit_resolvers
    patterns = [*resolver.get(word[0], []), *resolver.get(None, [])]
    return not any(pattern.match(word) for _, pattern in patterns)
