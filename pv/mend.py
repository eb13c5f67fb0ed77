"""Fixes put into the text of a contract, and the proof that they changed nothing but what they mean.

What findings offer is put into the text at its place, pass by pass, until no finding offers anything. After each pass the old and
the new text are read as YAML, event by event. Every event must be the same, except that where a fix stands
a key may have the new name that the fix gives it, and a scalar without quotes may stand in quotes with the same characters.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from pv.corpus import Reading, read_text
from pv.policy import Policy
from pv.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pv.index import Index
    from pv.types import Diagnostic

PASSES = 20  # fixes at the same place are put in one by one; more than a few at one place are never offered
_ALL = Policy()
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BESIDE = ("anchor", "tag", "flow_style", "explicit", "version", "tags")  # what an event says apart from its value


class Effect(StrEnum):
    """What a fix did to the text."""

    RENAMED = "key renamed"
    QUOTED = "value quoted"
    COMMENT = "comment written"


class Unsafe(Exception):
    """The fixes of a file would change something that they do not mean to; the message says what."""


@dataclass(frozen=True)
class Mending:
    """A file before and after: what is still to be said of it, and what was done."""

    before: Source
    reading: Reading
    effects: Counter[Effect]

    @property
    def text(self) -> str:
        """The text as it is to be."""
        return self.reading.source.text if self.reading.source else self.before.text


@dataclass(frozen=True, slots=True)
class _Edit:
    """What stands from `start` to `end` gives way to `text`."""

    start: int
    end: int
    text: str


class _Event(NamedTuple):
    """One event of YAML: what it says, and where. `style` is empty for a scalar without quotes, None for what is no scalar."""

    name: str
    value: str | None
    style: str | None
    beside: tuple[Any, ...]
    is_key: bool
    start: int
    end: int
    line: int

    def __str__(self) -> str:
        return f"{self.name if self.value is None else repr(self.value)} at line {self.line}"

    def same(self, other: _Event) -> bool:
        """Whether both say the same, wherever they stand."""
        return self[:5] == other[:5]


def mend(reading: Reading, source: Source, *, policy: Policy = _ALL, index: Index | None = None) -> Mending:
    """Put every fix that the findings of a readable file offer into its text.

    Raises:
        Unsafe: the text would say something else than it did; that is a mistake of a rule.
    """
    now, effects = reading, Counter[Effect]()
    text = source
    for _ in range(PASSES):
        edits = _edits(text, now.findings)
        if not edits:
            return Mending(source, now, effects)
        new = Source(source.name, _put(text.text, edits))
        effects.update(_effects(text.text, new.text, edits))
        now = read_text(reading.path, new, policy=policy, index=index)
        if not now.readable:
            raise Unsafe(now.findings[0].headline)
        text = new
    raise Unsafe(f"after {PASSES} passes there is still something to mend")


def _edits(source: Source, findings: Iterable[Diagnostic]) -> list[_Edit]:
    """What the findings offer, in the order of the text; where two would change the same, the first only."""
    wanted = set()
    for found in findings:
        if found.fix is not None:
            start = source.offset(found.fix.span)
            wanted.add((start, start + found.fix.span.width, found.fix.text))
    edits: list[_Edit] = []
    for start, end, text in sorted(wanted):
        if not edits or start > edits[-1].end or (start == edits[-1].end and start > edits[-1].start):
            edits.append(_Edit(start, end, text))
    return edits


def _put(text: str, edits: Iterable[_Edit]) -> str:
    parts, done = [], 0
    for edit in edits:
        parts += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*parts, text[done:]])


def _effects(old: str, new: str, edits: list[_Edit]) -> Iterator[Effect]:
    """What the edits did, one by one.

    Raises:
        Unsafe: something else is different as well, or the new text is no YAML.
    """
    waiting = list(reversed(edits))
    for was, now in itertools.zip_longest(_events(old), _events(new)):
        if was is None or now is None:
            raise Unsafe("the text would hold more or less than it did")
        inside = []
        while waiting and waiting[-1].start < was.end:
            edit = waiting.pop()
            if was.value is not None and was.start <= edit.start < edit.end:
                inside.append(edit)
            else:
                yield Effect.COMMENT  # it stands between two events, which are held to be the same
        if inside:
            yield _meant(was, now, inside)
        elif not was.same(now):
            raise Unsafe(f"{was} would become {now}")
    yield from (Effect.COMMENT for _ in waiting)


def _meant(was: _Event, now: _Event, edits: list[_Edit]) -> Effect:
    """What edits did to a scalar, if it is one of the two things that a fix may do."""
    if len(edits) == 1 and edits[0].end <= was.end:
        text = edits[0].text
        bare = text[1:-1] if text[:1] in ("'", '"') else text
        if not was.style and now.style in ("'", '"') and was._replace(style=now.style).same(now):
            return Effect.QUOTED
        if was.is_key and was._replace(value=bare).same(now):
            return Effect.RENAMED
    raise Unsafe(f"{was} would become {now}")


def _events(text: str) -> Iterator[_Event]:
    """The events of a text.

    Raises:
        Unsafe: it is no YAML.
    """
    # libyaml passes over a mark of byte order at the beginning and does not count it
    ahead = int(text.startswith("\ufeff") and _LOADER is not yaml.SafeLoader)
    keys: list[bool | None] = [None]  # of each open mapping whether a key comes next; None for a list
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if event.start_mark is None or event.end_mark is None:
                raise RuntimeError("an event of YAML without a place")
            is_key = False
            if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                keys.pop()
            elif isinstance(event, yaml.NodeEvent) and keys[-1] is not None:
                is_key, keys[-1] = keys[-1], not keys[-1]
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                keys.append(True if isinstance(event, yaml.MappingStartEvent) else None)
            yield _Event(
                type(event).__name__.removesuffix("Event"),
                event.value if isinstance(event, yaml.ScalarEvent) else None,
                (event.style or "") if isinstance(event, yaml.ScalarEvent) else None,
                tuple(getattr(event, name, None) for name in _BESIDE),
                is_key,
                event.start_mark.index + ahead,
                event.end_mark.index + ahead,
                event.start_mark.line + 1,
            )
    except yaml.YAMLError as problem:
        raise Unsafe(f"the text would be no YAML: {problem}") from None
