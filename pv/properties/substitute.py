"""A predicate that is false, with the numbers put in: at the first place where it is, as far down as it can be told."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pv.formal.language import Expression
    from pv.properties.evaluate import Scope

_SIGNS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.USub: "-", ast.UAdd: "+", ast.Not: "not ", ast.And: "and", ast.Or: "or",
}  # fmt: skip
# functions of single elements: their arguments can be told at a place, so they stay to be read
_ELEMENTWISE = frozenset(
    {
        "exp",
        "expm1",
        "log",
        "log1p",
        "log2",
        "sqrt",
        "abs",
        "sign",
        "tanh",
        "sin",
        "cos",
        "erf",
        "floor",
        "ceil",
        "round",
    }
    | {
        "trunc",
        "isfinite",
        "isnan",
        "isinf",
        "signbit",
        "minimum",
        "maximum",
        "clip",
        "where",
        "same",
        "ulps",
        "f32",
        "f16",
    }
)
_LONGEST = 60  # characters of one value


def failing(expression: Expression, scope: Scope) -> str:
    """The predicate, where it fails first, and what stands there: `abs(sum(y) - 1) <= 5 * u at [0, 0]: 0.5 <= 2.98e-07 is false`."""
    with np.errstate(all="ignore"):
        node = _culprit(expression.tree, scope)
        truth = np.asarray(scope.value(node), bool)
        if truth.all():  # it was false a moment ago, and has been computed anew to tell of it
            return f"{ast.unparse(expression.tree)} is false, and true when it is computed again: a kernel gives something else each time"
        at = tuple(int(one) for one in np.argwhere(~truth)[0]) if truth.ndim else ()
        whole = ast.unparse(node)
        text = f"{whole} is false" + (f" at [{', '.join(map(str, at))}]" if at else "")
        put_in = _text(node, scope, at)
        lines = [text, put_in] if put_in != whole else [text]
        if isinstance(node, ast.Compare):
            sides = [_value(one, scope, at) for one in (node.left, *node.comparators)]
            signs = [_SIGNS[type(one)] for one in node.ops]
            computed = sides[0] + "".join(f" {sign} {side}" for sign, side in zip(signs, sides[1:], strict=True))
            if computed != put_in:
                lines.append(computed)
        return ": ".join([lines[0], ", that is ".join(lines[1:])]) if lines[1:] else lines[0]


def _culprit(node: ast.expr, scope: Scope) -> ast.expr:
    """The part of a conjunction, or of what an implication concludes, that is false."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for one in node.values:
            if not np.asarray(scope.value(one), bool).all():
                return _culprit(one, scope)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "all":
        inner = node.args[0]
        if not np.asarray(scope.value(inner), bool).all():
            return _culprit(inner, scope)
    return node


def _text(node: ast.expr, scope: Scope, at: tuple[int, ...]) -> str:  # noqa: PLR0911  one kind of node, one return
    """An expression in which everything that has a value at the place is that value."""
    if isinstance(node, ast.Constant):
        return ast.unparse(node)
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.MatMult):
        left, right = (_bracketed(one, node, scope, at) for one in (node.left, node.right))
        return f"{left} {_SIGNS[type(node.op)]} {right}"
    if isinstance(node, ast.UnaryOp):
        return _SIGNS[type(node.op)] + _bracketed(node.operand, node, scope, at)
    if isinstance(node, ast.Compare):
        text = _text(node.left, scope, at)
        for comparison, other in zip(node.ops, node.comparators, strict=True):
            text += f" {_SIGNS[type(comparison)]} {_text(other, scope, at)}"
        return text
    if isinstance(node, ast.BoolOp):
        return f" {_SIGNS[type(node.op)]} ".join(_bracketed(one, node, scope, at) for one in node.values)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "implies":
            return f"{_text(node.args[0], scope, at)} implies {_text(node.args[1], scope, at)}"
        if node.func.id in _ELEMENTWISE:
            return f"{node.func.id}({', '.join(_text(one, scope, at) for one in node.args)})"
    return _value(node, scope, at)


def _bracketed(node: ast.expr, outer: ast.expr, scope: Scope, at: tuple[int, ...]) -> str:
    text = _text(node, scope, at)
    compound = isinstance(node, (ast.BinOp, ast.Compare, ast.BoolOp, ast.IfExp)) and not isinstance(outer, ast.BoolOp)
    return f"({text})" if compound or text.startswith("-") else text


def _value(node: ast.expr, scope: Scope, at: tuple[int, ...]) -> str:
    """What an expression comes to at a place."""
    return shown(scope.value(node), at)


def shown(value: Any, at: tuple[int, ...] | None = None) -> str:
    """A value in few characters: the element at a place where there is one, else the whole, cut."""
    if isinstance(value, (tuple, list)):
        text = "(" + ", ".join(shown(one) for one in value) + ")"
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    array = np.asarray(value)
    if at is not None and array.ndim and array.ndim <= len(at):
        # as broadcasting lines axes up: from the last on, length 1 stands for all
        own = tuple(
            0 if length == 1 else place for length, place in zip(array.shape, at[len(at) - array.ndim :], strict=True)
        )
        if all(place < length for place, length in zip(own, array.shape, strict=True)):
            array = array[own]
    if array.ndim == 0:
        plain = array.item()
        if isinstance(plain, float) and array.dtype in (np.float32, np.float16):
            return str(array[()])
        return f"{plain:.6g}" if isinstance(plain, float) else str(plain)
    text = np.array2string(array, separator=", ", threshold=8, edgeitems=2, max_line_width=10_000).replace("\n", "")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
