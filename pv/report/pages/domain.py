"""The domain of an executable equation, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.formal.domain import DTYPES, Size
from pv.formal.language import parse
from pv.formal.mathml import math
from pv.report.pages.markup import table

if TYPE_CHECKING:
    from pv.formal.domain import Domain, Input
    from pv.formal.language import Expression
    from pv.formal.mathml import Space
    from pv.report.pages.formulas import Formulas

_SCALARS = {"u8": "byte", "bool": "truth value", "bf16": "bfloat16 number"}
_NAMES = {"bf16": "bfloat16", "bool": "truth values"}


def domain_table(domain: Domain, formulas: Formulas, space: Space) -> str:
    """A row a size or input: its name, what it is, which values it takes."""
    rows = [
        (_name(entry.name, space), _what(entry, formulas, space), _values(entry, formulas, space))
        for entry in domain.entries
    ]
    return table(("name", "what it is", "drawn from"), rows, "domain")


def entry_words(entry: Size | Input, formulas: Formulas, space: Space) -> str:
    """A size or an input within a sentence."""
    return f"{_name(entry.name, space)} is {_article(_what(entry, formulas, space))}, {_values(entry, formulas, space)}"


def _name(name: str, space: Space) -> str:
    return math(parse(name), space.bare())


def _article(what: str) -> str:
    return f"{'an' if what[0] in 'aeiou8' else 'a'} {what}"


def _what(entry: Size | Input, formulas: Formulas, space: Space) -> str:
    if isinstance(entry, Size):
        return "whole number"
    dtype = _NAMES.get(entry.dtype, DTYPES[entry.dtype])
    if entry.shape is None:
        return _SCALARS.get(entry.dtype) or (
            f"{dtype} number" if "integers" not in dtype else dtype.replace("integers", "integer")
        )
    shape = " \u00d7 ".join(formulas.inline(axis, space) for axis in entry.shape)
    kind = f"array of {dtype}" if entry.dtype in ("u8", "bool") or "integers" in dtype else f"{dtype} array"
    return f"{kind}, {shape}" if shape else f"{kind} without axes"


def _values(entry: Size | Input, formulas: Formulas, space: Space) -> str:
    if isinstance(entry, Size):
        if entry.choices:
            return _either([str(one) for one in entry.choices])
        return _span(entry.low, entry.high, formulas, space)
    found = []
    if entry.values:
        found.append(_either([f"{one:g}".replace("-", "\u2212") for one in entry.values]))
    elif entry.any_bits:
        found.append("any pattern of bits")
    elif entry.low is not None:
        found.append(_span(entry.low, entry.high, formulas, space))
    elif entry.dtype == "u8":
        found.append("0 to 255")
    elif entry.dtype == "bool":
        found.append("true or false")
    if entry.nonfinite:
        found.append("and NaN and ±∞ among them")
    if entry.distinct:
        found.append("no two equal in a row")
    return ", ".join(found).replace(", and", " and")


def _span(low: Expression | None, high: Expression | None, formulas: Formulas, space: Space) -> str:
    if low is None or high is None:
        return ""
    first, last = formulas.inline(low, space), formulas.inline(high, space)
    return first if low.text == high.text else f"{first} to {last}"


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
