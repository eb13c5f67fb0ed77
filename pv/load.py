"""YAML to plain data with the position of every key and value.

libyaml's events are composed here in one loop, without recursion: scalars follow the YAML 1.2 core schema (`1e-6` is a
number, `no` and `2026-01-02` are strings), keys are their own text, and what makes YAML dangerous or ambiguous is
refused: duplicate keys, merge keys, tags, several documents, deep nesting, aliases that contain themselves or blow up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from pv.pattern import lazy
from pv.types import Diagnostic, Severity, Span

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML built without libyaml: the same events, slower
    _Parser = yaml.SafeLoader  # type: ignore[assignment,misc]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pv.source import Source

MAX_DEPTH = 64
MAX_ALIASED = 10_000  # values that aliases may repeat in one file

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMERIC = frozenset("-+.0123456789")
# where a line begins; at the beginning of a file it is no part of the text
_INNER_MARK = lazy("[\n\r\x85\u2028\u2029]\ufeff")
_INT = lazy(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = lazy(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = lazy(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 1_000  # in any base; Python refuses to write or read integers of much more

# Line and column from 0, the width, and what stands there: of a scalar, whether it is plain; of a mapping or list, the
# places in it; of a key, the place of its value. Tuples of numbers, because a contract has thousands and few are asked for.
_Place: TypeAlias = tuple[int, int, int, Any]


@dataclass(frozen=True, eq=False)
class Document:
    """A loaded file: its plain data, and where each part of it stands."""

    source: Source
    data: Any = field(repr=False)  # through aliases its text may be far longer than the file
    _top: _Place = field(repr=False)

    def value_span(self, *path: str | int) -> Span:
        """Where the value at `path` stands, or the nearest one above it that exists."""
        place = self._top
        for step in path:
            below = _below(place, step)
            if below is None:
                break
            place = below
        return _span(place)

    def key_span(self, *path: str | int) -> Span:
        """Where the key that ends `path` stands; where its owner stands if there is no such key."""
        owner = self._top
        for step in path[:-1]:
            below = _below(owner, step)
            if below is None:
                return _span(owner)
            owner = below
        return _span(owner[3].get(str(path[-1]), owner) if isinstance(owner[3], dict) else owner)

    def plain(self, *path: str | int) -> bool:
        """Whether the value at `path` is a scalar without quotes, so that `1.0` and `2026-01-02` are not surely text."""
        place: _Place | None = self._top
        for step in path:
            place = _below(place, step) if place else None
        return place is not None and place[3] is True


class _Refusal(Exception):
    def __init__(self, code: str, span: Span, message: str, fix: str | None = None) -> None:
        super().__init__()
        self.code, self.span, self.message, self.fix = code, span, message, fix


def load(source: Source) -> Document | Diagnostic:
    """Read one YAML document; what cannot be read comes back as the finding that says why."""
    if "\ufeff" in source.text and (inner := _INNER_MARK.search(source.text)):
        span = source.locate(inner.end() - 1)
        message = "not YAML: a byte order mark in the middle, which readers understand differently"
        return Diagnostic(source.name, span, "PV003", Severity.ERROR, message, "delete it")
    try:
        data, place = _compose(_Parser(source.text).get_event, source)
    except _Refusal as refusal:
        return Diagnostic(source.name, refusal.span, refusal.code, Severity.ERROR, refusal.message, refusal.fix)
    except yaml.reader.ReaderError as problem:
        return _unreadable(source, problem)
    except yaml.MarkedYAMLError as problem:
        return _not_yaml(source, problem)
    return Document(source, data, place)


def _compose(get_event: Callable[[], Any], source: Source) -> tuple[Any, _Place]:  # noqa: C901, PLR0912, PLR0915  a call an event would cost as much as libyaml
    """Build the data and the places of one document from its events."""
    value: Any = None  # the collection that is open, and the places in it
    places: Any = None
    mapping = False  # whether it is a mapping; `key` and where it stands then wait for their value
    key: str | None = None
    at: tuple[int, int, int] = (0, 0, 1)
    outer: list[tuple[Any, ...]] = []
    anchors: dict[str, tuple[Any, _Place, int]] = {}
    opened: list[str] = []  # the anchors of the collections that are open
    count = aliased = 0  # values so far, those through aliases counted again
    top: tuple[Any, _Place] = (None, (0, 0, 1, True))
    documents = 0
    while True:
        event = get_event()
        kind = event.__class__
        if kind is ScalarEvent:
            start, end = event.start_mark, event.end_mark
            line, column = start.line, start.column
            width = end.column - column if end.line == line else 1
            if event.tag is not None and event.tag != "!":
                _refuse_tag(event)
            text = event.value
            if mapping and key is None:
                if text in places:
                    _refuse_duplicate(text, event, places[text])
                key, at = text, (line, column, width)
                continue
            plain = event.implicit[0] and event.tag is None
            if plain:
                if text in _WORDS:
                    text = _WORDS[text]
                elif text[0] in _NUMERIC:
                    text = _number(text, event)
            new, place = text, (line, column, width, plain)
            count += 1
            if event.anchor is not None:
                anchors[event.anchor] = (new, place, 1)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if event.tag is not None and event.tag != "!":
                _refuse_tag(event)
            if mapping and key is None:
                raise _Refusal("PV003", _event_span(event), "a mapping or list cannot be a key", "keys are plain words")
            if len(outer) >= MAX_DEPTH:
                message = f"nested more than {MAX_DEPTH} levels deep"
                raise _Refusal("PV006", _event_span(event), message, "flatten the structure")
            start, end = event.start_mark, event.end_mark
            line, column = start.line, start.column
            width = end.column - column if end.line == line else 1
            outer.append((value, places, mapping, key, at, event.anchor, count, (line, column, width)))
            if event.anchor is not None:
                opened.append(event.anchor)
            count += 1
            mapping, key = kind is MappingStartEvent, None
            value, places = ({}, {}) if mapping else ([], [])
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            if mapping and "<<" in places:
                _refuse_merge(places["<<"], source)
            new, inside = value, places
            value, places, mapping, key, at, anchor, before, (line, column, width) = outer.pop()
            place = (line, column, width, inside)
            if anchor is not None:
                opened.pop()
                anchors[anchor] = (new, place, count - before)
        elif kind is AliasEvent:
            if mapping and key is None:
                raise _Refusal("PV007", _event_span(event), "an alias cannot be a key", "write the key out")
            new, place, size = _aliased(event, anchors, opened)
            count += size
            aliased += size
            if aliased > MAX_ALIASED:
                message = f"aliases repeat more than {MAX_ALIASED} values"
                raise _Refusal("PV007", _event_span(event), message, "write the values out")
        elif kind is StreamEndEvent:
            return top
        else:
            if kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise _Refusal("PV008", _event_span(event), "a second document begins here", "one contract a file")
            continue
        if mapping:
            value[key] = new
            places[key] = (*at, place)
            key = None
        elif places is None:
            top = new, place
        else:
            value.append(new)
            places.append(place)


def _below(place: _Place, step: str | int) -> _Place | None:
    """The place of a value in a mapping or list; None where there is none."""
    inside = place[3]
    if isinstance(inside, dict):
        found = inside.get(step)
        return found[3] if found else None
    if isinstance(inside, list) and isinstance(step, int) and 0 <= step < len(inside):
        below: _Place = inside[step]
        return below
    return None


def _span(place: tuple[Any, ...]) -> Span:
    return Span(place[0] + 1, place[1] + 1, max(1, place[2]))


def _event_span(event: Any) -> Span:
    start, end = event.start_mark, event.end_mark
    return _span((start.line, start.column, end.column - start.column if start.line == end.line else 1))


def _aliased(event: Any, anchors: dict[str, tuple[Any, _Place, int]], opened: Iterable[str]) -> tuple[Any, _Place, int]:
    name = event.anchor
    if name in opened:
        raise _Refusal("PV007", _event_span(event), f"alias *{name} contains itself", "write the value out")
    if name not in anchors:
        raise _Refusal("PV007", _event_span(event), f"alias *{name} names no anchor of a value above it")
    return anchors[name]


def _refuse_tag(event: Any) -> NoReturn:
    message = f"tag {event.tag!r} is not allowed in a contract"
    raise _Refusal("PV005", _event_span(event), message, "write the plain value")


def _refuse_duplicate(key: str, event: Any, first: _Place) -> NoReturn:
    message = f"duplicate key {key!r}, first at line {first[0] + 1}"
    fix = "keep one of the two; YAML readers disagree about which one counts"
    raise _Refusal("PV004", _event_span(event), message, fix)


def _refuse_merge(place: _Place, source: Source) -> None:
    """Refuse a key `<<`; in quotes it is a key like any other."""
    span = _span(place)
    if source.line(span.line)[span.col - 1 :].startswith("<<"):
        message = "the merge key '<<' is not applied: YAML 1.2 has none"
        raise _Refusal("PV007", span, message, "write the keys out; readers disagree about what it means")


def _number(text: str, event: Any) -> Any:
    """The value of a plain scalar that begins like a number, by the YAML 1.2 core schema; the text if it is none."""
    if _INT.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            raise _Refusal("PV003", _event_span(event), f"an integer of {len(text)} digits", "quote it if it is text")
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "")) if _SPECIAL.fullmatch(text) else text


def _not_yaml(source: Source, problem: yaml.MarkedYAMLError) -> Diagnostic:
    """What libyaml says, where what it was reading begins if that is another line, and what is usually meant."""
    mark = problem.problem_mark or problem.context_mark
    span = source.clamp(Span(mark.line + 1, mark.column + 1) if mark else Span(1, 1))
    message = ", ".join(part for part in (problem.problem, problem.context) if part)
    if problem.context and problem.context_mark and problem.context_mark.line + 1 != span.line:
        message += f" that begins at line {problem.context_mark.line + 1}"
    return Diagnostic(
        source.name, span, "PV003", Severity.ERROR, f"not YAML: {message}", _advice(source, span, problem.problem or "")
    )


_MEANT = {
    "mapping values are not allowed": "put a text with ': ' in it in quotes, or correct the indentation",
    "found a tab character": "indent with spaces, not tabs",
    "did not find expected key": "correct the indentation",
    "found unknown escape character": "write \\\\ for a backslash, or put the text in single quotes",
}


def _advice(source: Source, span: Span, said: str) -> str | None:
    for number, line in enumerate(source.lines[: span.line], 1):
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            return f"a merge left its conflict at line {number}"
    at = source.line(span.line)[span.col - 1 :][:1]
    if at and said.endswith("cannot start any token"):
        return "indent with spaces, not tabs" if at == "\t" else f"put a text that begins with {at} in quotes"
    return next((meant for begin, meant in _MEANT.items() if said.startswith(begin)), None)


def _unreadable(source: Source, problem: yaml.reader.ReaderError) -> Diagnostic:
    """A character that YAML does not allow; libyaml counts bytes, the reader in Python characters."""
    before = problem.position
    if problem.encoding != "unicode":
        before = len(source.text.encode()[:before].decode("utf-8", "replace"))
    message = f"character U+{problem.character:04X} is not allowed in YAML"
    return Diagnostic(source.name, source.locate(before), "PV003", Severity.ERROR, message, "remove it")
