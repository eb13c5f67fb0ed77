"""What stands in the text at a place, and how it can be written anew there: what rules with a fix ask."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pv.pattern import lazy
from pv.types import Fix, Span

if TYPE_CHECKING:
    from pv.load import Document

_ANCHOR = lazy(r"&\S+[ \t]+")
_SHOWN = 40  # characters of a value in a message


def written(document: Document, span: Span) -> str:
    """The characters that a span covers."""
    return document.source.line(span.line)[span.col - 1 : span.col - 1 + span.width]


def renamed(document: Document, span: Span, old: str, new: str) -> Fix | None:
    """The fix that calls the key at `span` `new`, in the quotes it has; None where it is written in another way."""
    text = written(document, span)
    if text == old:
        return Fix(span, new)
    if text in {f'"{old}"', f"'{old}'"}:
        return Fix(span, f"{text[0]}{new}{text[0]}")
    return None


def plain_at(document: Document, span: Span, value: str) -> Span | None:
    """Where exactly `value` stands without quotes within `span`, behind an anchor if it has one; None if it doesn't."""
    text = written(document, span)
    anchor = _ANCHOR.match(text)
    start = anchor.end() if anchor else 0
    return Span(span.line, span.col + start, len(value)) if text[start:] == value else None


def short(value: Any) -> str:
    """A value as a message shows it: on one line, and not much of it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
