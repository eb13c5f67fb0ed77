"""A kernel contract without a quality gate (PV215).

`qa_gate` says what has to be true before the kernel ships. Here claims are run and their verdicts decide, so a missing gate is a note;
`[tool.pv.validate] severity` can raise it.

Bad:

    equations:
      f: {formula: "f(x) = x", domain: x is a vector}

Good:

    qa_gate:
      id: F-A-001
      name: identity
      checks: [shape]
      pass_criteria: every claim is discharged

Upstream: SCHEMA-013, a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV215"
SEVERITY = Severity.NOTE


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if a kernel has no `qa_gate`, or an empty one."""
    if contract.kind == "kernel" and not contract.document.data.get("qa_gate"):
        yield Problem(contract.document.key_span("qa_gate"), "no qa_gate says what must be true before this ships")
