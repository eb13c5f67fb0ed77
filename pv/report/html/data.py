"""What the script in the page reads: every contract with its claims, mutants and evidence, packed.

Texts that stand at many claims (commits, environments, engines, runs) are numbered once in `words` and given by number.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pv.matrix import killed
from pv.report.html.frame import text
from pv.report.hypotheses import summary
from pv.report.lacking import lacking, promotion
from pv.report.matrix_text import expected, found
from pv.report.matrix_text import told as told_of_mutant
from pv.report.status_rows import level, told
from pv.report.summary import counts, distance, headline, state, state_of, trend_words, worst_of
from pv.report.wording import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.changes import ClaimRef
    from pv.fold import CaseEvidence, Folded
    from pv.hypotheses import Node, Tree
    from pv.matrix import Cell
    from pv.status import ContractStatus, Report

_RUNS = 5  # claims that could be run next


def report_data(report: Report) -> dict[str, Any]:
    """The report as values that JSON has; no text in it can drive a terminal or turn its own direction."""
    words = _Words()
    names = Counter(one.contract.name for one in report.contracts)
    return {
        "headline": text(headline(report.claims)),
        "state": state(report),
        "counts": counts(report.claims),
        "problems": [text(one) for one in (*report.unusable, *report.told)],
        "broken": report.broken,
        "since": _since(report),
        "contracts": [_contract(one, words, unique=names[one.contract.name] == 1) for one in report.contracts],
        "words": words.words,
    }


class _Words:
    """Numbers texts that many claims share."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._index: dict[str, int] = {}

    def __call__(self, value: object) -> int:
        key = text(value)
        if key not in self._index:
            self._index[key] = len(self.words)
            self.words.append(key)
        return self._index[key]


def _contract(one: ContractStatus, words: _Words, *, unique: bool) -> dict[str, Any]:
    worst = worst_of(one.claims)
    return {
        "name": text(one.contract.name if unique else one.contract.path),
        "path": text(one.contract.path),
        "about": text(one.contract.metadata.get("description") or ""),
        "state": state_of(one),
        "declared": text(one.contract.status or ""),
        "effective": one.effective,
        "supported": one.effective if one.supported is None else one.supported,
        "cap": text(one.cap),
        "overstated": one.overstated,
        "promote": text(promotion(one)),
        "level": level(one),
        "counts": counts(one.claims),
        "trend": trend_words(one.trend),
        "worst": text(distance(worst)) if worst else "",
        "lacks": [[text(claim), [text(each) for each in texts]] for claim, texts in lacking(one)],
        "remarks": [
            [str(each.topic), text(each.text), text(each.claim), each.grave, each.caps, each.span.line, text(each.help)]
            for each in one.remarks
        ],
        "equations": [[text(each.name), text(each.formula)] for each in one.contract.equations.values()],
        "hypotheses": None if one.hypotheses is None else _hypotheses(one.hypotheses),
        "history": [_history(each) for each in one.contract.status_history],
        "claims": [_claim(each, words) for each in one.claims],
    }


def _hypotheses(tree: Tree) -> dict[str, Any]:
    runs = [
        [text(one.claim.id), text(one.hypothesis), round(one.bits, 2), one.parts, one.live] for one in tree.next[:_RUNS]
    ]
    return {"summary": text(summary(tree)), "roots": [_node(one) for one in tree.roots], "next": runs}


def _node(one: Node) -> list[Any]:
    """A hypothesis: its name, what it says, its state, why, the claims that test it, what is below it."""
    claims = [text(claim.claim.id) for claim in one.claims]
    below = [_node(each) for each in one.below]
    return [text(one.hypothesis.name), text(one.hypothesis.statement), one.state, text(one.why), claims, below]


def _history(entry: Mapping[str, Any]) -> list[Any]:
    """An entry as date, from, to, and what else it says."""
    rest = [
        [text(name), text(shown(value))]
        for name, value in entry.items()
        if name not in ("date", "from", "to", "reason")
    ]
    return [*(text(entry.get(name) or "") for name in ("date", "from", "to", "reason")), rest]


def _claim(one: Folded, words: _Words) -> dict[str, Any]:
    claim = one.claim
    return {
        "id": text(claim.id),
        "line": claim.span.line,
        "outcome": one.outcome,
        "expect": claim.expect,
        "ok": one.as_expected,
        "wrong": one.contradicts,
        "reason": text(one.reason),
        "detail": text(one.detail),
        "stale": one.stale,
        "vacuous": text(one.vacuous),
        "rule": text(claim.rule),
        "prediction": text(claim.prediction),
        "if_fails": text(claim.if_fails),
        "equation": text(claim.equation or ""),
        "level": one.level,
        "asked": claim.level,
        "worst": text(distance(one.worst)) if one.worst else "",
        "expires": "" if one.expires is None else one.expires.isoformat(timespec="minutes"),
        "pending": [text(each) for each in one.pending],
        "told": [text(each.removeprefix(claim.id).removeprefix(": ")) for each in told(one)],
        "killed": killed(one.cells),
        "mutants": [_mutant(each) for each in one.cells],
        "evidence": [_evidence(each, words) for each in one.evidence if each.row or each.stale],
    }


def _mutant(one: Cell) -> list[Any]:
    return [
        text(one.mutant.id + (f"[{one.params}]" if one.params else "")),
        one.fate,
        text(expected(one)),
        text(found(one)),
        text(told_of_mutant(one)),
    ]


def _evidence(one: CaseEvidence, words: _Words) -> list[Any]:
    """Case, verdict, what was compared, level, when, commit, engines, environment, the ledger's line and its id, seconds."""
    label = text(one.case.label)
    if one.row is None:
        return [label, "stale", text(one.stale)]
    row = one.row
    compared = row.get("compared") or {}
    engines = [
        " ".join(str(each.get(name) or "") for name in ("role", "name", "build")).strip()
        for each in row.get("engines") or ()
        if isinstance(each, dict)
    ]
    environment = row.get("environment")
    commit = str(row.get("commit") or "")[:12] + (" (dirty)" if row.get("dirty") else "")
    seconds = row.get("duration_s")
    return [
        label,
        text(row.get("verdict")),
        ", ".join(f"{count} {text(what)}" for what, count in compared.items()),
        text(row.get("level") or ""),
        text(str(row.get("started") or "")[:16].replace("T", " ")),
        words(commit),
        words("; ".join(engines)),
        words(environment if isinstance(environment, str) else ""),
        one.line,
        one.id[:12],
        round(seconds, 3) if isinstance(seconds, (int, float)) else None,
    ]


def _since(report: Report) -> dict[str, Any] | None:
    since = report.since
    if since is None:
        return None
    groups: dict[str, tuple[ClaimRef, ...]] = {
        "newly refuted": since.newly_refuted,
        "newly in error": since.newly_in_error,
        "newly discharged": since.newly_discharged,
        "newly stale": since.newly_stale,
        "newly inconclusive": since.newly_inconclusive,
        "new": since.added,
        "no longer there": since.removed,
    }
    return {
        "ref": text(since.ref),
        "commit": text(since.commit[:12]),
        "why_not": "" if since.measured else text(since.why_not),
        "groups": [
            [name, [[text(one.contract), text(one.claim), text(one.text)] for one in refs]]
            for name, refs in groups.items()
            if refs
        ],
        "moved": [text(f"{one.contract}: {one.what} status {one.before} → {one.now}") for one in since.moved],
    }
