"""No date of creation (PV226).

`metadata.created` says since when the contract has been standing; histories, due dates and reports are read against it. Version control
knows it too, so this is a note; `[tool.pv.validate] severity` can raise it.

Bad:

    metadata: {version: "1.0.0", description: softmax, references: ["Bridle (1990)"]}

Good:

    metadata: {version: "1.0.0", created: "2026-01-02", description: softmax, references: ["Bridle (1990)"]}

Upstream: PV-VAL-003, a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV226"
SEVERITY = Severity.NOTE


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if `metadata.created` is absent or empty."""
    if is_blank(contract.metadata.get("created")):
        where = ("metadata", "created") if "created" in contract.metadata else ("metadata",)
        yield Problem(contract.document.key_span(*where), "metadata.created is missing")
