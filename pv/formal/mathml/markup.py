"""Elements of MathML, and pieces of a formula that know how tightly they hold together."""

from __future__ import annotations

import html
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


MINUS, OR, TRANSPOSED = "\u2212", "\u2228", "\u22a4"


class Level(IntEnum):
    """How tightly the outermost sign of a piece binds: a piece is put into parentheses where more is asked for."""

    CASES = 0
    IMPLIES = 1
    OR = 2
    AND = 3
    NOT = 4
    COMPARE = 5
    ADD = 6
    BIG = 7  # a sum reaches as far to the right as products do
    MULTIPLY = 8
    POWER = 9
    ATOM = 10


class Piece(NamedTuple):
    """Markup of a part of a formula.

    `level` is how tightly it holds together. `thin` says that another factor may stand beside it without a dot: on its left
    (it begins with one letter, a root or a sum), and on its right (it ends in one letter, a number, a bracket or a fraction).
    """

    xml: str
    level: Level = Level.ATOM
    thin: tuple[bool, bool] = (False, False)
    signed: bool = False  # it begins with a minus


THIN = (True, True)
CLOSED = (False, True)  # a bracket on both ends: what stands before it would be read as a function


def escaped(text: str) -> str:
    """Text that is no markup."""
    return html.escape(text, quote=True)


def row(*parts: str) -> str:
    """Parts one after another, as one."""
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def joined(sign: str, parts: Iterable[str]) -> str:
    """Parts with a sign between them, as one."""
    return f"<mrow>{sign.join(parts)}</mrow>"


def operator(text: str, attributes: str = "") -> str:
    """A sign, with the room around it that browsers give it."""
    return f"<mo{' ' if attributes else ''}{attributes}>{escaped(text)}</mo>"


def tight(text: str) -> str:
    """A sign without room around it."""
    return operator(text, 'lspace="0" rspace="0"')


def identifier(text: str) -> str:
    """A name: one letter slanted, more upright, as browsers do by themselves."""
    return f"<mi>{escaped(text)}</mi>"


def upright(text: str) -> str:
    """A letter that is no variable."""
    return f'<mi mathvariant="normal">{escaped(text)}</mi>' if len(text) == 1 else identifier(text)


def words(text: str) -> str:
    """Words in a formula."""
    return f"<mtext>{escaped(text)}</mtext>"


def below(base: str, index: str) -> str:
    """A subscript."""
    return f"<msub>{base}{index}</msub>"


def under(base: str, index: str) -> str:
    """What stands below a sum; beside it where the line is to stay low."""
    return f"<munder>{base}{index}</munder>"


def fenced(left: str, inside: str, right: str) -> str:
    """Something between two signs that grow with it: at the ends of a row, browsers know them for fences."""
    return row(operator(left), inside, operator(right))


def parenthesised(piece: Piece) -> Piece:
    """The piece in parentheses."""
    return Piece(fenced("(", piece.xml, ")"), thin=CLOSED)


def listed(parts: Iterable[str]) -> str:
    """Parts with commas between them, as one."""
    return joined(operator(","), parts)


def called(name: str, parts: Iterable[str]) -> Piece:
    """A function of several arguments."""
    return Piece(row(name, tight("\u2061"), fenced("(", listed(parts), ")")), thin=CLOSED)


def indexed(piece: Piece, index: str) -> Piece:
    """A name with the index of its elements; one that has a subscript already gets a second one beside it."""
    if piece.xml.startswith("<msub>") and piece.level is Level.ATOM:
        head, _, tail = piece.xml.removesuffix("</msub>").partition("</mi>")
        return Piece(f"{head}</mi>{row(tail, tight(','), index)}</msub>", thin=piece.thin)
    return Piece(below(piece.xml, index), thin=(piece.thin[0], True))
