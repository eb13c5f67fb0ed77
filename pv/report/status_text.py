"""The status of contracts in words, tables and JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pv.fold import Folded, Outcome
from pv.matrix import killed
from pv.report.console import cut, escape, table
from pv.report.matrix_data import as_details, as_rows
from pv.report.wording import counted, figure, markdown_cell, place, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.report.console import Paint
    from pv.status import ContractStatus, Report

_HEADING = (
    "contract",
    "declared",
    "effective",
    "discharged",
    "refuted",
    "inconclusive",
    "error",
    "stale",
    "mutants",
    "worst",
)
_FIGURES = frozenset({3, 4, 5, 6, 7, 8})
_COLOURS = {Outcome.ERROR: "red", Outcome.REFUTED: "red", Outcome.INCONCLUSIVE: "yellow", Outcome.DISCHARGED: "green"}


def headline(claims: Sequence[Folded]) -> str:
    """One line that counts every claim, and says of what."""
    count = Counter(one.outcome for one in claims)
    reasons = Counter(one.reason or "no reason given" for one in claims if one.outcome is Outcome.INCONCLUSIVE)
    expected = sum(one.outcome is Outcome.REFUTED and one.as_expected for one in claims)
    parts = [f"{count[Outcome.DISCHARGED]} discharged", f"{count[Outcome.REFUTED]} refuted"]
    if expected:
        parts[-1] += f" ({expected} as expected)"
    parts.append(f"{count[Outcome.INCONCLUSIVE]} inconclusive")
    if reasons:
        parts[-1] += f" ({', '.join(f'{number} {escape(reason)}' for reason, number in sorted(reasons.items()))})"
    if count[Outcome.ERROR]:
        parts.append(f"{count[Outcome.ERROR]} error")
    cells = [cell for one in claims for cell in one.cells]
    if cells:
        parts.append(f"{killed(cells)}/{len(cells)} mutants killed")
    return f"{counted(len(claims), 'claim')}: {', '.join(parts)}"


def as_text(report: Report, paint: Paint) -> str:
    """The table, the claims that are not settled, what is overstated, the headline."""
    lines = table([_HEADING, *(_row(contract) for contract in report.contracts)], paint, _FIGURES)
    open_claims = [one for one in report.claims if not _plain_good(one)]
    if open_claims:
        lines += ["", paint("not discharged", "bold")]
        lines += [_claim_line(one, paint) for one in open_claims]
    if report.overstated:
        lines += ["", *(paint(_overstated(one), "red") for one in report.contracts if one.overstated)]
    told = [line for one in report.claims for line in _told(one)]
    if told:
        lines += ["", paint("reported, not judged", "bold"), *(f"  {cut(escape(line), 300)}" for line in told)]
    lines += [paint(escape(problem), "yellow") for problem in report.problems]
    lines += ["", paint(headline(report.claims), "bold")]
    if not report.ledger_exists:
        lines.append(f"no ledger at {report.ledger}: nothing has been run; `pytest -m falsify` writes it")
    return "\n".join(lines)


def as_markdown(report: Report) -> str:
    """The same as a document for a pull request or a step summary."""
    rows = [_HEADING, *(_row(contract) for contract in report.contracts)]
    lines = ["| " + " | ".join(map(markdown_cell, row)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("---:" if column in _FIGURES else "---" for column in range(len(_HEADING))) + "|")
    open_claims = [one for one in report.claims if not _plain_good(one)]
    if open_claims:
        lines += ["", "| claim | outcome | reason |", "|---|---|---|"]
        lines += [
            f"| {markdown_cell(f'{one.claim.contract}: {one.claim.id}')} | {one.outcome} | {markdown_cell(_reason(one))} |"
            for one in open_claims
        ]
    told = [line for one in report.claims for line in _told(one)]
    if told:
        lines += ["", "Reported, not judged:", "", *(f"* {markdown_cell(line)}" for line in told)]
    lines += [f"\n**{markdown_cell(_overstated(one))}**" for one in report.contracts if one.overstated]
    lines += [f"\n{markdown_cell(problem)}" for problem in report.problems]
    lines += ["", f"**{markdown_cell(headline(report.claims))}**", *as_details(report.claims)]
    if not report.ledger_exists:
        lines += ["", "No ledger: nothing has been run."]
    return "\n".join(lines)


def as_json(report: Report) -> str:
    """The same as one JSON object."""
    return json.dumps(
        {
            "schema": "pv-status-v1",
            "headline": headline(report.claims),
            "ledger": str(report.ledger),
            "ledger_exists": report.ledger_exists,
            "problems": list(report.problems),
            "unusable": list(report.unusable),
            "contracts": [
                {
                    "contract": one.contract.name,
                    "path": one.contract.path,
                    "declared": one.contract.status,
                    "effective": one.effective,
                    "overstated": one.overstated,
                    "lacking": [claim.claim.id for claim in one.lacking],
                    "claims": [_claim_data(claim) for claim in one.claims],
                    "matrix": as_rows(one.claims),
                }
                for one in report.contracts
            ],
        },
        indent=2,
    )


def _row(one: ContractStatus) -> tuple[str, ...]:
    total = len(one.claims)
    cells = [cell for claim in one.claims for cell in claim.cells]
    worst = [claim.worst for claim in one.claims if claim.worst]
    return (
        escape(one.contract.name),
        escape(one.contract.status or "-"),
        one.effective + (" (overstated)" if one.overstated else ""),
        f"{one.count(Outcome.DISCHARGED)}/{total}",
        str(one.count(Outcome.REFUTED)),
        str(one.count(Outcome.INCONCLUSIVE)),
        str(one.count(Outcome.ERROR)),
        str(sum(claim.stale for claim in one.claims)),
        f"{killed(cells)}/{len(cells)}" if cells else "-",
        cut(escape(_distance(max(worst, key=_ratio))), 60) if worst else "-",
    )


def _ratio(worst: Any) -> float:
    distance, bound = worst.get("distance"), worst.get("bound")
    if not isinstance(distance, (int, float)):
        return float("inf")
    return distance / bound if isinstance(bound, (int, float)) and bound > 0 else float(distance)


def _distance(worst: Any) -> str:
    at = place(worst.get("where") or {})
    bound = worst.get("bound")
    text = figure(worst.get("distance")) + (f" of {figure(bound)}" if bound is not None else "")
    return text + (f" at {at}" if at else "")


def _plain_good(one: Folded) -> bool:
    return one.outcome is Outcome.DISCHARGED and one.as_expected


def _claim_line(one: Folded, paint: Paint) -> str:
    claim = one.claim
    colour = "green" if one.as_expected else _COLOURS[one.outcome]
    place = f"{escape(claim.path)}:{claim.span.line}:{claim.span.col}"
    return f"  {place}: {escape(claim.id)}: {paint(one.outcome, colour)}: {cut(escape(_reason(one)), 300)}"


def _told(one: Folded) -> list[str]:
    """What a falsifier gave for the report: a line for all cases that it told the same of."""
    cases: dict[str, list[str]] = {}
    for label, told in one.reported:
        if not told:
            continue
        figures = "; ".join(f"{name.replace('_', ' ')}: {shown(value)}" for name, value in told.items())
        cases.setdefault(figures, []).append(label)
    lines = []
    for figures, labels in cases.items():
        which = f"[{', '.join(labels)}]" if any(labels) else ""
        lines.append(f"{one.claim.id}{which}: {figures}")
    return lines


def _reason(one: Folded) -> str:
    return ": ".join(filter(None, (one.reason, one.detail))) or "no reason given"


def _overstated(one: ContractStatus) -> str:
    claims = ", ".join(escape(claim.claim.id) for claim in one.lacking) or "it has none"
    return f"{escape(one.contract.path)}: declared {escape(one.contract.status or '')} above effective {one.effective}: claims {claims}"


def _claim_data(one: Folded) -> dict[str, Any]:
    return {
        "claim": one.claim.id,
        "line": one.claim.span.line,
        "outcome": one.outcome,
        "as_expected": one.as_expected,
        "reason": one.reason,
        "detail": one.detail,
        "stale": one.stale,
        "level_asked": one.claim.level,
        "level_reached": one.level,
        "mutants_killed": killed(one.cells),
        "mutants": len(one.cells),
        "vacuous": one.vacuous,
        "worst": one.worst,
        "reported": {label: dict(told) for label, told in one.reported},
        "fingerprint": one.claim.fingerprint,
    }
