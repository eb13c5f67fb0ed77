"""The kill matrix as JSON data and as Markdown."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pv.matrix import Fate, killed, totals
from pv.report.matrix_text import expected, found, headline, told
from pv.report.wording import markdown_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.fold import Folded
    from pv.matrix import Cell
    from pv.status import Report

_HEADING = ("claim", "mutant", "", "expected", "found", "reported")


def as_json(report: Report, claims: Sequence[Folded]) -> str:
    """The matrix, its totals and the vacuous claims as one JSON object of schema `pv-mutants-v1`."""
    return json.dumps(
        {
            "schema": "pv-mutants-v1",
            "headline": headline(claims),
            "ledger": str(report.ledger),
            "ledger_exists": report.ledger_exists,
            "problems": list(report.problems),
            "unusable": list(report.unusable),
            "totals": _totals(claims),
            "vacuous": [
                {"contract": one.claim.contract, "claim": one.claim.id, "why": one.vacuous}
                for one in claims
                if one.vacuous
            ],
            "mutants": as_rows(claims),
        },
        indent=2,
    )


def as_markdown(report: Report, claims: Sequence[Folded]) -> str:
    """The headline, what was not killed, and the whole matrix folded away, contract by contract."""
    lines = [f"**{markdown_cell(headline(claims))}**"]
    rest = [one for claim in claims for one in claim.cells if one.fate is not Fate.KILLED]
    if rest:
        lines += ["", *as_table(rest)]
    vacuous = [one for one in claims if one.vacuous]
    if vacuous:
        lines += ["", "Vacuous:", ""]
        lines += [f"* {markdown_cell(f'{one.claim.contract}: {one.claim.id}: {one.vacuous}')}" for one in vacuous]
    lines += [f"\n{markdown_cell(problem)}" for problem in report.problems]
    return "\n".join([*lines, *as_details(claims)])


def as_rows(claims: Sequence[Folded]) -> list[dict[str, Any]]:
    """One object for each mutant of each claim; what is not known is null.

    `verdict` is one of killed, survived, mislocalised, inconclusive, error, stale, not run. `found` holds the place by name
    and, where given, `distance` and `bound`; `expected.layer` is null where any layer will do.
    """
    return [_row(one) for claim in claims for one in claim.cells]


def as_details(claims: Sequence[Folded]) -> list[str]:
    """Lines of Markdown: for each contract a table that is folded away until somebody opens it."""
    lines: list[str] = []
    for contract, group in groupby(claims, key=lambda one: one.claim.contract):
        cells = [one for claim in group for one in claim.cells]
        if cells:
            name = markdown_cell(contract)
            lines += ["", f"<details><summary>{name}: {killed(cells)}/{len(cells)} mutants killed</summary>", ""]
            lines += [*as_table(cells), "", "</details>"]
    return lines


def as_table(cells: Sequence[Cell]) -> list[str]:
    """Lines of Markdown: one row a mutant."""
    rows = [_HEADING, tuple("---" for _ in _HEADING), *(_cells(one) for one in cells)]
    return ["| " + " | ".join(row) + " |" for row in rows]


def _cells(one: Cell) -> tuple[str, ...]:
    name = one.mutant.id + (f"[{one.params}]" if one.params else "")
    texts = (one.claim.id, name, str(one.fate), expected(one), found(one), told(one))
    return tuple(markdown_cell(text) for text in texts)


def _totals(claims: Sequence[Folded]) -> dict[str, int]:
    count = totals(one for claim in claims for one in claim.cells)
    return {"mutants": count.total(), **{fate.replace(" ", "_"): count[fate] for fate in Fate}}


def _row(one: Cell) -> dict[str, Any]:
    return {
        "contract": one.claim.contract,
        "claim": one.claim.id,
        "mutant": one.mutant.id,
        "params": one.params,
        "verdict": one.fate,
        "fresh": one.fresh,
        "refuted": one.refuted,
        "localised": one.localised,
        "expected": {"refuted": one.to_refute, "stage": one.mutant.stage, "layer": one.mutant.layer},
        "found": dict(one.found) if one.refuted else None,
        "reported": dict(one.told),
        "reason": one.reason,
        "message": one.message,
    }
