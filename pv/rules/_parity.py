"""The ledger of a competitive-parity contract: its rows, its downgrades and removals, and the words that may stand in them."""

from __future__ import annotations

import functools
import re
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from pv.rules._problem import is_blank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.load import Document
    from pv.parse import Contract
    from pv.types import Span

KIND = "competitive-parity"
BLOCK = "parity"
VERDICTS = ("BETTER", "PARITY", "WORSE", "NOT_COMPARABLE", "UNMEASURED")
UNMEASURED = "UNMEASURED"
REASONS = (
    *("RECEIPT_MISSING", "HARNESS_DELETED", "MEASUREMENT_UNDATED", "COMPETITOR_UNPINNABLE", "HOST_UNAVAILABLE"),
    *("SUPERSEDED", "REMEASURED", "NO_COUNTERPART", "COMPARISON_RESPECIFIED"),
)
LONGEST = 180  # days that a measurement counts, that a downgrade may stay open, and that any date may lie ahead
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


class Entry(NamedTuple):
    """One row, downgrade or removal, and where it stands."""

    document: Document
    path: tuple[str | int, ...]
    data: Mapping[str, Any]

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"{self.path[-2]}[{self.path[-1]}]"

    @property
    def name(self) -> str | None:
        """The entry point as it is written; None where none is."""
        value = self.data.get("entry_point")
        return value if isinstance(value, str) and not is_blank(value) else None

    def day(self, key: str) -> date | None:
        """The day that stands under `key`; None if no day does."""
        return day(self.data.get(key))

    def span(self, key: str) -> Span:
        """Where the value of `key` stands; where the entry begins if there is none."""
        return self.document.value_span(*self.path, key)


def is_ledger(contract: Contract) -> bool:
    """Whether the contract is of this kind; `registry: true` changes nothing about that."""
    return contract.kind == KIND


def rows(contract: Contract) -> tuple[Entry, ...]:
    """The rows of a contract of this kind; what is no mapping is left out, the schema reports it."""
    return _entries(contract.document, "rows") if is_ledger(contract) else ()


def downgrades(contract: Contract) -> tuple[Entry, ...]:
    """The downgrades of a contract of this kind."""
    return _entries(contract.document, "downgrades") if is_ledger(contract) else ()


def removals(contract: Contract) -> tuple[Entry, ...]:
    """The removals of a contract of this kind."""
    return _entries(contract.document, "removals") if is_ledger(contract) else ()


def day(value: Any) -> date | None:
    """The day that a text is, written as 2026-01-02 and nothing else; None if it is none."""
    if not isinstance(value, str) or not re.fullmatch(_DAY, value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


@functools.lru_cache(maxsize=8)
def _entries(document: Document, block: str) -> tuple[Entry, ...]:
    ledger = document.data.get(BLOCK)
    found = ledger.get(block) if isinstance(ledger, dict) else None
    return tuple(
        Entry(document, (BLOCK, block, index), entry)
        for index, entry in enumerate(found if isinstance(found, list) else ())
        if isinstance(entry, dict)
    )
