"""What is to be said at a place of a contract file: the one list that annotations and SARIF show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pv.fold import Outcome
from pv.matrix import WRONG, Fate
from pv.report.lacking import lacking, promotion
from pv.report.summary import reason, settled
from pv.report.wording import place
from pv.types import Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.fold import Folded
    from pv.remark import Remark
    from pv.status import ContractStatus, Report

# what each kind of matter means, and what to do
RULES = {
    "claim-refuted": (
        "A claim was refuted against expectation",
        "A case was found in which it does not hold. Mend what it is about, or correct it; `expect: refuted` if that is known.",
    ),
    "claim-not-refuted": (
        "A claim that should be refuted was discharged",
        "The author expects a refutation and none was found. If the defect has been mended, take `expect: refuted` away.",
    ),
    "claim-error": (
        "The run of a falsifier broke",
        "Neither the claim nor its opposite was seen. Mend the falsifier, its fixtures, or the engine that it drives.",
    ),
    "claim-inconclusive": (
        "Nothing is known about a claim",
        "It was not run, its evidence is stale, or something that it needs is absent. Run it: `pytest -m falsify`.",
    ),
    "mutant-missed": (
        "A falsifier let a planted fault through, or found it elsewhere",
        "As long as a falsifier does not refute its mutants where they are planted, nothing shows that it can fail.",
    ),
    "mutant-error": (
        "A falsifier broke on a planted fault",
        "Mend the falsifier or the fixture that plants the fault.",
    ),
    "status-overstated": (
        "A contract declares more than its evidence supports",
        "Bring the evidence that the claims lack, or declare what is effective: `pv demote`.",
    ),
    "status-promotable": (
        "A contract declares less than its evidence supports",
        "`pv promote` writes the new status with the evidence that backs it.",
    ),
    "contract-remark": (
        "Something is to be said of a contract beside its claims",
        "The message says what; its topic is one of history, loosened, unbacked, pending, expiring, promotion, pin.",
    ),
    "ledger-broken": (
        "The ledger was changed after it had been written",
        "`pv verify` names the first line that does not follow from the one before. Measure again into a new ledger.",
    ),
}
_ORDER = list(Severity)


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to be said. `key` names it among others of its rule, and stays the same when lines move."""

    rule: str
    severity: Severity
    path: str
    span: Span
    title: str
    message: str
    key: tuple[str, ...]


def matters(report: Report) -> list[Matter]:
    """Everything to be said of a report, what weighs most first."""
    found = [one for contract in report.contracts for one in _of_contract(contract)]
    if report.broken:
        text = "; ".join(report.problems) or "its lines do not follow from each other"
        at = _near(report.ledger)
        found.append(Matter("ledger-broken", Severity.ERROR, at, Span(1, 1), "the ledger was changed", text, ()))
    return sorted(found, key=lambda one: _ORDER.index(one.severity))


def status_span(one: ContractStatus) -> Span:
    """Where a contract declares its status; its start where it declares none."""
    document = one.contract.document
    return document.value_span("status") if "status" in document.data else document.value_span("metadata", "status")


def _of_contract(one: ContractStatus) -> Iterator[Matter]:
    name, path = one.contract.name, one.contract.path
    if one.overstated:
        said = "; ".join(f"{claim}: {', '.join(texts)}" if claim else ", ".join(texts) for claim, texts in lacking(one))
        message = f"{name} declares {one.contract.status}, effective is {one.effective}: {said}"
        title = f"{name} is overstated"
        yield Matter("status-overstated", Severity.ERROR, path, status_span(one), title, message, (name,))
    elif one.promotable:
        message = f"{name} declares {one.contract.status}, its evidence supports {one.effective}: {promotion(one)}"
        title = f"{name} may be promoted"
        yield Matter("status-promotable", Severity.NOTE, path, status_span(one), title, message, (name,))
    for claim in one.claims:
        yield from _of_claim(claim, declared=one.contract.status is not None)
    for remark in one.remarks:
        yield _of_remark(remark, one)


def _of_claim(one: Folded, *, declared: bool) -> Iterator[Matter]:
    claim = one.claim
    key = (claim.contract, claim.id)
    if one.outcome is Outcome.INCONCLUSIVE:
        severity = Severity.WARNING if declared else Severity.NOTE
        if not one.survived or one.vacuous:
            title = f"{claim.id} is inconclusive"
            yield Matter("claim-inconclusive", severity, claim.path, claim.span, title, reason(one), key)
    elif not settled(one):
        rule = {
            Outcome.REFUTED: "claim-refuted",
            Outcome.DISCHARGED: "claim-not-refuted",
            Outcome.ERROR: "claim-error",
        }[one.outcome]
        title = f"{claim.id} is {'in error' if one.outcome is Outcome.ERROR else one.outcome}"
        message = "\n".join(filter(None, (one.detail, _where(one), _suspect(one))))
        yield Matter(rule, Severity.ERROR, claim.path, claim.span, title, message or title, key)
    for cell in one.cells:
        if cell.fate in WRONG:
            rule = "mutant-error" if cell.fate is Fate.ERROR else "mutant-missed"
            title = f"{claim.id}: mutant {cell.mutant.id} {cell.fate}"
            message = cell.message or f"the mutant {cell.mutant.id} {cell.fate}"
            yield Matter(rule, Severity.ERROR, claim.path, claim.span, title, message, (*key, cell.mutant.id))


def _of_remark(remark: Remark, one: ContractStatus) -> Matter:
    severity = Severity.ERROR if remark.grave else Severity.WARNING if remark.caps else Severity.NOTE
    title = f"{remark.claim or one.contract.name}: {remark.topic}"
    message = "\n".join(filter(None, (remark.text, remark.help and f"help: {remark.help}")))
    key = (one.contract.name, remark.claim, str(remark.topic), remark.text)
    return Matter("contract-remark", severity, one.contract.path, remark.span, title, message, key)


def _near(path: Path) -> str:
    """A path as seen from the current folder, where it lies below that."""
    absolute, here = path.absolute(), Path.cwd()
    return (absolute.relative_to(here) if absolute.is_relative_to(here) else absolute).as_posix()


def _where(one: Folded) -> str:
    where = (one.worst or {}).get("where") or {}
    return f"where: {place(where)}" if where else ""


def _suspect(one: Folded) -> str:
    suspect = one.claim.if_fails.strip()
    return f"suspect: {suspect}" if suspect and one.outcome is Outcome.REFUTED else ""
