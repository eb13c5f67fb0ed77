"""Mistral's way: `[TOOL_CALLS]` and a JSON array of calls, or, in later models, `[TOOL_CALLS]NAME[ARGS]{…}` for each of them.

All of the calls of an answer or none: a part that cannot be read leaves the whole as text. Ids that a model writes
(`"id"`, `[CALL_ID]`) are not kept, the session gives its own.

Source: the documentation of mistral-common about its tokenizers v3, v7, v11 and v13.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from apr.agent.tool_calls.base import Asking, Broken, Format, Parsed, asking, skip_blanks, texts, value_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.agent.tool_calls.base import Tool

_OPEN = "[TOOL_CALLS]"
_NAMED = re.compile(r"\s*([^\s\[\]{}]+)\s*(?:\[CALL_ID\]\s*\w+\s*)?(?:\[ARGS\]\s*)?(?=\{)")


def parse(text: str, _tools: Sequence[Tool] = ()) -> Parsed:
    """Takes an answer apart."""
    start = text.find(_OPEN)
    if start < 0:
        return Parsed(tuple(texts(text)))
    try:
        calls = _calls(text, start)
    except Broken as error:
        return Parsed(tuple(texts(text)), (str(error),))
    return Parsed((*texts(text[:start]), *calls))


def _calls(text: str, start: int) -> list[Asking]:
    calls: list[Asking] = []
    place = start
    while place < len(text):
        if not text.startswith(_OPEN, place):
            raise Broken(f"behind the calls stands something else: {text[place : place + 40]!r}")
        found, place = _part(text, skip_blanks(text, place + len(_OPEN)))
        calls += found
        place = skip_blanks(text, place)
    return calls


def _part(text: str, place: int) -> tuple[list[Asking], int]:
    """What stands behind one opening."""
    named = _NAMED.match(text, place)
    if named is not None:
        value, end = value_at(text, named.end())
        return [asking({"name": named[1], "arguments": value})], end
    value, end = value_at(text, place)
    if not isinstance(value, list) or not value:
        raise Broken(f"behind {_OPEN} stands no JSON array of calls")
    return [asking(item) for item in value], end


FORMAT = Format("mistral", (_OPEN,), (_OPEN,), parse, answers_by_id=True)
