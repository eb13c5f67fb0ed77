"""No version (PV202).

A status history and pins refer to versions; a contract without one cannot be cited.

Bad:

    metadata: {version: "", created: "2026-01-02", description: softmax, references: ["Bridle (1990)"]}

Good:

    metadata: {version: "1.0.0", created: "2026-01-02", description: softmax, references: ["Bridle (1990)"]}

A version that is absent is PV103, since the schema demands it. A number (`1.0`) is taken as its text.

Upstream: SCHEMA-002, PV-VAL-002.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV202"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if `metadata.version` is there and says nothing; the schema demands that it is there."""
    if "version" in contract.metadata and is_blank(contract.metadata["version"]):
        yield Problem(contract.document.key_span("metadata", "version"), "metadata.version is empty")
