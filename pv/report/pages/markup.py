"""Elements of the pages. What is foreign comes in through `markup` alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pv.report.html.frame import markup

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ADDRESS = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:)\]]")
_CODE = re.compile(r"`([^`\n]+)`")


def prose(value: object) -> str:
    """Foreign text with its addresses as links, and what stands in backquotes as code."""
    text = markup(value)
    text = _CODE.sub(r"<code>\1</code>", text)
    return _ADDRESS.sub(lambda found: f'<a href="{found[0]}" rel="noreferrer">{found[0]}</a>', text)


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


def slug(text: str) -> str:
    """A text as the end of an address."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-") or "x"


def _named(name: str) -> str:
    return f' class="{name}"' if name else ""
