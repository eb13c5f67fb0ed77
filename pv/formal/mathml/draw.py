"""From the tree of an expression to MathML."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pv.formal.mathml import names
from pv.formal.mathml.calls import call
from pv.formal.mathml.markup import (
    CLOSED,
    Level,
    Piece,
    below,
    escaped,
    fenced,
    identifier,
    indexed,
    joined,
    listed,
    operator,
    parenthesised,
    row,
    tight,
    words,
)
from pv.formal.mathml.operators import binary, boolean, comparison, unary
from pv.formal.mathml.signs import Sign
from pv.formal.mathml.space import ONE, Space, last_axis

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pv.formal.language import Expression

_NAMED = {"u": Sign.ROUNDOFF, "tiny": Sign.TINY, "smallest": Sign.SMALLEST, "y": Sign.RESULT}


def math(expression: Expression, space: Space, *, block: bool = False, seen: set[Sign] | None = None) -> str:
    """An expression as a `math` element, with its text for whoever cannot see it.

    Args:
        expression: what is drawn.
        space: what its names are.
        block: on a line of its own, with sums and fractions at full size.
        seen: takes the signs that a reader may not know.
    """
    return element(Drawing(space, seen).whole(expression.tree), expression.text, block=block)


def rows(expression: Expression, space: Space, *, seen: set[Sign] | None = None) -> list[str]:
    """An expression as elements for lines of their own: what is joined by `and` is said one after the other."""
    tree = expression.tree
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    drawing = Drawing(space, seen)
    return [element(drawing.whole(part), ast.unparse(part), block=True) for part in parts]


def named(name: str, expression: Expression, space: Space, *, seen: set[Sign] | None = None) -> str:
    """A name and what it stands for: `p = …`."""
    drawing = Drawing(space, seen)
    axis = last_axis(expression.tree, space)
    if axis in (None, ONE):
        whole = row(names.name(name).xml, operator("="), drawing.whole(expression.tree).xml)
        return element(Piece(whole), f"{name} = {expression.text}", block=True)

    def both(index: str) -> Piece:
        left = indexed(names.name(name), identifier(index))
        return Piece(row(left.xml, operator("="), drawing.draw(expression.tree, index).xml))

    return element(drawing.along(both), f"{name} = {expression.text}", block=True)


def element(piece: Piece, text: str, *, block: bool) -> str:
    """A `math` element around a piece."""
    display = ' display="block"' if block else ""
    return f'<math{display} alttext="{escaped(" ".join(text.split()))}">{piece.xml}</math>'


@dataclass
class Drawing:
    """Draws trees with the names of one space, and notes the signs that it used.

    Attributes:
        space: what the names are.
        signs: takes the signs.
        used: indices that stand further out.
        matrices: whether matrices are multiplied in what is drawn.
        small: whether it stands in an exponent or an index.
    """

    space: Space
    signs: set[Sign] | None = None
    used: list[str] = field(default_factory=list)
    matrices: bool = False
    small: bool = False

    def whole(self, tree: ast.expr) -> Piece:
        """A tree by itself: with indices where each of its arrays runs along one axis."""
        axis = last_axis(tree, self.space)
        self.matrices = any(isinstance(one, ast.MatMult) for one in ast.walk(tree))
        if axis is None:
            return self.draw(tree, None)
        if axis == ONE:
            return self.draw(tree, "")
        return self.along(lambda index: self.draw(tree, index))

    def along(self, draw: Callable[[str], Piece]) -> Piece:
        """What `draw` makes with an index that is not in use."""
        index = self.space.free(self.used)
        self.used.append(index)
        piece = draw(index)
        self.used.pop()
        return piece

    def smaller(self, draw: Callable[[], Piece]) -> Piece:
        """What `draw` makes for an exponent or an index."""
        before, self.small = self.small, True
        piece = draw()
        self.small = before
        return piece

    def note(self, sign: Sign) -> None:
        """Remember that a sign was used."""
        if self.signs is not None:
            self.signs.add(sign)

    def draw(self, node: ast.expr, index: str | None) -> Piece:
        """A node; `index` is that of its elements, empty where it has one a row, None where whole arrays are written."""
        return _DRAWN[type(node)](self, node, index)

    def held(self, node: ast.expr, index: str | None, level: Level) -> Piece:
        """A node, in parentheses where it does not hold together as tightly as `level`."""
        piece = self.draw(node, index)
        return piece if piece.level >= level else parenthesised(piece)

    def cases(self, test: ast.expr, then: ast.expr, otherwise: ast.expr, index: str | None) -> Piece:
        """One thing where something holds, and another elsewhere; further cases stand below."""
        lines = [self._case(test, then, index)]
        while (more := _as_cases(otherwise)) is not None:
            test, then, otherwise = more
            lines.append(self._case(test, then, index))
        lines.append((self.draw(otherwise, index).xml, words("otherwise")))
        table = "".join(f"<mtr><mtd>{value}</mtd><mtd>{when}</mtd></mtr>" for value, when in lines)
        brace = operator("{")
        return Piece(row(brace, f'<mtable class="cases">{table}</mtable>'), Level.CASES)

    def _case(self, test: ast.expr, then: ast.expr, index: str | None) -> tuple[str, str]:
        return self.draw(then, index).xml, row(words("if\u00a0"), self.draw(test, index).xml)


def _name(drawing: Drawing, node: ast.Name, index: str | None) -> Piece:
    """A name, with the index of its elements."""
    if node.id in _NAMED:
        drawing.note(_NAMED[node.id])
    piece = names.name(node.id)
    if not index or drawing.space.axes.get(node.id, ONE) == ONE:
        return piece
    drawing.note(Sign.ROWS)
    return indexed(piece, identifier(index))


def _constant(drawing: Drawing, node: ast.Constant, index: str | None) -> Piece:
    del drawing, index
    return Piece(operator("…")) if node.value is Ellipsis else names.number(node.value)


def _list(drawing: Drawing, node: ast.Tuple | ast.List, index: str | None) -> Piece:
    del index
    return Piece(fenced("(", listed(drawing.draw(one, None).xml for one in node.elts), ")"), thin=CLOSED)


def _call(drawing: Drawing, node: ast.Call, index: str | None) -> Piece:
    return call(drawing, getattr(node.func, "id", ""), node, index)


def _either(drawing: Drawing, node: ast.IfExp, index: str | None) -> Piece:
    return drawing.cases(node.test, node.body, node.orelse, index)


def _part(drawing: Drawing, node: ast.Subscript, index: str | None) -> Piece:
    """Elements and parts of an array."""
    del index
    parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if len(parts) > 1 and isinstance(parts[0], ast.Constant) and parts[0].value is Ellipsis:
        parts = parts[1:]  # the axes before the last are left out everywhere
    base = drawing.held(node.value, None, Level.ATOM)
    places = drawing.smaller(lambda: Piece(listed(drawing.draw(one, None).xml for one in parts)))
    return Piece(below(base.xml, places.xml), thin=(base.thin[0], True))


def _slice(drawing: Drawing, node: Any, index: str | None) -> Piece:
    """A part of an axis, as Python writes it."""
    del index
    drawing.note(Sign.PARTS)
    ends: Sequence[ast.expr | None] = [node.lower, node.upper, *([node.step] if node.step else [])]
    return Piece(joined(tight(":"), ("" if one is None else drawing.held(one, None, Level.ADD).xml for one in ends)))


def _as_cases(node: ast.expr) -> tuple[ast.expr, ast.expr, ast.expr] | None:
    """The test and the two cases of what stands for either; None of anything else."""
    if isinstance(node, ast.IfExp):
        return node.test, node.body, node.orelse
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "where":
        test, then, otherwise = node.args
        return test, then, otherwise
    return None


# every node that `pv.formal.language` lets through
_DRAWN: dict[type[ast.AST], Callable[[Drawing, Any, str | None], Piece]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.BinOp: binary,
    ast.UnaryOp: unary,
    ast.BoolOp: boolean,
    ast.Compare: comparison,
    ast.IfExp: _either,
    ast.Call: _call,
    ast.Subscript: _part,
    ast.Slice: _slice,
    ast.Tuple: _list,
    ast.List: _list,
}
