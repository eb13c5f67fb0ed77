"""The status of contracts as plain data of the published schema `pv-status-v2`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pv.matrix import killed
from pv.report.hypotheses import as_data as hypotheses
from pv.report.lacking import lacking
from pv.report.matrix_data import as_rows
from pv.report.summary import counts, headline, state, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.fold import CaseEvidence, Folded
    from pv.remark import Remark
    from pv.status import ContractStatus, Report

SCHEMA = "pv-status-v2"
# what is taken over from a row of the ledger as it stands there; null where the row does not say
_OF_ROWS = ("verdict", "commit", "dirty", "run", "started", "duration_s", "environment")


def as_json(report: Report) -> str:
    """The status as one JSON object; whoever reads it may rely on pv/schema/status.schema.json.

    It is written contract by contract, each on a line of its own: of thousands, the data of one alone is in memory.
    """
    head = json.dumps(_head(report), indent=2).removesuffix("\n}")
    contracts = ",\n    ".join(json.dumps(_contract(one)) for one in report.contracts)
    return f'{head},\n  "contracts": [\n    {contracts}\n  ]\n}}'


def _head(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "headline": headline(report.claims),
        "state": state(report),
        "counts": {"contracts": len(report.contracts), **counts(report.claims)},
        "ledger": str(report.ledger),
        "ledger_exists": report.ledger_exists,
        "ledger_broken": report.broken,
        "problems": list(report.told),
        "unusable": list(report.unusable),
        "since": None if report.since is None else asdict(report.since),
    }


def evidence(one: CaseEvidence) -> dict[str, Any]:
    """What counts for one case: the ledger's line with its id, and what that says; nulls where nothing fresh is there."""
    row: Mapping[str, Any] = one.row or {}
    return {
        "params": dict(one.case.params),
        "mutant": one.case.mutant.id if one.case.mutant else None,
        "fresh": one.row is not None,
        "stale": one.stale or None,
        "line": one.line or None,
        "id": one.id or None,
        "expires": None if one.expires is None else one.expires.isoformat(),
        **{name: row.get(name) for name in _OF_ROWS},
        "level": row.get("level"),
        "compared": dict(row.get("compared") or {}),
        "engines": list(row.get("engines") or ()),
    }


def remark(one: Remark) -> dict[str, Any]:
    """One remark; `claim` is null where it is of the whole contract."""
    return {
        "topic": one.topic,
        "text": one.text,
        "claim": one.claim or None,
        "grave": one.grave,
        "caps": one.caps,
        "line": one.span.line,
        "help": one.help or None,
    }


def _contract(one: ContractStatus) -> dict[str, Any]:
    return {
        "contract": one.contract.name,
        "path": one.contract.path,
        "state": state_of(one),
        "declared": one.contract.status,
        "supported": one.effective if one.supported is None else one.supported,
        "effective": one.effective,
        "cap": one.cap or None,
        "overstated": one.overstated,
        "promotable": one.promotable,
        "lacking": [{"claim": claim or None, "lacks": texts} for claim, texts in lacking(one)],
        "counts": counts(one.claims),
        "trend": None if one.trend is None else asdict(one.trend),
        "remarks": [remark(each) for each in one.remarks],
        "hypotheses": hypotheses(one.hypotheses),
        "claims": [_claim(claim) for claim in one.claims],
        "matrix": as_rows(one.claims),
    }


def _claim(one: Folded) -> dict[str, Any]:
    return {
        "claim": one.claim.id,
        "line": one.claim.span.line,
        "equation": one.claim.equation,
        "outcome": one.outcome,
        "expected": one.claim.expect,
        "as_expected": one.as_expected,
        "contradicts": one.contradicts,
        "reason": one.reason,
        "detail": one.detail,
        "stale": one.stale,
        "expires": None if one.expires is None else one.expires.isoformat(),
        "pending": list(one.pending),
        "level_asked": one.claim.level,
        "level_reached": one.level,
        "mutants_killed": killed(one.cells),
        "mutants": len(one.cells),
        "vacuous": one.vacuous,
        "worst": one.worst,
        "reported": {label: dict(told) for label, told in one.reported},
        "fingerprint": one.claim.fingerprint,
        "evidence": [evidence(case) for case in one.evidence],
    }
