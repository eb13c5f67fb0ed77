"""A downgrade past its day (PV544).

A downgrade excuses a row until `recheck_by`. After that day it excuses nothing: the measurement it promised is owed. On the day
itself it still holds. One whose day cannot be read excuses nothing either; PV542 says so.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - {entry_point: "apr code", verdict: UNMEASURED}
      downgrades:
        - {entry_point: "apr code", reason: RECEIPT_MISSING, owner: agents, recorded_on: "2026-01-05", recheck_by: "2026-03-31"}

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

Upstream: PARITY-018, of `pv parity-ledger`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules import _today
from pv.rules._parity import downgrades
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV544"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each downgrade whose day has passed."""
    for entry in downgrades(contract):
        due = entry.day("recheck_by")
        if due and due < _today.today():
            message = f"{entry.label} was due on {due}: it no longer excuses {entry.name!r}"
            yield Problem(entry.span("recheck_by"), message, "measure the row again, or record anew why not")
