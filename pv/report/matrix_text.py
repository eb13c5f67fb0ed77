"""The kill matrix as text: for each contract a grid where it fits, then one line a mutant under the claim that names it."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from pv.matrix import WRONG, Cell, Fate, killed, totals
from pv.report.console import can_write, cut, escape, width
from pv.report.wording import counted, figure, place, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.fold import Folded
    from pv.report.console import Paint
    from pv.status import ContractStatus

_COLOURS = {
    Fate.KILLED: "green",
    Fate.SURVIVED: "red",
    Fate.MISLOCALISED: "red",
    Fate.ERROR: "red",
    Fate.INCONCLUSIVE: "yellow",
    Fate.STALE: "dim",
    Fate.NOT_RUN: "dim",
}
_GLYPHS = dict(zip(Fate, "✓✗≠?!~-", strict=True))
_PLAIN = dict(zip(Fate, "+xo?!~-", strict=True))
_LONGEST = 300  # columns of what is said about one mutant
_LEAST, _MOST = 20, 120  # columns of marks where a terminal is narrow, and of a line where there is none
_WIDEST = 40  # columns of a mutant's name and of a place that are lined up


def headline(claims: Sequence[Folded]) -> str:
    """One line that counts every mutant, and the claims for whose falsifiers nothing shows that they can fail."""
    cells = [one for claim in claims for one in claim.cells]
    count = totals(cells)
    parts = [f"{count[Fate.KILLED]} killed"]
    parts += [
        f"{count[fate]} {fate}" + (_reasons(cells) if fate is Fate.INCONCLUSIVE else "")
        for fate in Fate
        if fate is not Fate.KILLED and count[fate]
    ]
    line = f"{counted(len(cells), 'mutant')} of {counted(len(claims), 'claim')}: {', '.join(parts)}"
    vacuous = sum(bool(claim.vacuous) for claim in claims)
    return line + (f"; {counted(vacuous, 'claim')} vacuous" if vacuous else "")


def as_lines(
    claims: Sequence[Folded], paint: Paint, columns: int | None = None, encoding: str | None = None
) -> list[str]:
    """The matrix, contract by contract, then what is wrong in it, then the headline.

    A grid, with its legend, stands before the lines of a contract where `columns` say how wide the terminal is and it fits.
    """
    glyphs = _GLYPHS if can_write("".join(_GLYPHS.values()), encoding) else _PLAIN
    lines: list[str] = []
    drawn = False
    for contract, group in groupby(claims, key=lambda one: one.claim.contract):
        of_contract = list(group)
        grid = _grid(of_contract, glyphs, paint, columns)
        drawn = drawn or bool(grid)
        lines += [paint(_titled(contract, of_contract), "bold"), *grid, *_list(of_contract, glyphs, paint), ""]
    if drawn:
        lines += [paint("  ".join(f"{glyphs[fate]} {fate}" for fate in Fate), "dim"), ""]
    wrong = [line for claim in claims for line in _wrong(claim)]
    if wrong:
        lines += [paint("not as it should be", "bold"), *(f"  {paint(line, 'red')}" for line in wrong), ""]
    return [*lines, paint(headline(claims), "bold")]


def strips(
    contracts: Sequence[ContractStatus], paint: Paint, columns: int | None = None, encoding: str | None = None
) -> list[str]:
    """The matrix of many contracts in little room: a line a contract, a mark a mutant, claims in their order with a blank between.

    Contracts that name no mutants are left out. `columns` say how wide a terminal is; a longer line goes on below.
    """
    glyphs = _GLYPHS if can_write("".join(_GLYPHS.values()), encoding) else _PLAIN
    named = [(escape(one.contract.name), one) for one in contracts if any(claim.cells for claim in one.claims)]
    if not named:
        return []
    seen = {cell.fate for _, one in named for claim in one.claims for cell in claim.cells}
    legend = "  ".join(f"{glyphs[fate]} {fate}" for fate in Fate if fate in seen)
    longest = max(width(name) for name, _ in named)
    room = max(_LEAST, (columns or _MOST) - longest - 4)
    lines = [f"{paint('kill matrix', 'bold')} {paint(f'(a mark a mutant, claim by claim: {legend})', 'dim')}"]
    for name, one in named:
        groups = [claim.cells for claim in one.claims if claim.cells]
        marks = [[paint(glyphs[cell.fate], _COLOURS[cell.fate]) for cell in cells] for cells in groups]
        for at, line in enumerate(_wrapped(marks, room)):
            lines.append(f"  {_padded('' if at else name, longest)}  {line}")
    return lines


def _wrapped(groups: list[list[str]], room: int) -> list[str]:
    """Groups of marks with a blank between them, in lines of so many columns; a longer group is cut."""
    lines, used = [""], 0
    for group in groups:
        for part in (group[at : at + room] for at in range(0, len(group), room)):
            if used and used + 1 + len(part) > room:
                lines.append("")
                used = 0
            lines[-1] += (" " if used else "") + "".join(part)
            used += len(part) + bool(used)
    return lines


def expected(one: Cell) -> str:
    """What the falsifier had to find."""
    planted = _where({"stage": one.mutant.stage, "layer": one.mutant.layer})
    return planted if one.to_refute else f"no refutation ({planted})"


def found(one: Cell) -> str:
    """What it found: where it refuted, or why there is nothing to say."""
    if one.fate is Fate.SURVIVED and not one.refuted:
        return "not refuted" if one.to_refute else one.message
    if one.fate in (Fate.KILLED, Fate.SURVIVED, Fate.MISLOCALISED):
        if not one.refuted:
            return "not refuted"
        at = _where({name: value for name, value in one.found.items() if name not in ("distance", "bound")})
        return (at or "no place at all") + _distance(one)
    return ": ".join(filter(None, (one.reason, one.message)))


def told(one: Cell) -> str:
    """The plain numbers that the falsifier gave for the report, as that of the passes that it needed; JSON has the rest."""
    return ", ".join(
        f"{name.replace('_', ' ')} {shown(value)}"
        for name, value in one.told.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    )


def _titled(contract: str, claims: Sequence[Folded]) -> str:
    cells = [one for claim in claims for one in claim.cells]
    return f"{escape(contract)}: " + (f"{_score(cells)} mutants killed" if cells else "names no mutants")


def _list(claims: Sequence[Folded], glyphs: dict[Fate, str], paint: Paint) -> list[str]:
    """Under each claim one line a mutant."""
    cells = [one for claim in claims for one in claim.cells]
    if not cells:
        return [f"  {escape(claim.claim.id)}: {claim.vacuous}" for claim in claims]
    names = min(_WIDEST, max(len("mutant"), *(width(_name(one)) for one in cells)))
    places = min(_WIDEST, max(len("expected"), *(width(escape(expected(one))) for one in cells)))
    lines = [paint(f"    {'':14} {_padded('mutant', names)}  {_padded('expected', places)}  found", "dim")]
    for claim in claims:
        lines.append(f"  {escape(claim.claim.id)}: " + _score(claim.cells))
        if claim.vacuous:
            lines.append("    " + paint(f"vacuous: {claim.vacuous}", "red"))
        for one in claim.cells:
            word = paint(f"{glyphs[one.fate]} {one.fate:<12}", _COLOURS[one.fate])
            figures = told(one)
            tail = f"{found(one)}  ({figures})" if figures else found(one)
            text = (
                f"{_padded(_name(one), names)}  {_padded(escape(expected(one)), places)}  {cut(escape(tail), _LONGEST)}"
            )
            lines.append(f"    {word} {text.rstrip()}")
    return lines


def _wrong(claim: Folded) -> list[str]:
    """Each mutant that was missed or broke the run, and a claim that is vacuous, at the claim's place in its file."""
    at = f"{escape(claim.claim.path)}:{claim.claim.span.line}:{claim.claim.span.col}: {escape(claim.claim.id)}"
    vacuous = [f"{at}: vacuous: {claim.vacuous}"] if claim.vacuous else []
    return vacuous + [
        f"{at}: {_name(one)}: {one.fate}: {cut(escape(one.message), _LONGEST)}"
        for one in claim.cells
        if one.fate in WRONG
    ]


