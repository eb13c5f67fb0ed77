"""What `pv gate` prints: each reason where it stands, and one line with the counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pv.gate import FAILED, NOT_MEASURED, PASSED, Kind
from pv.report.console import cut, escape
from pv.report.lacking import lacking
from pv.report.summary import counts, headline, settled
from pv.report.wording import counted
from pv.since import measured

if TYPE_CHECKING:
    from pv.changes import Since
    from pv.gate import Gate, Reason
    from pv.report.console import Paint
    from pv.status import Report

_WORDS = {PASSED: "passed", FAILED: "failed", NOT_MEASURED: "not measured"}
_COLOURS = {PASSED: "green", FAILED: "red", NOT_MEASURED: "yellow"}
_LONGEST = 300  # columns of what is said about one reason


def as_text(gate: Gate, report: Report, paint: Paint) -> str:
    """One line a reason, contradictions first, then what does not stop anybody, then the summary."""
    ordered = sorted(gate.reasons, key=lambda reason: reason.code)
    by_name = {one.contract.name: one for one in report.contracts}
    lines = []
    for reason in ordered:
        lines.append(_line(reason, paint))
        if reason.kind is Kind.OVERSTATED and reason.contract in by_name:
            for claim, texts in lacking(by_name[reason.contract]):
                lines.append(f"  {escape(claim or reason.contract)} lacks: {cut(escape('; '.join(texts)), _LONGEST)}")
    lines += [paint(f"note: {escape(text)}", "dim") for text in notes(gate, report)]
    return "\n".join([*lines, paint(summary(gate, report), _COLOURS[gate.code], "bold")])


def as_json(gate: Gate, report: Report) -> str:
    """The same as one JSON object of schema `pv-gate-v1`."""
    since = report.since
    return json.dumps(
        {
            "schema": "pv-gate-v1",
            "exit": gate.code,
            "verdict": _WORDS[gate.code],
            "summary": summary(gate, report),
            "counts": {**counts(report.claims), "as_expected": sum(map(settled, report.claims))},
            "contracts": len(report.contracts),
            "reasons": [_data(reason) for reason in gate.reasons],
            "old_refutations": [{"contract": one.claim.contract, "claim": one.claim.id} for one in gate.old],
            "notes": notes(gate, report),
            "since": since and {"ref": since.ref, "commit": since.commit, "measured": since.measured},
        },
        indent=2,
    )


def notes(gate: Gate, report: Report) -> list[str]:
    """What is no reason to stop, and should be known all the same."""
    told = [
        *report.problems,
        *(f"{one.claim.contract}: {one.claim.id}: {one.outcome} at the base as well: let through" for one in gate.old),
    ]
    for status in report.contracts if any(map(measured, report.claims)) else ():
        known = sum(settled(one) or one.contradicts for one in status.claims)
        if known < len(status.claims):
            told.append(f"{status.contract.name}: {len(status.claims) - known} of {len(status.claims)} claims unknown")
        elif not status.claims:
            told.append(f"{status.contract.name}: it has no claims")
    if report.since and not report.since.measured and not any(one.kind is Kind.NO_BASE for one in gate.reasons):
        told.append(f"since {report.since.ref}: {report.since.why_not}")
    return told


def summary(gate: Gate, report: Report) -> str:
    """The verdict and what it is of: claims, contracts, mutants, and what is new."""
    parts = [headline(report.claims)]
    declaring = [one for one in report.contracts if one.declared is not None]
    sound = sum(not one.overstated for one in declaring)
    parts.append(f"{sound} of {counted(len(declaring), 'contract')} with a status declare no more than is effective")
    if report.since:
        parts.append(_changes(report.since))
    reasons = counted(len(gate.reasons), "reason")
    verdict = _WORDS[gate.code] + (f" ({reasons})" if gate.reasons else "")
    return f"gate {verdict}: {'; '.join(map(escape, parts))}"


def _changes(since: Since) -> str:
    at = f"since {since.ref} ({since.commit[:12]})" if since.commit else f"since {since.ref}"
    if not since.measured:
        return f"{at}: not comparable"
    lost = len(since.newly_inconclusive) + len(since.newly_stale)
    return (
        f"{at}: {len(since.newly_refuted)} newly refuted, {len(since.newly_discharged)} newly discharged, "
        f"{lost} no longer known, {len(since.added)} added, {len(since.removed)} removed"
    )


def _line(reason: Reason, paint: Paint) -> str:
    at = f"{escape(reason.path)}:{reason.line}:{reason.col}: " if reason.path else ""
    return f"{at}{paint(reason.kind, _COLOURS[reason.code], 'bold')}: {cut(escape(reason.text), _LONGEST)}"


def _data(reason: Reason) -> dict[str, Any]:
    return {
        "kind": reason.kind,
        "exit": reason.code,
        "path": reason.path,
        "line": reason.line,
        "col": reason.col,
        "contract": reason.contract,
        "claim": reason.claim,
        "text": reason.text,
    }
