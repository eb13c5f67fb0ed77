"""A downgrade that nobody answers for (PV542).

A downgrade says why (`reason`, a word of a closed list: prose can say anything), who measures again (`owner`), since when
(`recorded_on`) and until when at the latest (`recheck_by`, later than that and by 180 days at most). Without the last it would
stand for ever.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      rows:
        - {entry_point: "apr code", verdict: UNMEASURED}
      downgrades:
        - {entry_point: "apr code", reason: lost it, recorded_on: "2026-10-05", recheck_by: "2027-10-05"}

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

Upstream: PARITY-013; an unknown reason is a parse error there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import LONGEST, REASONS, downgrades
from pv.rules._problem import Problem, is_blank
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract
    from pv.rules._parity import Entry

CODE = "PV542"
SEVERITY = Severity.ERROR

_KEYS = ("recorded_on", "recheck_by")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield what is missing or wrong in each downgrade."""
    for entry in downgrades(contract):
        yield from _reason(entry)
        if is_blank(entry.data.get("owner")):
            yield Problem(entry.span("owner"), f"{entry.label} has no owner", "say who measures again")
        yield from _days(entry)


def _reason(entry: Entry) -> Iterator[Problem]:
    value = entry.data.get("reason")
    if is_blank(value):
        yield Problem(entry.span("reason"), f"{entry.label} gives no reason", f"one of {', '.join(REASONS)}")
    elif not isinstance(value, (list, dict)) and value not in REASONS:
        fix = did_you_mean(str(value).upper(), REASONS) or f"one of {', '.join(REASONS)}"
        yield Problem(entry.span("reason"), f"{entry.label} cannot have the reason {value!r}", fix)


def _days(entry: Entry) -> Iterator[Problem]:
    for key in _KEYS:
        if entry.day(key) is None:
            blank = is_blank(entry.data.get(key))
            what = f"{entry.label} has no {key!r}" if blank else f"{key!r} of {entry.label} is no day"
            yield Problem(entry.span(key), what, "write it as 2026-12-31")
    recorded, due = map(entry.day, _KEYS)
    if recorded and due and due <= recorded:
        yield Problem(entry.span("recheck_by"), f"{entry.label} comes due before it was recorded", "give a later day")
    elif recorded and due and (due - recorded).days > LONGEST:
        message = f"{entry.label} comes due after {(due - recorded).days} days; {LONGEST} are the most"
        yield Problem(entry.span("recheck_by"), message, "give an earlier day")