def _grid(claims: Sequence[Folded], glyphs: dict[Fate, str], paint: Paint, columns: int | None) -> list[str]:
    """Claims as rows, the mutants of the contract as columns, where there is more than one claim and room for all."""
    mutants = list(dict.fromkeys(one.mutant.id for claim in claims for one in claim.cells))
    longest = max(width(escape(claim.claim.id)) for claim in claims)
    if columns is None or len(claims) < 2 or not mutants or 4 + longest + len(mutants) > columns:
        return []
    lines = []
    for claim in claims:
        fates = {one.mutant.id: one.fate for one in claim.cells}
        marks = "".join(paint(glyphs[fates[one]], _COLOURS[fates[one]]) if one in fates else " " for one in mutants)
        lines.append(f"  {_padded(escape(claim.claim.id), longest)}  {marks}".rstrip())
    return lines


def _score(cells: Sequence[Cell]) -> str:
    return f"{killed(cells)}/{len(cells)}"


def _name(one: Cell) -> str:
    return escape(one.mutant.id + (f"[{one.params}]" if one.params else ""))


def _where(where: dict[str, object]) -> str:
    return place({name: figure(value) for name, value in where.items() if value is not None}).removeprefix("stage ")


def _distance(one: Cell) -> str:
    distance, bound = one.found.get("distance"), one.found.get("bound")
    if distance is None:
        return ""
    return f": {figure(distance)}" + ("" if bound is None else f" of {figure(bound)}")


def _reasons(cells: Sequence[Cell]) -> str:
    reasons = Counter(one.reason or "no reason given" for one in cells if one.fate is Fate.INCONCLUSIVE)
    return f" ({', '.join(f'{number} {escape(reason)}' for reason, number in sorted(reasons.items()))})"


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))
