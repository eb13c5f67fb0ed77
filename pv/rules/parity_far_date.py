"""A day too far ahead (PV546).

No day in a ledger lies more than 180 days ahead of today, under whatever key. Each date that an author may choose freely is the
next exemption: a `valid_until` measured against a `measured_on` that is in the future itself bounds nothing. Only a value
that is a day and nothing else counts; a day in the middle of prose does not.

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
          measured_on: "2026-10-01"
          valid_until: "2027-01-31"
          owner: agents
          evidence: bench/code-2026-10-01.json
          certified_until: "2099-12-31"

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
          note: "the support of that release ends on 2099-12-31"

Upstream: PARITY-016; a parse error there for the four days that rows and downgrades have.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pv.rules import _today
from pv.rules._parity import LONGEST, day, is_ledger
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV546"
SEVERITY = Severity.ERROR

_SHORT = 20  # characters: a day, with some blanks around it


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each value, at any depth, that is a day more than 180 days ahead."""
    if not is_ledger(contract):
        return
    last = _today.today() + timedelta(days=LONGEST)
    for path, value in _texts(contract.document.data):
        found = day(value.strip())  # blanks around it hide nothing from a reader
        if found and found > last:
            message = f"{found} is more than {LONGEST} days ahead"
            yield Problem(
                contract.document.value_span(*path), message, f"no day of a ledger is later than {last} today"
            )


def _texts(data: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text short enough to be a day, with its path; what an alias repeats is told once."""
    seen: set[int] = set()
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            if "-" in value[:_SHORT] and len(value) <= _SHORT:
                yield path, value
        elif isinstance(value, (dict, list)) and id(value) not in seen:
            seen.add(id(value))
            below = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [((*path, step), one) for step, one in below]
