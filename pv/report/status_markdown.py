"""The status of contracts as Markdown: for a pull request, and as a table within a document that somebody else wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.fold import Outcome
from pv.matrix import killed
from pv.report.lacking import lacking, promotion
from pv.report.matrix_data import as_details
from pv.report.status_rows import HEADING, RIGHT, row, told
from pv.report.summary import headline, reason, settled
from pv.report.wording import markdown_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pv.changes import ClaimRef
    from pv.status import ContractStatus, Report

_COMPACT = ("contract", "declared", "effective", "discharged", "refuted", "inconclusive", "mutants")
_COMPACT_RIGHT = frozenset({3, 4, 5, 6, 7})


def as_markdown(report: Report) -> str:
    """The headline, the table, then what is not as declared, what changed, and the kill matrix folded away."""
    lines = [f"**{markdown_cell(headline(report.claims))}**", ""]
    lines += _table([HEADING, *(row(contract) for contract in report.contracts)], RIGHT)
    if not report.ledger_exists:
        lines += ["", "No ledger: nothing has been run."]
    lines += [f"\n{markdown_cell(problem)}" for problem in (*report.unusable, *report.told)]
    for contract in report.contracts:
        lines += _overstated(contract)
    lines += _remarks(report.contracts)
    unsettled = [one for one in report.claims if not settled(one)]
    if unsettled:
        lines += ["", "| claim | outcome | reason |", "|---|---|---|"]
        lines += [
            f"| {markdown_cell(f'{one.claim.contract}: {one.claim.id}')} | {one.outcome} | {markdown_cell(reason(one))} |"
            for one in unsettled
        ]
    lines += _since(report)
    promotable = [one for one in report.contracts if one.promotable]
    if promotable:
        lines += ["", "May be promoted:", ""]
        lines += [
            f"* {markdown_cell(one.contract.name)}: to {one.effective}: `{_code(promotion(one))}`" for one in promotable
        ]
    figures = [line for one in report.claims for line in told(one)]
    if figures:
        lines += ["", "Reported, not judged:", "", *(f"* {markdown_cell(line)}" for line in figures)]
    return "\n".join([*lines, *as_details(report.claims)])


def as_compact(report: Report) -> str:
    """One row a contract with what is the same on every machine that has the same evidence: no time, no distance, no path."""
    errors = any(one.count(Outcome.ERROR) for one in report.contracts)
    heading = (*_COMPACT[:-1], *(["error"] if errors else []), _COMPACT[-1])
    rows = [heading, *(_compact(one, errors=errors) for one in report.contracts)]
    return "\n".join([*_table(rows, _COMPACT_RIGHT), "", markdown_cell(headline(report.claims))])


def _compact(one: ContractStatus, *, errors: bool) -> tuple[str, ...]:
    cells = [cell for claim in one.claims for cell in claim.cells]
    return (
        one.contract.name,
        one.contract.status or "-",
        str(one.effective),
        f"{one.count(Outcome.DISCHARGED)}/{len(one.claims)}",
        str(one.count(Outcome.REFUTED)),
        str(one.count(Outcome.INCONCLUSIVE)),
        *([str(one.count(Outcome.ERROR))] if errors else []),
        f"{killed(cells)}/{len(cells)}" if cells else "-",
    )


def _table(rows: Sequence[Sequence[str]], right: frozenset[int]) -> list[str]:
    lines = ["| " + " | ".join(map(markdown_cell, cells)) + " |" for cells in rows]
    rule = "|" + "|".join("---:" if column in right else "---" for column in range(len(rows[0]))) + "|"
    return [lines[0], rule, *lines[1:]]


def _overstated(one: ContractStatus) -> list[str]:
    if not one.overstated:
        return []
    name, declared = markdown_cell(one.contract.path), markdown_cell(one.contract.status or "")
    lines = ["", f"**Error: {name} declares {declared} above effective {one.effective}.** It lacks:", ""]
    return lines + [
        f"* {markdown_cell((claim + ': ' if claim else '') + '; '.join(texts))}" for claim, texts in lacking(one)
    ]


def _remarks(contracts: Iterable[ContractStatus]) -> list[str]:
    lines = []
    for one in contracts:
        for remark in one.remarks:
            word = "error: " if remark.grave else "caps the status: " if remark.caps else ""
            what = f"{one.contract.name}: {word}{remark.told}"
            lines.append(f"* {markdown_cell(what)}")
    return ["", "Remarks:", "", *lines] if lines else []


def _since(report: Report) -> list[str]:
    since = report.since
    if since is None:
        return []
    if not since.measured:
        return ["", markdown_cell(f"Since {since.ref} ({since.commit[:12]}): {since.why_not}")]
    groups: tuple[tuple[str, tuple[ClaimRef, ...]], ...] = (
        ("newly refuted", since.newly_refuted),
        ("newly discharged", since.newly_discharged),
        ("newly stale", since.newly_stale),
        ("newly inconclusive", since.newly_inconclusive),
        ("newly in error", since.newly_in_error),
        ("new", since.added),
        ("no longer there", since.removed),
    )
    lines = [
        f"* {name}: {markdown_cell(', '.join(f'{one.contract}: {one.claim}' for one in refs))}"
        for name, refs in groups
        if refs
    ]
    lines += [
        f"* {markdown_cell(f'{one.contract}: {one.what} status {one.before} → {one.now}')}" for one in since.moved
    ]
    title = f"Since {since.ref} ({since.commit[:12]}):" if lines else f"Nothing changed since {since.ref}."
    return ["", markdown_cell(title), *(["", *lines] if lines else [])]


def _code(text: str) -> str:
    return markdown_cell(text).replace("`", "'")
