"""A measurement that has yet to be made (PV547).

`measured_on` and `recorded_on` say what has happened. A day to come there would make a row fresh that nobody has measured.
Today is fine; the day is that of UTC.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - entry_point: "apr code"
          competitor: ollama
          competitor_version: "0.12.4"
          invocation_apr: "apr code fixture"
          invocation_competitor: "ollama run m"
          dimension: pass_rate
          verdict: WORSE
          measured_on: "2026-12-24"
          valid_until: "2027-01-31"
          owner: agents
          evidence: bench/code-2026-10-01.json

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
          verdict: WORSE
          measured_on: "2026-10-01"
          valid_until: "2027-01-31"
          owner: agents
          evidence: bench/code-2026-10-01.json

Upstream: PARITY-017.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pv.rules import _today
from pv.rules._parity import downgrades, removals, rows
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV547"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each row measured, and each downgrade or removal recorded, on a day to come."""
    measured = ((row, "measured_on") for row in rows(contract))
    recorded = ((entry, "recorded_on") for entry in (*downgrades(contract), *removals(contract)))
    for entry, key in itertools.chain(measured, recorded):
        found = entry.day(key)
        if found and found > _today.today():
            yield Problem(
                entry.span(key), f"{key!r} of {entry.label}, {found}, is still to come", "give the day it was"
            )
