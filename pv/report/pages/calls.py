"""What obligations without a `formal` of their own say of a kernel, written in the language: softmax(x + d) >= softmax(x)."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING

from pv.formal.language import Expression

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.formal.property import Property


def said(one: Property) -> list[Expression]:
    """What the type of an obligation says, as expressions; none where its words say it all."""
    write = _WRITTEN.get(one.type)
    return [] if one.is_predicate or write is None else [_read(text) for text in write(one)]


def _bound(one: Property) -> list[str]:
    low, high = one.between or (None, None)
    left = f"({low.text}) <= " if low else ""
    right = f" <= ({high.text})" if high else ""
    return [f"{left}y{right}"]


def _equivalence(one: Property) -> list[str]:
    return [_near(one, "y", "f")]


def _monotonicity(one: Property) -> list[str]:
    name = one.inputs()[0].name
    moved, still = _call(one, {name: f"{name} + d"}), _call(one)
    tolerance = one.expressions.get("tolerance")
    slack = f"({tolerance.text})" if tolerance else ""
    if one.keys.get("direction") == "decreasing":
        return [f"{moved} <= {still}{f' + {slack}' if slack else ''}", "d >= 0"]
    return [f"{moved} >= {still}{f' - {slack}' if slack else ''}", "d >= 0"]


def _idempotency(one: Property) -> list[str]:
    name = one.inputs()[0].name
    return [_near(one, _call(one, {name: _call(one)}), _call(one))]


def _involution(one: Property) -> list[str]:
    name = one.inputs()[0].name
    return [_near(one, _call(one, {name: _call(one)}), name)]


def _roundtrip(one: Property) -> list[str]:
    return [_near(one, one.expressions["through"].text, one.inputs()[0].name)]


def _associativity(one: Property) -> list[str]:
    first, second = [name for name, given in one.domain.inputs.items() if given.shape is not None][:2]
    left = _call(one, {first: _call(one), second: "c"})
    right = _call(one, {second: _call(one, {first: second, second: "c"})})
    return [_near(one, left, right)]


def _linearity(one: Property) -> list[str]:
    name = one.inputs()[0].name
    apart = f"a * {_call(one)} + b * {_call(one, {name: 'z'})}"
    return [_near(one, _call(one, {name: f"a * {name} + b * z"}), apart)]


def _symmetry(one: Property) -> list[str]:
    change = _CHANGES[str(one.keys["under"])]
    moved = _call(one, {given.name: change(given.name) for given in one.inputs()})
    result = str(one.keys.get("result", "invariant"))
    still = _call(one)
    return [_near(one, moved, {"invariant": still, "equivariant": change(still), "odd": f"-{still}"}[result])]


_CHANGES: dict[str, Callable[[str], str]] = {
    "permutation": lambda text: f"permuted({text})",
    "reversal": lambda text: f"reversed({text})",
    "negation": lambda text: f"-{text}",
    "shift": lambda text: f"{text} + c",
    "scaling": lambda text: f"c * {text}",
}
_WRITTEN: dict[str, Callable[[Property], list[str]]] = {
    "bound": _bound,
    "equivalence": _equivalence,
    "monotonicity": _monotonicity,
    "idempotency": _idempotency,
    "involution": _involution,
    "roundtrip": _roundtrip,
    "associativity": _associativity,
    "linearity": _linearity,
    "symmetry": _symmetry,
}


def _near(one: Property, left: str, right: str) -> str:
    """How two things are held against each other: bit by bit, or within the tolerance."""
    tolerance = one.expressions.get("tolerance")
    if tolerance is None:
        return f"same({left}, {right})"
    return f"abs({left} - ({right})) <= ({tolerance.text})"


def _call(one: Property, instead: dict[str, str] | None = None) -> str:
    """The call of the kernel with other texts in the places of its inputs."""
    tree = copy.deepcopy(one.equation.kernel.tree)
    return ast.unparse(_Instead(instead or {}).visit(tree))


class _Instead(ast.NodeTransformer):
    """Puts expressions in the places of names."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._trees = {name: _read(text).tree for name, text in texts.items()}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._trees.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        node.args = [self.visit(one) for one in node.args]  # the name of the function is no input
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        return node


def _read(text: str) -> Expression:
    """A text that is made of expressions that have been read; it may be longer than an author may write."""
    return Expression(text, ast.parse(" ".join(text.split()), mode="eval").body)
