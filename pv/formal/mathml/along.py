"""What is taken along an axis: sums, products, maxima, norms, with the index that runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pv.formal.mathml.markup import (
    CLOSED,
    Level,
    Piece,
    below,
    fenced,
    identifier,
    listed,
    operator,
    row,
    under,
    words,
)
from pv.formal.mathml.signs import Sign
from pv.formal.mathml.space import ONE, last_axis

if TYPE_CHECKING:
    from pv.formal.mathml.draw import Drawing

_BIG = {"sum": "∑", "prod": "∏", "any": "∃", "all": "∀"}
_WORDS = {"max": "max", "min": "min", "mean": "mean", "argmax": "arg max", "argmin": "arg min"}
ALONG = frozenset({*_BIG, *_WORDS, "norm"})


def along(drawing: Drawing, function: str, node: ast.Call, index: str | None) -> Piece:
    """What is taken along an axis: a sum, a maximum, a norm, with the index that runs."""
    axis = node.args[1] if len(node.args) > 1 else next((one.value for one in node.keywords), None)
    if index is None or axis is not None:
        drawing.note(Sign.WHOLE)
        below_it = "" if axis is None else row(words("axis\u00a0"), drawing.draw(axis, None).xml)
        return _sign(function, below_it, _inside(drawing, function, node.args[0], None))
    runs = last_axis(node.args[0], drawing.space)
    if runs == ONE:
        return _sign(function, "", _inside(drawing, function, node.args[0], ""))
    return drawing.along(lambda letter: _running(drawing, function, node.args[0], letter, runs))


def _running(drawing: Drawing, function: str, node: ast.expr, letter: str, runs: str | None) -> Piece:
    """With an index that runs; a mean as the sum that it is, where its length has a name."""
    inside = _inside(drawing, function, node, letter)
    length = ast.parse(runs, mode="eval").body if function == "mean" and runs else None
    if length is None or not drawing.space.is_scalar(length):
        return _sign(function, identifier(letter), inside)
    share = f"<mfrac><mn>1</mn>{drawing.draw(length, None).xml}</mfrac>"
    return Piece(row(share, _sign("sum", identifier(letter), inside).xml), Level.BIG, (True, False))


def _inside(drawing: Drawing, function: str, node: ast.expr, index: str | None) -> Piece:
    """What a sign stands before, in parentheses where it would seem to end too early."""
    if function == "norm":
        return drawing.draw(node, index)
    return drawing.held(node, index, Level.NOT if function in ("any", "all") else Level.BIG)


def _sign(function: str, index: str, inside: Piece) -> Piece:
    if function == "norm":
        bars = fenced("‖", inside.xml, "‖")
        return Piece(below(bars, index) if index else bars, thin=CLOSED)
    if function in _BIG:
        sign = operator(_BIG[function], 'movablelimits="true"')
    else:
        sign = operator(_WORDS[function], 'movablelimits="true" form="prefix" lspace="0" rspace="0.2em"')
    joined = row(under(sign, index) if index else sign, inside.xml)
    return Piece(joined, Level.NOT if function in ("any", "all") else Level.BIG, (True, False))


def total(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    """A sum over all elements."""
    del index  # every element of the array is added
    return _sign("sum", words("all"), drawing.held(node.args[0], None, Level.BIG))


def dot(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    """A sum of products; of whole arrays in angle brackets."""
    axes = {last_axis(one, drawing.space) for one in node.args}
    if index is None or None in axes:
        drawing.note(Sign.WHOLE)
        left, right = (drawing.draw(one, None) for one in node.args)
        return Piece(fenced("⟨", listed((left.xml, right.xml)), "⟩"), thin=CLOSED)
    return drawing.along(lambda letter: _products(drawing, node, letter))


def _products(drawing: Drawing, node: ast.Call, letter: str) -> Piece:
    left, right = (drawing.held(one, letter, Level.POWER) for one in node.args)
    dot = "" if left.thin[1] and right.thin[0] else operator("⋅")
    return _sign("sum", identifier(letter), Piece(row(left.xml, dot, right.xml), Level.MULTIPLY))
