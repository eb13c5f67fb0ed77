"""How sums, products, fractions, powers and comparisons are written, with parentheses where they are needed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from pv.formal.mathml.markup import (
    CLOSED,
    MINUS,
    OR,
    THIN,
    Level,
    Piece,
    fenced,
    joined,
    operator,
    parenthesised,
    row,
    tight,
)
from pv.formal.mathml.signs import Sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.formal.mathml.draw import Drawing

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "≤",
    ast.Gt: ">",
    ast.GtE: "≥",
    ast.Eq: "=",
    ast.NotEq: "≠",
}
_JOINS: dict[type[ast.boolop], tuple[str, Level]] = {ast.And: ("∧", Level.AND), ast.Or: (OR, Level.OR)}
_TIMES = "\u2062"  # takes no room


def binary(drawing: Drawing, node: ast.BinOp, index: str | None) -> Piece:
    """Two operands and what is done with them."""
    return _BINARY[type(node.op)](drawing, node, index)


def unary(drawing: Drawing, node: ast.UnaryOp, index: str | None) -> Piece:
    """A minus, or a negation."""
    if isinstance(node.op, ast.Not):
        return Piece(row(operator("¬"), drawing.held(node.operand, index, Level.NOT).xml), Level.NOT)
    inside = _unsigned(drawing.held(node.operand, index, Level.MULTIPLY))
    sign = operator("+" if isinstance(node.op, ast.UAdd) else MINUS, 'form="prefix"')
    return Piece(row(sign, inside.xml), Level.ADD, (False, inside.thin[1]), signed=True)


def boolean(drawing: Drawing, node: ast.BoolOp, index: str | None) -> Piece:
    """What is joined by `and`, or by `or`."""
    sign, level = _JOINS[type(node.op)]
    parts = [drawing.held(one, index, Level(level + 1)).xml for one in node.values]
    return Piece(joined(operator(sign), parts), level)


def comparison(drawing: Drawing, node: ast.Compare, index: str | None) -> Piece:
    """A comparison, of several terms in a chain."""
    parts = [drawing.held(node.left, index, Level.ADD).xml]
    for sign, term in zip(node.ops, node.comparators, strict=True):
        piece = drawing.draw(term, index)
        last = term is node.comparators[-1] and piece.level is Level.CASES  # its brace has no end, and needs none there
        piece = piece if last or piece.level >= Level.ADD else parenthesised(piece)
        parts += [operator(_COMPARISONS[type(sign)]), piece.xml]
    return Piece(row(*parts), Level.COMPARE)


def _sum(drawing: Drawing, node: ast.BinOp, index: str | None) -> Piece:
    left, right = drawing.held(node.left, index, Level.ADD), drawing.held(node.right, index, Level.ADD)
    return Piece(row(left.xml, operator("+"), _unsigned(right).xml), Level.ADD, signed=left.signed)


def _difference(drawing: Drawing, node: ast.BinOp, index: str | None) -> Piece:
    left, right = drawing.held(node.left, index, Level.ADD), drawing.held(node.right, index, Level.BIG)
    return Piece(row(left.xml, operator(MINUS), _unsigned(right).xml), Level.ADD, signed=left.signed)


def _product(drawing: Drawing, node: ast.BinOp, index: str | None) -> Piece:
    """A product: without a sign where nobody can mistake it, with ⊙ between arrays beside products of matrices."""
    left = drawing.draw(node.left, index)
    # what stands behind a sum would be taken for a part of it; a minus in front may stay
    minus = isinstance(node.left, ast.UnaryOp) and left.level is Level.ADD
    left = left if (minus or left.level >= Level.MULTIPLY) and not _is_matrices(node.left) else parenthesised(left)
    right = drawing.held(node.right, index, Level.POWER)
    arrays = drawing.matrices and not drawing.space.is_scalar(node.left) and not drawing.space.is_scalar(node.right)
    if arrays:
        drawing.note(Sign.PRODUCT)
    sign = operator("⊙") if arrays else tight(_TIMES) if left.thin[1] and right.thin[0] else operator("⋅")
    thin = (left.thin[0], right.thin[1])
    return Piece(row(left.xml, sign, right.xml), Level.MULTIPLY, thin, signed=left.signed)


def _fraction(drawing: Drawing, node: ast.BinOp, index: str | None) -> Piece:
    """A fraction; on one line where it would be too small to read."""
    if drawing.small:
        left, right = drawing.held(node.left, index, Level.MULTIPLY), drawing.held(node.right, index, Level.POWER)
        return Piece(row(left.xml, tight("/"), right.xml), Level.MULTIPLY, signed=left.signed)
    return Piece(f"<mfrac>{drawing.draw(node.left, index).xml}{drawing.draw(node.right, index).xml}</mfrac>", thin=THIN)


def _whole_quotient(drawing: Drawing, node: ast.BinOp, index: str | None) -> Piece:
    return Piece(fenced("⌊", _fraction(drawing, node, index).xml, "⌋"), thin=CLOSED)


def _power(drawing: Drawing, node: ast.BinOp, index: str | None) -> Piece:
    base = drawing.held(node.left, index, Level.ATOM)
    power = drawing.smaller(lambda: drawing.draw(node.right, index))
    return Piece(f"<msup>{base.xml}{power.xml}</msup>", Level.POWER, (base.thin[0], True))


def _matrices(drawing: Drawing, node: ast.BinOp, index: str | None) -> Piece:
    drawing.note(Sign.PRODUCT)
    chain = Level.MULTIPLY if _is_matrices(node.left) else Level.POWER
    left, right = drawing.held(node.left, index, chain), drawing.held(node.right, index, Level.POWER)
    return Piece(row(left.xml, '<mspace width="0.2em"></mspace>', right.xml), Level.MULTIPLY, signed=left.signed)


def _remainder(drawing: Drawing, node: ast.BinOp, index: str | None) -> Piece:
    left, right = drawing.held(node.left, index, Level.POWER), drawing.held(node.right, index, Level.POWER)
    return Piece(row(left.xml, operator("mod", 'lspace="0.3em" rspace="0.3em"'), right.xml), Level.MULTIPLY)


def _is_matrices(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)


def _unsigned(piece: Piece) -> Piece:
    """A piece that may stand behind a sign."""
    return parenthesised(piece) if piece.signed else piece


_BINARY: dict[type[ast.operator], Callable[[Drawing, Any, str | None], Piece]] = {
    ast.Add: _sum,
    ast.Sub: _difference,
    ast.Mult: _product,
    ast.MatMult: _matrices,
    ast.Div: _fraction,
    ast.FloorDiv: _whole_quotient,
    ast.Mod: _remainder,
    ast.Pow: _power,
}
