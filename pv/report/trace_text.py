"""The traceability matrix as text, as JSON and as Markdown."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pv.bind import Binding
from pv.matrix import Fate, killed
from pv.report.console import cut, escape
from pv.report.wording import counted, markdown_cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.report.console import Paint
    from pv.trace import Matrix, Obligation, Quoted, TracedClaim, TracedContract, TracedEquation

_SHORT = 12  # hex digits of a line's id that are shown
_LONGEST = 160  # columns of a formula or a property
_HEADING = ("equation", "claim", "outcome", "falsifier", "mutants", "evidence")


def headline(matrix: Matrix) -> str:
    """One line: what is covered, bound, tested and killed, and of how much."""
    covered = sum(one.covered for one in matrix.equations)
    bound = Counter(one.binding for one in matrix.claims)
    loose = sum(len(one.loose) for one in matrix.contracts)
    tested = sum(bool(one.tested_by) for one in matrix.obligations)
    claims = f"{counted(len(matrix.claims), 'claim')}: {bound[Binding.BOUND]} bound"
    claims += "".join(f", {bound[word]} {word}" for word in (Binding.UNBOUND, Binding.DUPLICATE) if bound[word])
    claims += f", {loose} without an equation" if loose else ""
    parts = [f"{covered} of {counted(len(matrix.equations), 'equation')} covered", claims]
    if matrix.obligations:
        parts.append(f"{tested} of {counted(len(matrix.obligations), 'proof obligation')} tested")
    return "; ".join([*parts, f"{killed(matrix.cells)}/{len(matrix.cells)} mutants killed"])


def as_text(matrix: Matrix, paint: Paint) -> str:
    """Contract by contract: its equations with all that hangs on them, then what hangs on none, then the headline."""
    lines: list[str] = []
    for contract in matrix.contracts:
        lines += [*_contract(contract, paint), ""]
    lines += [paint(escape(problem), "yellow") for problem in matrix.problems]
    return "\n".join([*lines, paint(headline(matrix), "bold")])


def as_markdown(matrix: Matrix) -> str:
    """The headline, what is not covered, and a table a contract."""
    lines = [f"**{markdown_cell(headline(matrix))}**"]
    for contract in matrix.contracts:
        covered = sum(one.covered for one in contract.equations)
        title = f"{contract.contract.name}: {covered} of {counted(len(contract.equations), 'equation')} covered"
        lines += ["", f"### {markdown_cell(title)}", ""]
        rows = [_HEADING, tuple("---" for _ in _HEADING), *_rows(contract)]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        untested = [one for one in contract.obligations if not one.tested_by]
        if untested:
            lines += [
                "",
                "Proof obligations that nobody tests:",
                "",
                *(f"* {markdown_cell(one.text)}" for one in untested),
            ]
    lines += [f"\n{markdown_cell(problem)}" for problem in matrix.problems]
    return "\n".join(lines)


def as_json(matrix: Matrix) -> str:
    """The same as one JSON object of schema `pv-trace-v1`."""
    covered = sum(one.covered for one in matrix.equations)
    return json.dumps(
        {
            "schema": "pv-trace-v1",
            "headline": headline(matrix),
            "totals": {
                "equations": len(matrix.equations),
                "equations_covered": covered,
                "claims": len(matrix.claims),
                "claims_bound": sum(one.binding is Binding.BOUND for one in matrix.claims),
                "claims_without_equation": sum(len(one.loose) for one in matrix.contracts),
                "obligations": len(matrix.obligations),
                "obligations_tested": sum(bool(one.tested_by) for one in matrix.obligations),
                "mutants": len(matrix.cells),
                "mutants_killed": killed(matrix.cells),
            },
            "problems": list(matrix.problems),
            "contracts": [_contract_data(one) for one in matrix.contracts],
        },
        indent=2,
    )


def _contract(contract: TracedContract, paint: Paint) -> Iterator[str]:
    covered = sum(one.covered for one in contract.equations)
    name, path = escape(contract.contract.name), escape(contract.contract.path)
    yield paint(f"{name}: {covered} of {counted(len(contract.equations), 'equation')} covered", "bold")
    for one in contract.equations:
        at = f"{path}:{one.equation.span.line}:{one.equation.span.col}"
        mark = paint("covered", "green") if one.covered else paint(f"not covered: {escape(one.why_not)}", "red")
        yield f"  {at}: {escape(one.equation.name)} = {_short(one.equation.formula)}: {mark}"
        for claim in one.claims:
            yield from _claim(claim, paint)
    if contract.loose:
        yield paint("  without an equation", "yellow")
        for claim in contract.loose:
            yield from _claim(claim, paint)
    untested = [one for one in contract.obligations if not one.tested_by]
    if untested:
        yield paint("  proof obligations that nobody tests", "yellow")
        yield from (f"    {path}:{one.span.line}:{one.span.col}: {_short(one.text)}" for one in untested)


def _claim(one: TracedClaim, paint: Paint) -> Iterator[str]:
    claim = one.folded.claim
    at = f"{escape(claim.path)}:{claim.span.line}:{claim.span.col}"
    colour = "green" if one.folded.as_expected else "yellow" if not one.folded.contradicts else "red"
    word = paint(str(one.folded.outcome), colour)
    reason = f" ({escape(one.folded.reason)})" if one.folded.reason else ""
    yield f"    {at}: {escape(claim.id)}: {word}{reason}"
    if one.binding is not Binding.BOUND:
        yield f"      falsifier {paint(str(one.binding), 'red')}"
    word = "runs" if any(it.property for it in one.falsifiers) else "falsifier"
    yield from (f"      {word:<9} {escape(name)}" for name in _falsifiers(one))
    if one.folded.cells:
        yield f"      mutants   {escape(_mutants(one))}"
    yield from (f"      evidence  {escape(_evidence(quoted))}" for quoted in one.evidence)


def _rows(contract: TracedContract) -> Iterator[tuple[str, ...]]:
    for equation in contract.equations:
        if not equation.claims:
            yield markdown_cell(equation.equation.name), "", "not covered: no claim binds to it", "", "", ""
        for one in equation.claims:
            yield markdown_cell(equation.equation.name), *_cells(one)
    for one in contract.loose:
        yield "", *_cells(one)


def _cells(one: TracedClaim) -> tuple[str, ...]:
    falsifier = ", ".join(_falsifiers(one)) if one.binding is Binding.BOUND else str(one.binding)
    plain = [_evidence(quoted) for quoted in one.evidence if not quoted.mutant]
    texts = (one.folded.claim.id, str(one.folded.outcome), falsifier, _score(one), "; ".join(plain))
    return tuple(markdown_cell(text) for text in texts)


def _falsifiers(one: TracedClaim) -> list[str]:
    return [f"{found.path}:{found.line} {found.qualname}" for found in one.falsifiers]


def _mutants(one: TracedClaim) -> str:
    told = ", ".join(
        cell.mutant.id + ("" if cell.fate is Fate.KILLED else f" ({cell.fate})") for cell in one.folded.cells
    )
    return f"{_score(one)} killed: {told}"


def _score(one: TracedClaim) -> str:
    return f"{killed(one.folded.cells)}/{len(one.folded.cells)}"


def _evidence(quoted: Quoted) -> str:
    case = f"[{quoted.case}] " if quoted.case else ""
    fresh = f"stale: {quoted.stale}" if quoted.stale else "fresh"
    return f"{quoted.id[:_SHORT]} {case}{quoted.verdict}, {quoted.level}, {fresh}"


def _short(text: str) -> str:
    return cut(escape(" ".join(text.split())), _LONGEST)


def _contract_data(contract: TracedContract) -> dict[str, Any]:
    return {
        "contract": contract.contract.name,
        "path": contract.contract.path,
        "equations": [_equation_data(one) for one in contract.equations],
        "claims_without_equation": [_claim_data(one) for one in contract.loose],
        "obligations": [_obligation_data(one) for one in contract.obligations],
    }


def _equation_data(one: TracedEquation) -> dict[str, Any]:
    return {
        "equation": one.equation.name,
        "formula": one.equation.formula,
        "line": one.equation.span.line,
        "covered": one.covered,
        "why_not": one.why_not,
        "claims": [_claim_data(claim) for claim in one.claims],
    }


def _claim_data(one: TracedClaim) -> dict[str, Any]:
    return {
        "claim": one.folded.claim.id,
        "line": one.folded.claim.span.line,
        "outcome": one.folded.outcome,
        "as_expected": one.folded.as_expected,
        "covers": one.covers,
        "binding": one.binding,
        "falsifiers": [
            {"path": it.path, "line": it.line, "qualname": it.qualname, "property": it.property or None}
            for it in one.falsifiers
        ],
        "mutants": [{"mutant": cell.mutant.id, "verdict": cell.fate} for cell in one.folded.cells],
        "evidence": [
            {
                "case": it.case,
                "id": it.id,
                "verdict": it.verdict,
                "level": it.level,
                "fresh": not it.stale,
                "stale": it.stale,
            }
            for it in one.evidence
        ],
    }


def _obligation_data(one: Obligation) -> dict[str, Any]:
    return {
        "property": one.text,
        "applies_to": one.applies_to,
        "line": one.span.line,
        "tested_by": list(one.tested_by),
    }
