"""An equation of a contract as a section: drawn, its domain in words, its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.report.pages.curves import can_compute, picture
from pv.report.pages.domain import domain_table
from pv.report.pages.markup import code, described, folded, formula, listed, prose, value
from pv.report.pages.plot import svg
from pv.report.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.formal.mathml import Space
    from pv.formal.property import ExecutableEquation
    from pv.parse import Equation
    from pv.report.pages.formulas import Formulas

_FEW = 4  # names for obligations are shown at once where there are fewer
WITHOUT = "This contract asks for a picture here; drawing it needs numpy."


def equation(one: Equation, formulas: Formulas, path: str, place: str) -> str:
    """An equation as a section.

    Args:
        one: the equation.
        formulas: of the contract.
        path: of its file, for messages.
        place: the end of the section's address.

    Raises:
        UsageProblem: its picture cannot be drawn.
    """
    data: Mapping[str, Any] = one.data if isinstance(one.data, dict) else {}
    found = formulas.equations.get(one.name)
    out = [f"<h3>{prose(one.name)}</h3>\n"]
    if found is None:
        out += [f'<p class="says">{code(one.formula)}</p>\n'] if one.formula else []
        out.append(described([("where", value(data.get("domain"))), ("gives", value(data.get("codomain")))]))
    else:
        space = formulas.space(found)
        if found.formal is not None:
            out += [formula(line) for line in formulas.parts((("y", found.formal),), space)]
        elif one.formula:
            out.append(f'<p class="says">{code(one.formula)}</p>\n')
        out.append(_parts(found, formulas, space))
        if found.formal is not None and one.formula:
            out.append(f'<p class="note">{code(one.formula)}</p>\n')
        out.append(described([("called as", code(found.kernel.text)), ("gives", value(data.get("codomain")))]))
        out.append(domain_table(found.domain, formulas, space))
    invariants = data.get("invariants")
    out.append(listed(map(prose, invariants if isinstance(invariants, list) else [])))
    out.append(_picture(data.get("plot"), f"{path}: equation {one.name}", f"plot-of-{place}"))
    return f'<section class="equation" id="{place}">\n{"".join(out)}</section>\n'


def _parts(found: ExecutableEquation, formulas: Formulas, space: Space) -> str:
    """What `let` names: what the equation is made of, and folded away what only bounds and obligations speak of."""
    needed = set(found.formal.names) if found.formal is not None else set()
    for name, expression in reversed(found.let):
        needed |= expression.names if name in needed else frozenset()
    drawn = dict(zip((name for name, _ in found.let), formulas.parts(found.let, space), strict=True))
    first = "".join(formula(line, "formula part") for name, line in drawn.items() if name in needed)
    rest = [formula(line, "formula part") for name, line in drawn.items() if name not in needed]
    more = (
        folded(f"{counted(len(rest), 'more name')} for obligations", "".join(rest), opened=len(rest) < _FEW)
        if rest
        else ""
    )
    return (f'<p class="asks">with</p>\n{first}' if first else "") + more


def _picture(plot: Any, where: str, name: str) -> str:
    if not isinstance(plot, dict):
        return ""
    if not can_compute():
        return f'<p class="note">{WITHOUT}</p>\n'
    drawn = picture(plot, where)
    title = f'<p class="above">{prose(drawn.title)}</p>\n' if drawn.title else ""
    caption = f"<figcaption>{prose(drawn.caption)}</figcaption>\n" if drawn.caption else ""
    return f'<figure>\n{title}<div class="scroll" tabindex="0">{svg(drawn, name)}</div>\n{caption}</figure>\n'
