"""The claims of a contract: what each says, what is tested, what was seen, which faults were planted and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.fold import Outcome
from pv.matrix import Fate, killed
from pv.report.matrix_text import expected, found
from pv.report.pages.markup import code, described, folded, pill, prose, slug, table, value
from pv.report.pages.obligations import obligation
from pv.report.pages.witness import date_of
from pv.report.summary import distance, settled
from pv.report.wording import counted, shown
from pv.words import Expect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.fold import Folded
    from pv.matrix import Cell
    from pv.report.pages.formulas import Formulas
    from pv.report.pages.witness import Witness

_MANY = 24  # mutants of one claim that are shown at once
_MARKS = dict(zip(Fate, "✓✗≠?!~-", strict=True))
_LONGEST = 240  # characters of what is said about one mutant


def claim(one: Folded, formulas: Formulas, place: str) -> str:
    """One claim as a section; `place` is the end of its address."""
    said = one.claim
    named = _obligations(one)
    asked = "".join(obligation(entry, formulas.properties.get(at), formulas) for at, entry in named.items())
    head = f'<header><h3><a href="#{place}">{prose(said.id)}</a></h3> {_verdict(one)}</header>\n'
    rule = f'<p class="rule">{prose(said.rule)}</p>\n' if said.rule else ""
    prediction = f'<p class="prediction">{prose(said.prediction)}</p>\n' if said.prediction else ""
    more = described(
        [
            ("tolerance", "" if said.tolerance is None else code(shown(said.tolerance))),
            ("holds for", "" if said.domain is None else value(said.domain)),
            ("run with", "; ".join(f"{code(name)} = {value(list(values))}" for name, values in said.params.items())),
            ("expected", "to be refuted" if said.expect is Expect.REFUTED else ""),
            ("hypothesis", prose(said.hypothesis)),
            ("if it fails", prose(said.if_fails)),
            ("seen", _seen(one)),
        ]
    )
    tested = f'<div class="asked">\n{asked}</div>\n' if asked else ""
    return f'<section class="claim {_tone(one)}" id="{place}">\n{head}{rule}{prediction}{tested}{more}{_mutants(one)}</section>\n'


def matrix(seen: Witness, places: Mapping[str, str]) -> str:
    """The kill matrix: a row a mutant, a column a claim, and in it what became of the mutant under the claim."""
    mutants = list(dict.fromkeys(cell.mutant.id for cell in seen.cells))
    if not mutants:
        return ""
    claims = [one for one in seen.claims if one.cells]
    head = [
        "mutant",
        *(
            f'<a href="#{places[one.claim.id]}" title="{prose(one.claim.id)}">{_short(one.claim.id)}</a>'
            for one in claims
        ),
    ]
    rows = []
    for mutant in mutants:
        fates = [next((cell.fate for cell in one.cells if cell.mutant.id == mutant), None) for one in claims]
        rows.append([code(mutant), *map(_mark, fates)])
    told = [f"{_MARKS[fate]} {fate}" for fate in Fate if any(cell.fate is fate for cell in seen.cells)]
    grid = table(head, rows, "matrix") + f'<p class="note">{"; ".join(told)}</p>\n'
    line = f"{seen.killed} of {counted(len(seen.cells), 'mutant')} killed"
    inside = folded(line, grid, opened=True) if len(mutants) <= _MANY else folded(line, grid)
    return f'<section id="kill-matrix">\n<h2>Kill matrix</h2>\n{inside}</section>\n'


def _verdict(one: Folded) -> str:
    """The outcome and its level; of a claim that nothing has been seen of, that."""
    if not any(case.row for case in one.evidence):
        stale = next((case.stale for case in one.evidence if case.stale), "")
        return pill(stale or "no evidence named yet", "stale" if stale else "not-run")
    as_expected = one.outcome is Outcome.REFUTED and one.as_expected
    outcome = pill("refuted, as expected" if as_expected else one.outcome, "discharged" if as_expected else one.outcome)
    level = f"{one.level}" + (f" ({one.claim.level} asked)" if one.claim.level is not one.level else "")
    return f"{outcome} {pill(level, 'note')}"


def _tone(one: Folded) -> str:
    if not any(case.row for case in one.evidence):
        return "nothing-measured"
    return "wrong" if one.contradicts else "good" if settled(one) else "open"


def _seen(one: Folded) -> str:
    """When, where and how much was looked at."""
    rows = [case.row for case in one.evidence if case.row is not None and case.case.mutant is None]
    if not rows:
        return ""
    days = sorted({date_of(row) for row in rows})
    commits = dict.fromkeys(str(row.get("commit") or "")[:7] for row in rows)
    total: dict[str, int] = {}
    for row in rows:
        for what, number in row["compared"].items():
            total[what] = total.get(what, 0) + number
    parts = [
        " and ".join(dict.fromkeys((days[0], days[-1]))),
        f"at commit {', '.join(map(code, filter(None, commits)))}" if any(commits) else "",
        "compared " + ", ".join(f"{number:,} {prose(what)}" for what, number in total.items()),
        f"worst {prose(distance(one.worst))}" if one.worst else "",
        _engines(rows),
    ]
    return "; ".join(filter(None, parts))


def _engines(rows: list[Mapping[str, Any]]) -> str:
    """Who was judged, and by whom."""
    named: dict[str, dict[str, None]] = {}
    for row in rows:
        for engine in row.get("engines") or ():
            named.setdefault(str(engine["role"]), {})[str(engine["name"])] = None
    return "; ".join(f"{prose(role)}: {', '.join(map(prose, names))}" for role, names in named.items())


def _mutants(one: Folded) -> str:
    if not one.claim.mutants:
        return f'<p class="note">{prose(one.vacuous)}</p>\n'
    rows = [
        (
            code(cell.mutant.id),
            f'{pill(cell.fate)}<span class="planted">{prose(_told(cell))}</span>'
            if cell.fresh
            else pill(cell.message or "not run", cell.fate),
            code(expected(cell)),
            prose(cell.mutant.note),
        )
        for cell in one.cells
    ]
    notes = any(cell.mutant.note for cell in one.cells)
    head = ("mutant", "what became of it", "planted at", "note")
    inside = table(head if notes else head[:3], [row if notes else row[:3] for row in rows], "mutants")
    fresh = any(cell.fresh for cell in one.cells)
    line = (
        f"{killed(one.cells)} of {counted(len(one.cells), 'mutant')} killed"
        if fresh
        else counted(len(one.cells), "mutant")
    )
    return folded(line, inside, opened=len(rows) <= _MANY)


def _told(cell: Cell) -> str:
    """What the falsifier said of a mutant; where it said nothing, where it was found."""
    text = " ".join((cell.message or found(cell)).split())
    return f"{text[: _LONGEST - 1]}…" if len(text) > _LONGEST else text


def _obligations(one: Folded) -> dict[int, Mapping[str, Any]]:
    """The obligations that a claim names, by their places."""
    name = one.claim.data.get("obligation")
    block = one.claim.executable.data.get("proof_obligations") if one.claim.executable else None
    entries = block if isinstance(block, list) else []
    return {
        at: entry for at, entry in enumerate(entries) if isinstance(entry, dict) and name and entry.get("id") == name
    }


def _mark(fate: Fate | None) -> str:
    return "" if fate is None else f'<span class="mark {slug(fate)}" title="{fate}">{_MARKS[fate]}</span>'


def _short(name: str) -> str:
    """The end of an id, which tells the claims of a contract apart."""
    return prose(name.rpartition("-")[2] or name)
