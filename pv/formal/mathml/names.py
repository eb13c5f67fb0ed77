"""How names and numbers are written: Greek letters, subscripts, powers of ten."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from pv.formal.mathml.markup import (
    MINUS,
    THIN,
    Level,
    Piece,
    below,
    identifier,
    joined,
    operator,
    row,
    tight,
    upright,
    words,
)

_LETTERS = "alpha beta gamma delta epsilon zeta eta theta kappa mu nu xi pi rho sigma tau phi chi psi omega"
_GREEK = {word: unicodedata.lookup(f"GREEK SMALL LETTER {word}") for word in _LETTERS.split()}
_GREEK |= {"eps": _GREEK["epsilon"], "lambda_": "\u03bb"}
_CONSTANTS = {"pi": "π", "inf": "∞", "nan": "NaN"}
_NUMBERED = re.compile(r"([A-Za-z]|[a-z]+)(\d+)")
_PLAIN = (1e-4, 1e6)  # numbers between these are written out


def name(text: str) -> Piece:
    """A variable: `x`, `theta`, `x_max` and `w1` with their subscripts; a word like `kv_heads` stays as it is."""
    if text in _CONSTANTS:
        return Piece(upright(_CONSTANTS[text]), thin=(len(_CONSTANTS[text]) == 1,) * 2)
    base, _, index = text.partition("_")
    numbered = _NUMBERED.fullmatch(base)
    if numbered and (len(numbered[1]) == 1 or numbered[1] in _GREEK):
        base, index = numbered[1], f"{numbered[2]}_{index}" if index else numbered[2]
    if text in _GREEK or not index or (len(base) > 1 and base not in _GREEK):
        return Piece(identifier(_GREEK.get(text, text)), thin=_thin(_GREEK.get(text, text)))
    parts = [_part(one) for one in index.split("_") if one]
    if not parts:
        return Piece(identifier(text))
    return Piece(
        below(identifier(_GREEK.get(base, base)), joined(tight(","), parts)), thin=_thin(_GREEK.get(base, base))
    )


def number(value: object) -> Piece:
    """A number as it is written by hand; a truth value as a word."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return Piece(words(str(value)))
    if value == 0 or _PLAIN[0] <= abs(value) < _PLAIN[1] or isinstance(value, int):
        return Piece(_digits(_plain(value)), thin=(False, True))
    mantissa, exponent = _split(value)
    power = f"<msup>{_digits('10')}{row(*([tight(MINUS)] if exponent < 0 else []), _digits(str(abs(exponent))))}</msup>"
    if mantissa == "1":
        return Piece(power, Level.POWER, thin=(False, True))
    return Piece(row(_digits(mantissa), operator("⋅"), power), Level.MULTIPLY, thin=(False, True))


def _plain(value: float) -> str:
    """A number in digits alone, a whole one without a point."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    return f"{value:.10f}".rstrip("0") if "e" in text else text


def _split(value: float) -> tuple[str, int]:
    """The shortest digits that stand for a number, and the power of ten that they are multiplied with."""
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return mantissa, int(exponent)


def _digits(text: str) -> str:
    return f"<mn>{text}</mn>"


def _part(text: str) -> str:
    return _digits(text) if text.isdigit() else identifier(_GREEK.get(text, text))


def _thin(text: str) -> tuple[bool, bool]:
    return THIN if len(text) == 1 else (False, False)
