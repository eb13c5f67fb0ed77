"""What a rule yields, and the questions that many rules ask of a contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.parse import Contract
    from pv.types import Fix, Severity, Span


class Problem(NamedTuple):
    """Where and what; the rule's module says how grave, unless the problem itself does."""

    span: Span
    message: str
    help: str | None = None
    severity: Severity | None = None
    fix: Fix | None = None


def entries(contract: Contract, block: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The mappings in a list block, with their index; nothing if the block is absent or of another shape."""
    value = contract.document.data.get(block)
    for index, entry in enumerate(value if isinstance(value, list) else []):
        if isinstance(entry, dict):
            yield index, entry


def is_blank(value: Any) -> bool:
    """Whether a value says nothing."""
    return value is None or (isinstance(value, str) and not value.strip())
