"""Figures in documents: what stands between `<!-- bench:NAME -->` and `<!-- /bench -->` is written from the results.

NAME is `benchmark.figure` for a value, the same with `:ratio` or `:theirs` behind it for the ratio or the peer's value, `table` for every
figure with a bound, `about` for the machine.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from figures import shown
from results import UnusableResults
from table import about, markdown

if TYPE_CHECKING:
    from results import Results

_MARKED = re.compile(r"(<!-- bench:([^\s>]+) -->)(.*?)(<!-- /bench -->)", re.DOTALL)
_OPENING = re.compile(r"<!-- bench:[^>]*-->")


def filled(text: str, results: Results, name: str) -> str:
    """The document with its figures as the results have them; `name` is where it stands.

    Raises:
        UnusableResults: a marker is never closed, or names no figure.
    """
    if len(_OPENING.findall(text)) != len(_MARKED.findall(text)):
        raise UnusableResults(f"{name}: a marker <!-- bench:NAME --> is not closed by <!-- /bench -->")

    def one(found: re.Match[str]) -> str:
        try:
            return f"{found[1]}{_value(found[2], results)}{found[4]}"
        except UnusableResults as problem:
            raise UnusableResults(f"{name}: {problem}") from None

    return _MARKED.sub(one, text)


def names(text: str) -> list[str]:
    """The figures that a document quotes, in order."""
    return [found[1] for found in _MARKED.findall(text)]


def _value(name: str, results: Results) -> str:
    if name == "table":
        return f"\n\n{markdown(results)}\n\n"
    if name == "about":
        return about(results)
    plain, _, part = name.partition(":")
    one = results.figure(plain)
    if part == "":
        return shown(one.ours, one.unit)
    if part == "ratio" and one.ratio is not None:
        return shown(round(one.ratio, 1), "")
    if part == "theirs" and one.theirs is not None:
        return shown(one.theirs, one.unit)
    raise UnusableResults(f"the figure {plain!r} has no {part!r}")
