"""How the functions of the language are written; what is not listed here is written as a call."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pv.formal.functions import FUNCTIONS
from pv.formal.mathml import names
from pv.formal.mathml.along import ALONG, along, dot, total
from pv.formal.mathml.markup import (
    CLOSED,
    MINUS,
    THIN,
    TRANSPOSED,
    Level,
    Piece,
    below,
    called,
    fenced,
    identifier,
    indexed,
    listed,
    operator,
    parenthesised,
    row,
    upright,
    words,
)
from pv.formal.mathml.signs import Sign
from pv.formal.mathml.space import ONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.formal.mathml.draw import Drawing

    Draw = Callable[[Drawing, ast.Call, str | None], Piece | None]

_FENCES = {"abs": ("|", "|"), "floor": ("⌊", "⌋"), "ceil": ("⌈", "⌉")}
_TELLS = {"isfinite": "is finite", "isnan": "is NaN", "isinf": "is infinite"}
_TOLD = {
    **dict.fromkeys(("f64", "f32", "f16", "bf16", "i32", "i64", "u8"), Sign.CAST),
    "ulps": Sign.ULPS,
    "round": Sign.NEAREST,
}
_SCRIPT = frozenset({"sum", "prod", "mean", "dot", "norm"})  # too much for a superscript
_OTHER_NAMES = {"log": "ln", "minimum": "min", "maximum": "max", "sign": "sgn"}


def call(drawing: Drawing, function: str, node: ast.Call, index: str | None) -> Piece:
    """A call of a function of the language, or of a kernel."""
    if function not in FUNCTIONS:
        return _kernel(drawing, function, node, index)
    if function in _TOLD:
        drawing.note(_TOLD[function])
    if function in ALONG:
        return along(drawing, function, node, index)
    draw = _DRAWN.get(function)
    piece = draw(drawing, node, index) if draw else None
    return _plain(drawing, _OTHER_NAMES.get(function, function), node, index) if piece is None else piece


def _kernel(drawing: Drawing, function: str, node: ast.Call, index: str | None) -> Piece:
    """A kernel takes whole arrays; what it gives has the index of its elements."""
    arguments = [drawing.draw(one, None).xml for one in node.args]
    named = [row(identifier(str(one.arg)), operator("="), drawing.draw(one.value, None).xml) for one in node.keywords]
    piece = called(identifier(function), [*arguments, *named])
    if not index or drawing.space.kernels.get(function, ONE) == ONE:
        return piece
    drawing.note(Sign.ROWS)
    return Piece(below(piece.xml, identifier(index)), thin=CLOSED)


def _plain(drawing: Drawing, name: str, node: ast.Call, index: str | None) -> Piece:
    inside = None if FUNCTIONS[_name(node)].kind in ("shape", "number") else index
    arguments = [drawing.draw(one, inside).xml for one in node.args]
    named = [
        row(identifier(str(one.arg)), operator("="), drawing.draw(one.value, None).xml)
        for one in node.keywords
        if not (one.arg == "axis" and "axis=-1" in FUNCTIONS[_name(node)].usage and ast.unparse(one.value) == "-1")
    ]
    word = below(identifier("log"), "<mn>2</mn>") if name == "log2" else upright(name)
    return called(word, [*arguments, *named])


def _exp(drawing: Drawing, node: ast.Call, index: str | None) -> Piece | None:
    """A power of e, unless a fraction or a sum would have to stand in the exponent."""
    inner = [one for one in ast.walk(node.args[0]) if isinstance(one, (ast.Call, ast.Div, ast.FloorDiv, ast.IfExp))]
    if any(not isinstance(one, ast.Call) or getattr(one.func, "id", "") in _SCRIPT | {"where"} for one in inner):
        return called(upright("exp"), [drawing.draw(node.args[0], index).xml])
    power = f"<msup>{upright('e')}{drawing.draw(node.args[0], index).xml}</msup>"
    return Piece(power, Level.POWER, THIN)


def _expm1(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    power = _exp(drawing, node, index)
    xml = power.xml if power else ""
    return Piece(row(xml, operator(MINUS), "<mn>1</mn>"), Level.ADD)


def _log1p(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    inside = drawing.held(node.args[0], index, Level.ADD)
    inside = parenthesised(inside) if inside.signed else inside
    return called(identifier("ln"), [row("<mn>1</mn>", operator("+"), inside.xml)])


def _sqrt(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    return Piece(f"<msqrt>{drawing.draw(node.args[0], index).xml}</msqrt>", thin=THIN)


def _fences(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    left, right = _FENCES[_name(node)]
    return Piece(fenced(left, drawing.draw(node.args[0], index).xml, right), thin=CLOSED)


def _tells(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    inside = drawing.held(node.args[0], index, Level.ADD)
    return Piece(row(inside.xml, words(f"\u00a0{_TELLS[_name(node)]}")), Level.COMPARE)


def _where(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    test, then, otherwise = node.args
    return drawing.cases(test, then, otherwise, index)


def _gamma(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    drawing.note(Sign.GAMMA)
    count = drawing.smaller(lambda: drawing.draw(node.args[0], index))
    return Piece(below(identifier("\u03b3"), count.xml), thin=THIN)


def _transpose(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    del index
    base = drawing.held(node.args[0], None, Level.ATOM)
    return Piece(f"<msup>{base.xml}{upright(TRANSPOSED)}</msup>", Level.POWER, (base.thin[0], True))


def _eye(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    del index
    return Piece(below(upright("I"), drawing.draw(node.args[0], None).xml), thin=THIN)


def _arange(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    del index
    last = drawing.held(node.args[0], None, Level.ADD)
    parts = ["<mn>0</mn>", operator("…"), row(last.xml, operator(MINUS), "<mn>1</mn>")]
    return Piece(fenced("(", listed(parts), ")"), thin=CLOSED)


def _gather(drawing: Drawing, node: ast.Call, index: str | None) -> Piece | None:
    """Elements at places: the places are the index."""
    if index is None or not isinstance(node.args[0], ast.Name):
        return None
    drawing.note(Sign.ROWS)
    return indexed(names.name(node.args[0].id), drawing.draw(node.args[1], index).xml)


def _same(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    drawing.note(Sign.SAME)
    left, right = (drawing.held(one, index, Level.ADD) for one in node.args)
    return Piece(row(left.xml, operator("≡"), right.xml), Level.COMPARE)


def _implies(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    left, right = (drawing.held(one, index, Level.OR) for one in node.args)
    return Piece(row(left.xml, operator("⟹"), right.xml), Level.IMPLIES)


def _name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


_DRAWN: dict[str, Draw] = {
    **dict.fromkeys(_FENCES, _fences),
    **dict.fromkeys(_TELLS, _tells),
    "exp": _exp,
    "expm1": _expm1,
    "log1p": _log1p,
    "sqrt": _sqrt,
    "where": _where,
    "total": total,
    "dot": dot,
    "gamma": _gamma,
    "transpose": _transpose,
    "eye": _eye,
    "arange": _arange,
    "gather": _gather,
    "same": _same,
    "implies": _implies,
}
