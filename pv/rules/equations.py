"""A kernel contract without equations (PV203).

A kernel is defined by its equations; without one there is nothing that the claims could be about. Contracts of other
kinds say so with `metadata.kind`, and a registry of data with `metadata.registry: true`.

Bad:

    equations: {}

Good:

    equations:
      f: {formula: "f(x) = x", domain: x is a vector}

Upstream: SCHEMA-003.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._kinds import by_default
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV203"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if a kernel has no equations."""
    if contract.kind == "kernel" and not contract.equations:
        yield Problem(
            contract.document.key_span("equations"),
            "a kernel contract without equations",
            by_default(contract),
        )
