"""No references (PV201).

A claim that nobody can trace to its source cannot be checked against it.

Bad:

    metadata: {version: "1.0.0", created: "2026-01-02", description: softmax}

Good:

    metadata:
      version: "1.0.0"
      created: "2026-01-02"
      description: softmax
      references: ["Bridle (1990)"]

Upstream: SCHEMA-001.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV201"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if `metadata.references` is absent or names nothing."""
    said = contract.metadata.get("references")
    if not said or (isinstance(said, list) and all(map(is_blank, said))):
        span = contract.document.key_span("metadata", "references")
        yield Problem(
            span, "metadata.references is empty", "name at least one source: a paper, a file, a specification"
        )
