"""Days written in a contract: which keys hold them, what they say, and where they stand."""

from __future__ import annotations

import functools
import re
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from pv.pattern import lazy

if TYPE_CHECKING:
    from pv.load import Document
    from pv.types import Span

# what has happened on that day
PAST = frozenset(
    (
        *("created", "updated", "modified", "last_modified", "last_updated", "date", "measured_on", "recorded_on"),
        *("verified_on", "reviewed_on", "generatedAtTime", "baseline_sourced_date", "discharged_on"),
    )
)
# what was to happen until that day
DUE = frozenset(
    (
        *("due", "due_date", "due_by", "recheck_by", "valid_until", "review_by", "expires", "expires_on"),
        *("target_date", "deadline"),
    )
)
_DATED = PAST | DUE
_DAY = lazy(r"(\d{4}-\d{1,2}-\d{1,2})(?:[Tt ]\d.*)?", re.ASCII)


class Written(NamedTuple):
    """A text that has the shape of a date, under a key that holds dates."""

    path: tuple[str | int, ...]
    text: str
    span: Span
    owner: Any

    @property
    def key(self) -> str:
        """The key under which it stands."""
        return str(self.path[-1])

    @property
    def day(self) -> date | None:
        """The day; None if there is no such day."""
        return day_of(self.text)


def day_of(value: Any) -> date | None:
    """The day that a text names, as `2026-01-02` or with a time behind it; None if it names none."""
    found = _DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def has_shape(value: Any) -> bool:
    """Whether a value looks like a date, be there such a day or not."""
    return isinstance(value, str) and _DAY.fullmatch(value.strip()) is not None


@functools.lru_cache(maxsize=4)
def written(document: Document) -> tuple[Written, ...]:
    """Everything that looks like a date under a key that holds dates, at any depth; blocks of one's own (`x-…`) left out."""
    found: list[Written] = []
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(document.data, ())]
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, list):
            waiting += [(below, (*path, index)) for index, below in enumerate(value) if isinstance(below, (dict, list))]
            continue
        for key, below in value.items():
            if isinstance(below, str):
                if key in _DATED and has_shape(below):
                    found.append(Written((*path, key), below, document.value_span(*path, key), value))
            elif isinstance(below, (dict, list)) and not key.startswith("x-"):
                waiting.append((below, (*path, key)))
    return tuple(found)
