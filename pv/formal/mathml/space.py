"""What is known of the names in a formula, and whether it can be written element by element.

`exp(x - max(x))` is written with indices, exp(x_i - max_j x_j), where every array in it runs along one last axis. Where arrays are
cut, joined, multiplied as matrices or reshaped, it is written of whole arrays instead.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pv.formal.functions import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pv.formal.domain import Domain, Input
    from pv.formal.language import Expression

ONE = "1"  # the last axis of a scalar, and of what a sum gives
_LETTERS = "ijklpqrst"
_LAST = "\u03b9"  # iota, where a contract has taken all of them
# of one row they give one element; all others of their kind are written as calls
_ROWS = frozenset({"sum", "mean", "max", "min", "prod", "any", "all", "norm", "argmax", "argmin"})
_SCALARS = frozenset({"total", "dot", "len", "size", "gamma", "multinomial_tail"})
_LIKE = frozenset({"elementwise", "test"})


@dataclass(frozen=True)
class Space:
    """The names of a formula.

    Attributes:
        axes: name of an array or of what was named under `let` to the length of its last axis, as text; a name that is not
            here is a scalar. None where nobody knows the length.
        kernels: function to the length of the last axis of what it gives; None where nobody knows.
        letters: names that no index may have.
    """

    axes: Mapping[str, str | None] = field(default_factory=dict)
    kernels: Mapping[str, str | None] = field(default_factory=dict)
    letters: frozenset[str] = frozenset()

    @staticmethod
    def of(domain: Domain) -> Space:
        """The names of a domain."""
        arrays = {one.name: _length(one) for one in domain.inputs.values() if one.shape}
        return Space(arrays, letters=domain.names)

    def bare(self) -> Space:
        """The same where names stand for themselves, without indices."""
        return replace(self, axes={})

    def with_names(self, parts: Iterable[tuple[str, Expression]]) -> Space:
        """The same with what `let` names, in order."""
        found = self
        for name, part in parts:
            found = found.with_axis(name, last_axis(part.tree, found))
        return found

    def with_axis(self, name: str, axis: str | None) -> Space:
        """The same with one more name."""
        return replace(self, axes={**self.axes, name: axis}, letters=self.letters | {name})

    def free(self, used: Iterable[str]) -> str:
        """A letter for the next index."""
        return next((one for one in _LETTERS if one not in self.letters and one not in used), _LAST)

    def is_scalar(self, node: ast.expr) -> bool:
        """Whether no array stands in it."""
        called = {id(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}
        names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and id(one) not in called}
        calls = {one.func.id for one in ast.walk(node) if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)}
        return not (names & self.axes.keys()) and all(one in FUNCTIONS for one in calls)


def last_axis(node: ast.expr, space: Space) -> str | None:
    """The length of the last axis of what an expression gives, `1` where it has one element a row; None if nobody can tell."""
    if isinstance(node, ast.Constant):
        return None if node.value is Ellipsis else ONE
    if isinstance(node, ast.Name):
        return space.axes.get(node.id, ONE)
    if isinstance(node, ast.Call):
        return _called(node.func.id, node, space) if isinstance(node.func, ast.Name) else None
    operands = _operands(node)
    return _common(operands, space) if operands else None


def _operands(node: ast.expr) -> list[ast.expr]:
    """What an operator takes element by element; nothing of what is cut or multiplied as matrices."""
    match node:
        case ast.BinOp() if not isinstance(node.op, ast.MatMult):
            return [node.left, node.right]
        case ast.UnaryOp():
            return [node.operand]
        case ast.BoolOp():
            return node.values
        case ast.Compare():
            return [node.left, *node.comparators]
        case ast.IfExp():
            return [node.test, node.body, node.orelse]
    return []


def _called(name: str, node: ast.Call, space: Space) -> str | None:
    signature = FUNCTIONS.get(name)
    if signature is None:
        return space.kernels.get(name)
    if name == "gather":
        return last_axis(node.args[1], space) if isinstance(node.args[0], ast.Name) else None
    if name in _SCALARS or (name in _ROWS and len(node.args) == 1 and not node.keywords):
        return ONE if _known(node.args, space) else None
    return _common(node.args, space) if signature.kind in _LIKE else None


def _known(nodes: Iterable[ast.expr], space: Space) -> bool:
    return all(last_axis(one, space) is not None for one in nodes)


def _common(nodes: Iterable[ast.expr], space: Space) -> str | None:
    """The one axis along which all run that are no scalars."""
    found = {last_axis(one, space) for one in nodes}
    if None in found:
        return None
    longer = found - {ONE}
    return ONE if not longer else longer.pop() if len(longer) == 1 else None


def _length(one: Input) -> str | None:
    return ast.unparse(one.shape[-1].tree) if one.shape else ONE
