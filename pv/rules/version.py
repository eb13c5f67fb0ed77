"""No version (PV202).

Status history and pins refer to versions; a contract without one cannot be cited.

Bad:

    metadata: {version: "", description: "softmax", references: [a]}

Good:

    metadata: {version: "1.0.0", description: "softmax", references: [a]}

Upstream: SCHEMA-002.
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
