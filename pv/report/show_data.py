"""One claim, or one contract, with all that belongs to it, as plain data of schema `pv-show-v1`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.commandline import kind_of
from pv.formal.obligation import KEYS, SHARED
from pv.listing import binding_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pv.fold import CaseEvidence, Folded
    from pv.ledger import Ledger
    from pv.parse import Claim, Contract
    from pv.status import ContractStatus
    from pv.trace import Obligation, TracedContract
    from pv.written import Written

SCHEMA = "pv-show-v1"


def claim_data(folded: Folded, traced: TracedContract, falsifiers: Sequence[Written], ledger: Ledger) -> dict[str, Any]:
    """What a claim says, what is bound to it, and what the ledger holds on each of its cases."""
    claim, contract = folded.claim, traced.contract
    return {
        "schema": SCHEMA,
        "claim": claim.id,
        "contract": claim.contract,
        "path": claim.path,
        "line": claim.span.line,
        "col": claim.span.col,
        "block": claim.block,
        "rule": claim.rule,
        "prediction": claim.prediction,
        "if_fails": claim.if_fails,
        "equation": _equation(contract, claim.equation),
        "domain": claim.domain,
        "tolerance": claim.tolerance,
        "level": claim.level,
        "expect": claim.expect,
        "obligations": [_obligation(contract, one) for one in traced.obligations if claim.id in one.tested_by],
        "params": {name: list(values) for name, values in claim.params.items()},
        "mutants": [
            {
                "mutant": cell.mutant.id,
                "stage": cell.mutant.stage,
                "layer": cell.mutant.layer,
                "note": cell.mutant.note,
                "verdict": cell.fate,
            }
            for cell in folded.cells
        ],
        "hypothesis": claim.hypothesis or None,
        "pending": [dict(one) for one in claim.pending],
        "valid_for": claim.valid_for,
        "test": claim.test or None,
        "test_kind": kind_of(claim.test),
        "binding": binding_of(falsifiers),
        "property": _property(claim),
        "falsifiers": [
            {"path": one.path, "line": one.line, "qualname": one.qualname, "property": one.property or None}
            for one in falsifiers
        ],
        "fingerprint": claim.fingerprint,
        "outcome": folded.outcome,
        "as_expected": folded.as_expected,
        "reason": folded.reason,
        "detail": folded.detail,
        "evidence": list(_evidence(folded, ledger)),
    }


def contract_data(status: ContractStatus, traced: TracedContract) -> dict[str, Any]:
    """What a contract is about, and how each of its claims stands."""
    contract = status.contract
    references = contract.metadata.get("references")
    return {
        "schema": SCHEMA,
        "contract": contract.name,
        "path": contract.path,
        "kind": contract.kind,
        "version": str(contract.metadata.get("version") or ""),
        "description": str(contract.metadata.get("description") or ""),
        "references": [str(one) for one in references] if isinstance(references, list) else [],
        "declared": contract.status,
        "effective": status.effective,
        "equations": [_equation(contract, name) for name in contract.equations],
        "obligations": [_obligation(contract, one) for one in traced.obligations],
        "claims": [
            {
                "claim": one.claim.id,
                "line": one.claim.span.line,
                "rule": one.claim.rule or one.claim.prediction,
                "outcome": one.outcome,
                "as_expected": one.as_expected,
                "reason": one.reason,
            }
            for one in status.claims
        ],
    }


def _equation(contract: Contract, name: str | None) -> dict[str, Any] | None:
    equation = contract.equations.get(name) if name is not None else None
    if equation is None:
        return None
    data = equation.data if isinstance(equation.data, dict) else {}
    place = {"line": equation.span.line, "col": equation.span.col}
    return {
        "equation": equation.name,
        "formula": equation.formula,
        "formal": data.get("formal"),
        "domain": data.get("domain"),
        "codomain": data.get("codomain"),
        **place,
    }


def _property(claim: Claim) -> dict[str, Any] | None:
    """What a claim runs that is executable as it stands."""
    found = claim.property
    if found is None:
        return None
    return {
        "obligation": found.id,
        "type": found.type,
        "equation": found.equation.name,
        "kernel": found.equation.kernel.text,
        "subject": found.subject,
        "says": _says(claim),
    }


def _says(claim: Claim) -> dict[str, Any]:
    """What of an obligation decides, as it is written: named parts first, those of the equation among them."""
    if claim.executable is None:
        return {}
    data, equation, entry, _ = claim.executable
    lets = [part.get("let") for part in (data["equations"][equation], entry)]
    parts = {name: text for let in lets if isinstance(let, dict) for name, text in let.items()}
    return {**parts, **{key: entry[key] for key in (*SHARED, *KEYS) if key in entry and key != "let"}}


def _obligation(contract: Contract, one: Obligation) -> dict[str, Any]:
    return {"property": one.text, "applies_to": one.applies_to, "path": contract.path, "line": one.span.line}


def _evidence(folded: Folded, ledger: Ledger) -> Iterator[dict[str, Any]]:
    for case in folded.evidence:
        row = _row(folded, case, ledger)
        if row is not None:
            yield {
                "case": case.case.label,
                "verdict": row["verdict"],
                "reason": row.get("reason") or "",
                "level": row.get("level"),
                "seen": row.get("started"),
                "commit": row.get("commit"),
                "fresh": case.row is not None,
                "stale": case.stale,
            }


def _row(folded: Folded, case: CaseEvidence, ledger: Ledger) -> Any:
    """The row that counts for a case; of one for which none counts, the newest."""
    if case.row is not None:
        return case.row
    mutant = case.case.mutant.id if case.case.mutant else ""
    newest = next(ledger.newest((folded.claim.contract, folded.claim.id, case.case.key, mutant)), None)
    return None if newest is None else newest.row
