"""A key that stands twice in one mapping (PV004).

Many readers silently take the last of the two, others the first: the contract then means something else to each of
them.

Bad:

    equations: {}
    equations:
      f: {formula: "f(x) = x"}

Good:

    equations:
      f: {formula: "f(x) = x", domain: x is a vector}

Upstream: SCHEMA-020.
"""

from __future__ import annotations

from pv.types import Severity

CODE = "PV004"
SEVERITY = Severity.ERROR
