"""What can be executed of a contract, ready to be drawn: its equations, their names, the properties that its obligations say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pv.formal.language import FormalError
from pv.formal.mathml import Sign, Space, last_axis, math, named, rows
from pv.formal.property import equation_of, is_executable, property_of
from pv.words import SUBJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.formal.language import Expression
    from pv.formal.property import ExecutableEquation, Let, Property
    from pv.parse import Contract


@dataclass
class Formulas:
    """The executable part of a contract, and the signs that its page has used so far.

    What is not of the language is left out here: a page shows it as text, and `pv validate` says what is wrong with it.
    """

    equations: Mapping[str, ExecutableEquation]
    properties: Mapping[int, Property]  # by the place of the obligation in its block
    signs: set[Sign] = field(default_factory=set)

    @staticmethod
    def of(contract: Contract) -> Formulas:
        """What a contract says in the language."""
        data = contract.document.data
        equations = {}
        for name, one in contract.equations.items():
            if is_executable(one.data):
                try:
                    equations[name] = equation_of(name, one.data)
                except FormalError:
                    continue  # shown as text; `pv validate` tells what it is
        return Formulas(equations, dict(_properties(data, equations)))

    def space(self, equation: ExecutableEquation) -> Space:
        """The names of an equation."""
        known = Space.of(equation.domain)
        kernels = {one.function: _axis(one) for one in self.equations.values()}
        return Space(known.axes, kernels, known.letters).with_axis("y", _axis(equation)).with_names(equation.let)

    def space_of(self, one: Property) -> Space:
        """The names that the expressions of an obligation may use."""
        known = Space.of(one.domain)
        axis = _axis(one.equation)
        space = Space(known.axes, self.space(one.equation).kernels, known.letters).with_axis("y", axis)
        space = space.with_names(one.let)
        to = one.expressions.get("to")
        held = axis if to is None else last_axis(to.tree, space)
        others = {"f": held}
        if one.type in ("monotonicity", "linearity", "symmetry", "associativity") and not one.is_predicate:
            first = one.inputs()[0].name
            others |= {"d": space.axes.get(first), "z": space.axes.get(first)}
        for name, along in others.items():
            if name not in one.domain.names:
                space = space.with_axis(name, along)
        return space

    def inline(self, expression: Expression, space: Space) -> str:
        """An expression within a line."""
        return math(expression, space, seen=self.signs)

    def block(self, expression: Expression, space: Space) -> str:
        """An expression on a line of its own."""
        return math(expression, space, block=True, seen=self.signs)

    def rows(self, expression: Expression, space: Space) -> list[str]:
        """An expression on lines of its own, one for each part that `and` joins."""
        return rows(expression, space, seen=self.signs)

    def parts(self, let: Let, space: Space) -> list[str]:
        """What `let` names: each name with what it stands for."""
        return [named(name, expression, space, seen=self.signs) for name, expression in let]


def _axis(equation: ExecutableEquation) -> str | None:
    """The length of the last axis of what an equation gives; None where nobody can tell."""
    if equation.formal is None:
        return None
    space = Space.of(equation.domain).with_axis("y", None)  # of which a formula cannot speak
    return last_axis(equation.formal.tree, space.with_names(equation.let))


def _properties(data: Mapping[str, Any], equations: Mapping[str, ExecutableEquation]) -> dict[int, Property]:
    block = data.get("proof_obligations")
    found = {}
    for at, entry in enumerate(block if isinstance(block, list) else []):
        name = entry.get("applies_to") if isinstance(entry, dict) else None
        if isinstance(name, str) and name in equations:
            try:
                found[at] = property_of(equations, name, entry, SUBJECT)
            except FormalError:
                continue  # as above
    return found
