"""A downgrade of no row (PV541).

A downgrade says of a comparison that it still stands in the ledger and that its figure is no longer backed. So it names a row
that is there, and each row once. It cannot stand for a row that was deleted: that is the move it exists to prevent.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - {entry_point: "apr code", verdict: UNMEASURED}
      downgrades:
        - {entry_point: "apr cod", reason: RECEIPT_MISSING, owner: agents, recorded_on: "2026-10-05", recheck_by: "2027-01-15"}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - entry_point: "apr code"
          competitor: ollama
          competitor_version: "0.12.4"
          invocation_apr: "apr code fixture"
          invocation_competitor: "ollama run m"
          dimension: pass_rate
          verdict: UNMEASURED
          measured_on: "2026-10-01"
          valid_until: "2027-01-31"
          owner: agents
          evidence: bench/code-2026-10-01.json
      downgrades:
        - entry_point: "apr code"
          reason: RECEIPT_MISSING
          owner: agents
          recorded_on: "2026-10-05"
          recheck_by: "2027-01-15"

Upstream: PARITY-012.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import downgrades, rows
from pv.rules._problem import Problem, is_blank
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV541"
SEVERITY = Severity.ERROR

_KEY = "entry_point"


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each downgrade whose row is not named, not there, or downgraded already."""
    names = {row.name: None for row in rows(contract) if row.name is not None}
    first: dict[str, str] = {}
    for entry in downgrades(contract):
        value, span = entry.data.get(_KEY), entry.span(_KEY)
        if is_blank(value):
            yield Problem(span, f"{entry.label} names no row", "give the entry point of the row")
        elif not isinstance(value, str):
            continue  # the shape is for another rule to report
        elif value not in names:
            fix = did_you_mean(value, names) or "a deleted row stays, as UNMEASURED"
            yield Problem(span, f"{entry.label} names {value!r}, which has no row", fix)
        elif value in first:
            yield Problem(span, f"{value!r} is downgraded already, by {first[value]}", "keep one of the two")
        else:
            first[value] = entry.label
