"""What an obligation asks, as it is shown: its type in words, and what is tested, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.formal.functions import FUNCTIONS
from pv.formal.obligation import KINDS
from pv.report.pages.calls import said
from pv.report.pages.domain import entry_words
from pv.report.pages.markup import code, formula, pill, prose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.formal.property import Property
    from pv.report.pages.formulas import Formulas

_UNDER = {
    "permutation": "permuted means put into another order",
    "reversal": "reversed means taken from last to first",
    "shift": "c is any number",
    "scaling": "c is any power of two",
}


def obligation(entry: Mapping[str, Any], one: Property | None, formulas: Formulas) -> str:
    """An obligation: in words, and drawn where it is executable; its text as it stands where it is not.

    Args:
        entry: of `proof_obligations`.
        one: what is run; None where it is not executable.
        formulas: of the contract.
    """
    name = entry.get("id")
    head = f'<p class="obligation">{pill(entry.get("type") or "obligation", "note")} '
    head += prose(entry.get("property") or entry.get("statement") or "")
    head += f" {code(name)}" if name else ""
    head += "</p>\n"
    return head + (_text(entry) if one is None else _drawn(one, formulas))


def _text(entry: Mapping[str, Any]) -> str:
    """What stands there for people."""
    lines = [f"<p>{code(entry['formal'])}</p>\n"] if entry.get("formal") is not None else []
    if entry.get("tolerance") is not None:
        lines.append(f'<p class="note">tolerance {code(entry["tolerance"])}</p>\n')
    return "".join(lines)


def _drawn(one: Property, formulas: Formulas) -> str:
    space = formulas.space_of(one)
    texts = one.expressions
    if one.is_predicate:
        lines = formulas.rows(texts["formal"], space)
    else:
        lines = [formulas.block(expression, space) for expression in said(one)]
    out = [formula(line) for line in lines]
    if not out:
        out.append(f'<p class="asks">{prose(KINDS[one.type].meaning[:1].upper() + KINDS[one.type].meaning[1:])}.</p>\n')
    if one.let:
        own = [part for part in one.let if part not in one.equation.let]
        out += [formula(line, "formula part") for line in formulas.parts(tuple(own), space)]
    conditions = [*_against(one, formulas), *_where(one, formulas)]
    out += [f'<p class="asks">{condition}</p>\n' for condition in conditions]
    return "".join(out)


def _against(one: Property, formulas: Formulas) -> list[str]:
    """What y is held against, and how inputs are moved."""
    if one.is_predicate:
        return []
    found = []
    if one.type == "equivalence":
        rounded = "" if "tolerance" in one.expressions else ", rounded once to the type of y"
        oracle, to = one.keys.get("oracle"), one.expressions.get("to")
        if oracle:
            found.append(
                f"f is what {code(one.equation.function)} of {code(oracle)} gives for the same input{rounded}."
            )
        elif to is one.equation.formal:
            found.append(f"f is the equation, computed in float64{rounded}.")
        elif to is not None:
            # what is a kernel's own result was not computed here
            how = f", computed in float64{rounded}" if to.calls <= FUNCTIONS.keys() else ""
            found.append(f"f = {formulas.inline(to, formulas.space_of(one))}{how}.")
    if one.type == "independence":
        found.append(f"Slices are taken along {code(one.keys['along'])}.")
    if one.type == "symmetry":
        found += [f"Here {_UNDER[under]}." for under in [str(one.keys["under"])] if under in _UNDER]
    if one.type == "linearity":
        found.append("z is drawn as the input is, a and b are small whole numbers.")
    return found


def _where(one: Property, formulas: Formulas) -> list[str]:
    """For which examples it is asked."""
    found = []
    others = [entry for entry in one.domain.entries if entry not in one.equation.domain.entries]
    if others:
        words = "; ".join(entry_words(entry, formulas, formulas.space_of(one)) for entry in others)
        found.append(f"Here {words}.")
    if "where" in one.expressions:
        found.append(f"Only where {formulas.inline(one.expressions['where'], formulas.space_of(one))}.")
    if "alpha" in one.keys:
        found.append(f"A whole run raises a false alarm with probability {code(one.keys['alpha'])} at most.")
    return found
