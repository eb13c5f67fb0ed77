"""A binding registry: its entries, and the contract and the equation that each names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pv.rules._references import stem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.load import Document
    from pv.types import Span

BLOCK = "bindings"
IMPLEMENTED = "implemented"
STATUSES = (IMPLEMENTED, "partial", "not_implemented", "pending")


@dataclass(frozen=True)
class Binding:
    """One entry: its place, the contract it names (by name, without folder and suffix) and the equation; both "" if absent."""

    document: Document
    index: int
    data: Mapping[str, Any]
    contract: str
    equation: str

    def span(self, key: str) -> Span:
        """Where the value of a key stands; the entry itself if it has none."""
        return self.document.value_span(BLOCK, self.index, key)


def bindings(document: Document) -> Iterator[Binding]:
    """The entries of a registry that are mappings."""
    block = document.data.get(BLOCK)
    for index, entry in enumerate(block if isinstance(block, list) else ()):
        if isinstance(entry, dict):
            yield Binding(document, index, entry, stem(_text(entry.get("contract"))), _text(entry.get("equation")))


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
