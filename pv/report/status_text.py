"""The status of contracts as text for a terminal, or for whatever stands behind a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.fold import Folded, Outcome
from pv.report.console import can_write, cut, escape, table
from pv.report.lacking import lacking, promotion
from pv.report.matrix_text import strips
from pv.report.matters import status_span
from pv.report.status_rows import HEADING, RIGHT, row, told
from pv.report.summary import State, headline, reason, settled, state_of
from pv.report.table_fit import fit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pv.changes import ClaimRef
    from pv.report.console import Paint
    from pv.status import ContractStatus, Report

_COLOURS = {Outcome.ERROR: "red", Outcome.REFUTED: "red", Outcome.INCONCLUSIVE: "yellow", Outcome.DISCHARGED: "green"}
_STATES = {State.WRONG: "red", State.OPEN: "yellow", State.GOOD: "", State.NOTHING: "dim"}
_LONGEST = 300  # columns of what is said about one claim, where no terminal is narrower


def as_text(report: Report, paint: Paint, columns: int | None = None, encoding: str | None = None) -> str:
    """The table, the claims that are not settled, the kill matrix, what changed, what is overstated, the headline.

    Args:
        report: what is known.
        paint: colours, or none.
        columns: of the terminal, which the table is fitted to; None for all of it.
        encoding: of what it is written to; arrows are only drawn where it has them.
    """
    longest = _LONGEST if columns is None else max(80, 2 * columns)
    up, down = ("↑", "↓") if can_write("↑↓…", encoding) else ("+", "-")
    rows = [HEADING, *(row(contract, up=up, down=down) for contract in report.contracts)]
    heads, *lines = _fitted(rows, paint, columns)
    lines = [heads, *(paint(line, _STATES[state_of(one)]) for line, one in zip(lines, report.contracts, strict=True))]
    unsettled = [one for one in report.claims if not (one.as_expected and one.outcome is Outcome.DISCHARGED)]
    if unsettled:
        lines += ["", paint("not discharged", "bold")]
        lines += [_claim_line(one, paint, longest) for one in unsettled]
    matrix = strips(report.contracts, paint, columns, encoding)
    lines += ["", *matrix] if matrix else []
    lines += _since(report, paint)
    figures = [line for one in report.claims for line in told(one)]
    if figures:
        lines += ["", paint("reported, not judged", "bold"), *(f"  {cut(escape(line), _LONGEST)}" for line in figures)]
    lines += _remarks(report.contracts, paint)
    promotable = [one for one in report.contracts if one.promotable]
    if promotable:
        lines += ["", paint("may be promoted", "bold")]
        lines += [
            f"  {escape(one.contract.name)}: declared {escape(one.contract.status or '')}, effective {one.effective}: "
            f"{escape(promotion(one))}"
            for one in promotable
        ]
    for contract in report.contracts:
        lines += _overstated(contract, paint)
    lines += [paint(escape(problem), "red" if report.broken else "yellow") for problem in report.told]
    lines += ["", paint(headline(report.claims), "bold")]
    if not report.ledger_exists:
        lines.append(f"no ledger at {escape(str(report.ledger))}: nothing has been run; `pytest -m falsify` writes it")
    return "\n".join(lines)


def _fitted(rows: list[tuple[str, ...]], paint: Paint, columns: int | None) -> list[str]:
    if columns is None:
        return table(rows, paint, RIGHT)
    fitted = fit(rows, columns)
    names = [HEADING.index(name) for name in fitted.names]
    return table(fitted.rows, paint, frozenset(at for at, column in enumerate(names) if column in RIGHT))


def _claim_line(one: Folded, paint: Paint, longest: int) -> str:
    claim = one.claim
    colour = "green" if settled(one) else _COLOURS[one.outcome]
    place = f"{escape(claim.path)}:{claim.span.line}:{claim.span.col}"
    return f"  {place}: {escape(claim.id)}: {paint(one.outcome, colour)}: {cut(escape(reason(one)), longest)}"


def _overstated(one: ContractStatus, paint: Paint) -> list[str]:
    """An error that names the claims, and below it a line for each with what that lacks."""
    if not one.overstated:
        return []
    span, found = status_span(one), lacking(one)
    place = f"{escape(one.contract.path)}:{span.line}:{span.col}: {paint('error', 'red', 'bold')}"
    names = ", ".join(escape(claim) for claim, _ in found if claim)
    head = f"declared {escape(one.contract.status or '')} above effective {one.effective}"
    lines = ["", f"{place}: {paint(head + (f': claims {names}' if names else ''), 'red')}"]
    for claim, texts in found:
        said = "; ".join(cut(escape(text), _LONGEST) for text in texts)
        lines.append(f"  {escape(claim)} lacks: {said}" if claim else f"  {said}")
    return lines


def _remarks(contracts: Iterable[ContractStatus], paint: Paint) -> list[str]:
    lines = []
    for one in contracts:
        for remark in one.remarks:
            place = f"{escape(one.contract.path)}:{remark.span.line}:{remark.span.col}"
            word, colour = ("error", "red") if remark.grave else ("cap", "yellow") if remark.caps else ("note", "blue")
            text = f"  {place}: {paint(f'{word}[{remark.topic}]', colour)}: {escape(remark.told)}"
            lines += [text, *([f"    = help: {escape(remark.help)}"] if remark.help else [])]
    return ["", paint("remarks", "bold"), *lines] if lines else []


def _since(report: Report, paint: Paint) -> list[str]:
    since = report.since
    if since is None:
        return []
    title = paint(f"since {escape(since.ref)} ({since.commit[:12]})", "bold")
    if not since.measured:
        return ["", f"{title}: {escape(since.why_not)}"]
    groups: tuple[tuple[str, str, tuple[ClaimRef, ...]], ...] = (
        ("newly refuted", "red", since.newly_refuted),
        ("newly in error", "red", since.newly_in_error),
        ("newly discharged", "green", since.newly_discharged),
        ("newly stale", "yellow", since.newly_stale),
        ("newly inconclusive", "yellow", since.newly_inconclusive),
        ("new", "", since.added),
        ("no longer there", "yellow", since.removed),
    )
    lines = [
        f"  {one.path}:{one.line}: {escape(one.contract)}: {escape(one.claim)}: {paint(name, colour)}"
        + (f": {cut(escape(one.text), _LONGEST)}" if one.text else "")
        for name, colour, refs in groups
        for one in refs
    ]
    lines += [f"  {escape(one.contract)}: {one.what} status {one.before} -> {one.now}" for one in since.moved]
    return ["", *([title, *lines] if lines else [f"{title}: nothing changed"])]
