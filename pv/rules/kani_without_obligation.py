"""A kani harness without an obligation (PV213).

A harness that does not say which obligation it proves proves nothing of the contract, whatever it finds.

Bad:

    kani_harnesses:
      - {id: KANI-A-001, obligation: "", bound: 8}

Good:

    kani_harnesses:
      - {id: KANI-A-001, obligation: the sum is 1, bound: 8}

Whether the obligation that is named exists is another question, PV334.

Upstream: SCHEMA-011, AUDIT-002.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, entries, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV213"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each kani harness whose obligation is empty or absent."""
    for index, entry in entries(contract, "kani_harnesses"):
        if is_blank(entry.get("obligation")):
            span = contract.document.key_span("kani_harnesses", index, "obligation")
            message = f"kani harness {entry.get('id', index + 1)!r} names no obligation"
            yield Problem(span, message, "name the obligation that it proves: its id, or its property")
