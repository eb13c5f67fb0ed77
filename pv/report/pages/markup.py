"""Elements of the pages. What is foreign comes in through `markup` alone."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from pv.report.html.frame import markup, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# an address ends before what closes a sentence or a bracket around it
_PARTS = re.compile(r"`([^`\n]+)`|(https?://[^\s<>\"'`]*[^\s<>\"'`.,;:)\]])")


def prose(value: object) -> str:
    """Foreign text with its addresses as links, and what stands in backquotes as code."""
    out, before = [], 0
    words = text(value)
    for found in _PARTS.finditer(words):
        out.append(html.escape(words[before : found.start()]))
        inside = html.escape(found[1] or found[2])
        out.append(f"<code>{inside}</code>" if found[1] else f'<a href="{inside}" rel="noreferrer">{inside}</a>')
        before = found.end()
    return "".join([*out, html.escape(words[before:])])


def code(value: object) -> str:
    """Foreign text as code, on one line."""
    return f"<code>{markup(' '.join(str(value).split()))}</code>"


def pill(word: object, kind: object = "") -> str:
    """A word in a frame, in the colour of its kind."""
    name = re.sub(r"[^a-z]+", "-", str(kind or word).lower())
    return f'<span class="pill {name}">{markup(word)}</span>'


def listed(items: Iterable[str], name: str = "") -> str:
    """A list; nothing where it is empty."""
    inside = "".join(f"<li>{one}</li>\n" for one in items)
    return f"<ul{_named(name)}>\n{inside}</ul>\n" if inside else ""


def described(rows: Iterable[tuple[str, str]]) -> str:
    """Terms and what they are; those of which there is nothing to say are left out, and so is the list without any."""
    inside = "".join(f"<dt>{markup(term)}</dt><dd>{value}</dd>\n" for term, value in rows if value)
    return f"<dl>\n{inside}</dl>\n" if inside else ""


def value(given: Any) -> str:
    """A value of a contract: a list in a line, a mapping as a list, anything else as text."""
    if isinstance(given, dict):
        return listed(f"{code(name)}: {value(one)}" for name, one in given.items())
    if isinstance(given, list):
        return ", ".join(map(value, given))
    return "" if given is None else prose(given)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], name: str = "", right: Sequence[int] = ()) -> str:
    """A table that scrolls by itself where it is too wide; the first column names the row."""
    side = [' class="right"' if at in right else "" for at in range(len(head))]
    top = "".join(f'<th scope="col"{side[at]}>{one}</th>' for at, one in enumerate(head))
    lines = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td{side[at]}>{one}</td>" for at, one in enumerate(row[1:], 1))
        + "</tr>\n"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0"><table{_named(name)}>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{lines}</tbody>\n'
        "</table></div>\n"
    )


def folded(summary: str, inside: str, *, opened: bool = False) -> str:
    """Something that is shown when it is asked for."""
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>\n{inside}</details>\n"


def formula(drawn: str, name: str = "formula") -> str:
    """A formula on a line of its own, which scrolls by itself."""
    return f'<div class="{name}" tabindex="0">{drawn}</div>\n'


def slug(name: str) -> str:
    """A name as the end of an address."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-") or "x"


def _named(name: str) -> str:
    return f' class="{name}"' if name else ""
