"""A downgrade of a row that still claims something (PV543).

A downgrade owns up to a verdict that was taken back: the row it names says UNMEASURED. Where it records another change, it
says from which verdict to which (`from_verdict`, `to_verdict`), and the row says the second. A downgrade beside a row that
still claims what it takes back is a permission for later, given by nobody.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - {entry_point: "apr code", verdict: BETTER}
      downgrades:
        - {entry_point: "apr code", reason: RECEIPT_MISSING, owner: agents, recorded_on: "2026-10-05", recheck_by: "2027-01-15"}

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

Upstream: PARITY-014, and PARITY-019 of later versions (both ends of a change).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import UNMEASURED, VERDICTS, downgrades, rows
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract
    from pv.rules._parity import Entry

CODE = "PV543"
SEVERITY = Severity.ERROR

_FROM, _TO = "from_verdict", "to_verdict"


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each downgrade whose row does not say what the downgrade makes of it, and each that records no change."""
    verdicts: dict[str, str] = {}
    for row in rows(contract):
        verdict = row.data.get("verdict")
        if row.name is not None and isinstance(verdict, str):
            verdicts.setdefault(row.name, verdict)
    for entry in downgrades(contract):
        yield from _ends(entry)
        wanted = entry.data.get(_TO, UNMEASURED)
        actual = verdicts.get(entry.name or "")
        if actual is not None and isinstance(wanted, str) and actual != wanted:
            message = f"{entry.label} makes {wanted} of {entry.name!r}, whose row says {actual}"
            fix = f"let the row say {wanted}, or remove the downgrade"
            yield Problem(entry.span(_TO if _TO in entry.data else "entry_point"), message, fix)


def _ends(entry: Entry) -> Iterator[Problem]:
    given = [key for key in (_FROM, _TO) if key in entry.data]
    if len(given) == 1:
        other = _TO if given == [_FROM] else _FROM
        yield Problem(
            entry.document.key_span(*entry.path, given[0]),
            f"{entry.label} has {given[0]!r} but no {other!r}",
            "say both ends of the change; without either it is a downgrade to UNMEASURED",
        )
    elif given and entry.data[_FROM] == entry.data[_TO]:
        yield Problem(entry.span(_TO), f"{entry.label} records a change from {entry.data[_TO]!r} to itself")
    for key in given:
        if isinstance(entry.data[key], str) and entry.data[key] not in VERDICTS:
            yield Problem(entry.span(key), f"{entry.data[key]!r} is no verdict", f"one of {', '.join(VERDICTS)}")
