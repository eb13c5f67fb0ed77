"""A ledger that calls itself a registry (PV531).

`registry: true` makes a kernel a registry, of which nothing has to be proved. A ledger of comparisons is there to be held to
what it says; the word buys it nothing and misleads whoever reads it.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity, registry: true}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kernel, registry: true}

Upstream: PARITY-000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import is_ledger
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV531"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if a competitive-parity contract says `registry: true`."""
    if is_ledger(contract) and contract.metadata.get("registry") is True:
        span = contract.document.key_span("metadata", "registry")
        yield Problem(span, "a competitive-parity contract cannot be a registry", "remove 'registry: true'")
