"""The entries of `status_history`, taken as they stand: moves from one status to another, and notes.

Shapes found in the wild are understood: a version behind the word (`ACTIVE v1.0.0`), entries without `from` and `to`, dates with
and without a time of day, files that run forward or backward. Whether a history makes sense is for the rules to say.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pv.parse import canonical
from pv.pattern import lazy
from pv.words import rung

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.load import Document
    from pv.parse import Contract
    from pv.types import Span
    from pv.words import Effective

BLOCK = "status_history"
MIN_ABBREVIATION = 16  # hex digits of a ledger line's id that evidence must give
NEVER = datetime.max.replace(tzinfo=UTC)

_DAY = lazy(r"\d{4}-\d{2}-\d{2}")
_TIME = lazy(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:?\d{2})")
_HASH = lazy(rf"[0-9a-f]{{{MIN_ABBREVIATION},64}}")
_VERSION = lazy(r"v?(\d+(?:\.\d+)*)(?:[-+].*)?")
_DAY_BUT_A_MOMENT = timedelta(days=1) - timedelta.resolution

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Transition:
    """One entry: from which word to which (both "" in a note), and all that it says beside.

    `starts` and `ends` are the first and the last moment that its date may stand for, the same one where it gives the time of
    day and its zone; None if the date cannot be read.
    """

    index: int
    span: Span
    date: str
    starts: datetime | None
    ends: datetime | None
    source: str
    target: str
    source_version: str
    version: str
    evidence: tuple[str, ...]
    commit: str
    loosens: tuple[str, ...]
    reason: str
    note: str
    said: str = field(repr=False)  # canonical JSON of the whole entry: what must never change

    @property
    def is_move(self) -> bool:
        """Whether it states a status; anything else is a note."""
        return bool(self.target)

    @property
    def from_rung(self) -> Effective | None:
        """The rung that it leaves; None if the word is unknown."""
        return rung(self.source)

    @property
    def to_rung(self) -> Effective | None:
        """The rung that it arrives at; None if the word is unknown."""
        return rung(self.target)

    @property
    def promotes(self) -> bool:
        """Whether it leads up the ladder; from nowhere counts as from its foot."""
        source, target = self.from_rung, self.to_rung
        return target is not None and target.rank > max(0, source.rank if source else 0)

    @property
    def title(self) -> str:
        """The entry in a few words, for messages."""
        move = f"{self.source or '?'} to {self.target}" if self.is_move else "note"
        return f"{self.date or 'no date'}: {move}"

    def names(self, key: str) -> bool:
        """Whether its list `loosens` owns up to the loosening with this key."""
        return any(one == key or one.startswith(f"{key} ") for one in self.loosens)


def cap_until(transition: Transition) -> datetime:
    """The moment after which evidence must have been made to count beyond what `transition` owns up to.

    A date without a time of day stands for its end, in UTC; what cannot be read, for a time that never comes.
    """
    return transition.ends or NEVER


def transitions(contract: Contract) -> tuple[Transition, ...]:
    """Every entry of the history, in the order of the file."""
    return _entries(contract.document)


@functools.lru_cache(maxsize=4)
def _entries(document: Document) -> tuple[Transition, ...]:
    return entries_at(document, (BLOCK,))


def entries_at(document: Document, path: tuple[str | int, ...]) -> tuple[Transition, ...]:
    """Every entry of a history elsewhere in the document, as a claim or `metadata` may have one; none if it is no list."""
    value: Any = document.data
    for step in path:
        inside = isinstance(value, dict) or (isinstance(value, list) and isinstance(step, int) and step < len(value))
        value = (value.get(step) if isinstance(value, dict) else value[step]) if inside else None
    listed = value if isinstance(value, list) else []
    return tuple(_transition(document, (*path, index), entry) for index, entry in enumerate(listed))


def is_before(one: Transition, other: Transition) -> bool:
    """Whether the dates say for sure that `one` came before `other`."""
    return one.ends is not None and other.starts is not None and one.ends < other.starts


def runs_backward(entries: Sequence[Transition]) -> bool:
    """Whether the newest entry stands first: told by the dates or, where they are all the same, by the chain of words."""
    dated = [one for one in entries if one.starts]
    if dated and (is_before(dated[0], dated[-1]) or is_before(dated[-1], dated[0])):
        return is_before(dated[-1], dated[0])
    pairs = list(itertools.pairwise(one for one in entries if one.is_move))
    return sum(a.source == b.target for a, b in pairs) > sum(b.source == a.target for a, b in pairs)


def chronological(entries: Sequence[Transition]) -> tuple[Transition, ...]:
    """The moves, oldest first: by day; within one by the time, else by version, where all its moves give one, else by the file.

    A move whose date cannot be read stays beside its neighbour in the file.
    """
    moves = [one for one in entries if one.is_move]
    if runs_backward(entries):
        moves.reverse()
    days: dict[str, list[Transition]] = {}
    day = ""
    for one in moves:
        day = one.starts.date().isoformat() if one.starts else day
        days.setdefault(day, []).append(one)
    return tuple(one for name in sorted(days) for one in _within_a_day(days[name]))


def newest(contract: Contract) -> Transition | None:
    """The newest move; None if there is none."""
    moves = chronological(transitions(contract))
    return moves[-1] if moves else None


def version_of(text: str) -> Version | None:
    """A dotted version as numbers, so that 1.10 comes after 1.9; None if it is none."""
    found = _VERSION.fullmatch(text.strip())
    return tuple(int(part[:18]) for part in found[1].split(".")) if found else None


def compare_versions(one: Version, other: Version) -> int:
    """Below, at or above zero as `one` is older than, the same as or newer than `other`; 1.0 is 1.0.0."""
    longest = max(len(one), len(other))
    left, right = (value + (0,) * (longest - len(value)) for value in (one, other))
    return (left > right) - (left < right)


def _within_a_day(moves: list[Transition]) -> list[Transition]:
    if all(one.starts and one.starts == one.ends for one in moves):
        return sorted(moves, key=lambda one: one.starts or NEVER)
    versions = {one.index: version for one in moves if (version := version_of(one.version))}
    if len(versions) < len(moves):
        return moves
    by_version = functools.cmp_to_key(compare_versions)
    return sorted(moves, key=lambda one: by_version(versions[one.index]))


def _transition(document: Document, path: tuple[str | int, ...], entry: Any) -> Transition:
    said = entry if isinstance(entry, dict) else {"note": entry}
    source, source_version = _word(said.get("from"))
    target, version = _word(said.get("to"))
    starts, ends = _moment(_text(said.get("date")))
    return Transition(
        index=int(path[-1]),
        span=document.value_span(*path),
        date=_text(said.get("date")),
        starts=starts,
        ends=ends,
        source=source,
        target=target,
        source_version=source_version,
        version=_text(said.get("version")).removeprefix("v") or version,
        evidence=tuple(one for one in _texts(said.get("evidence")) if _HASH.fullmatch(one)),
        commit=_text(said.get("commit")),
        loosens=_texts(said.get("loosens")),
        reason=_text(said.get("reason")),
        note=_text(said.get("note")),
        said=canonical(entry),
    )


def _word(value: Any) -> tuple[str, str]:
    """The word of a status and the version that may stand behind it."""
    words = _text(value).split()
    if not words:
        return "", ""
    found = _VERSION.fullmatch(words[1]) if len(words) > 1 else None
    return words[0], words[1].removeprefix("v") if found else ""


def _moment(text: str) -> tuple[datetime | None, datetime | None]:
    """The first and the last moment that a date may stand for."""
    try:
        if _DAY.fullmatch(text):
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return day, day + _DAY_BUT_A_MOMENT
        if _TIME.fullmatch(text):
            moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
            return moment, moment
    except (ValueError, OverflowError):  # no such day, or one at the end of time
        return None, None
    return None, None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(filter(None, map(_text, value if isinstance(value, list) else [value])))


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list, bool)) else str(value).strip()
