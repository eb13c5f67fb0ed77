"""A removal that nobody answers for (PV549).

Where a command is gone, its row goes too, and an entry of `removals` says so: which (`entry_point`), why (`reason`: RETIRED, RENAMED
or MERGED_INTO), who answers for it (`owner`), since when (`recorded_on`), and, unless it was retired, what does its work now
(`replacement`). An entry point that still has a row, or a downgrade, is not gone: to record its removal is a permission for
later, given by nobody.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}
    parity:
      removals:
        - {entry_point: "apr code", reason: RENAMED, owner: agents, recorded_on: "2026-10-05"}

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
      removals:
        - {entry_point: "apr chat", reason: RENAMED, owner: agents, recorded_on: "2026-10-05", replacement: "apr talk"}

Upstream: PARITY-025, PARITY-026, PARITY-027 of later versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._parity import downgrades, removals, rows
from pv.rules._problem import Problem, is_blank
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract
    from pv.rules._parity import Entry

CODE = "PV549"
SEVERITY = Severity.ERROR

_REASONS = ("RETIRED", "RENAMED", "MERGED_INTO")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield what is missing or wrong in each removal."""
    present = {one.name: one.label for one in (*downgrades(contract), *rows(contract)) if one.name is not None}
    first: dict[str, str] = {}
    for entry in removals(contract):
        yield from _record(entry)
        yield from _replacement(entry)
        if entry.name in present:
            message = f"{entry.label} removes {entry.name!r}, of which {present[entry.name]} tells"
            yield Problem(entry.span("entry_point"), message, "remove one of the two")
        elif entry.name in first:
            yield Problem(entry.span("entry_point"), f"{entry.name!r} is removed already, by {first[entry.name]}")
        elif entry.name is not None:
            first[entry.name] = entry.label


def _record(entry: Entry) -> Iterator[Problem]:
    """Which, why, who and when."""
    for key, fix in {"entry_point": "say what is gone", "owner": "say who answers for it"}.items():
        if is_blank(entry.data.get(key)):
            yield Problem(entry.span(key), f"{entry.label} has no {key!r}", fix)
    reason = entry.data.get("reason")
    if is_blank(reason):
        yield Problem(entry.span("reason"), f"{entry.label} gives no reason", f"one of {', '.join(_REASONS)}")
    elif not isinstance(reason, (list, dict)) and reason not in _REASONS:
        fix = did_you_mean(str(reason).upper(), _REASONS) or f"one of {', '.join(_REASONS)}"
        yield Problem(entry.span("reason"), f"{entry.label} cannot have the reason {reason!r}", fix)
    if entry.day("recorded_on") is None:
        yield Problem(entry.span("recorded_on"), f"{entry.label} does not say since when", "write it as 2026-12-31")


def _replacement(entry: Entry) -> Iterator[Problem]:
    """What does the work now."""
    value = entry.data.get("replacement")
    if is_blank(value):
        if entry.data.get("reason") in _REASONS[1:]:
            message = f"{entry.label} does not say what has replaced {entry.name!r}"
            yield Problem(entry.span("replacement"), message, "name it as 'replacement', or say RETIRED")
    elif value == entry.data.get("entry_point"):
        yield Problem(entry.span("replacement"), f"{value!r} cannot replace itself", "name what does its work now")
