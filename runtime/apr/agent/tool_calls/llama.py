"""Llama 3's way: `{"name": …, "parameters": {…}}`, bare as the whole answer or behind `<|python_tag|>`, several with `;` between.

A bare answer is a call only if its object begins with a name, as JSON may also be what was asked for. Calls of built-in
tools in Python's syntax (`brave_search.call(…)`) are not read.

Source: Meta's documentation of the prompt formats of Llama 3.1, 3.2 and 3.3, and the chat templates published with them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from apr.agent.tool_calls.base import Asking, Broken, Format, Parsed, asking, skip_blanks, texts, value_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.agent.tool_calls.base import Tool

_TAG = "<|python_tag|>"
_BARE = re.compile(r'\s*\{\s*"(?:type"\s*:\s*"function"\s*,\s*"name|name)"\s*:')


def parse(text: str, _tools: Sequence[Tool] = ()) -> Parsed:
    """Takes an answer apart."""
    before, tag, behind = text.partition(_TAG)
    if not tag:
        if not _BARE.match(text):
            return Parsed(tuple(texts(text)))
        before, behind = "", text
    try:
        calls = _calls(behind)
    except Broken as error:
        return Parsed(tuple(texts(text)), (str(error),))
    return Parsed((*texts(before), *calls))


def _calls(text: str) -> list[Asking]:
    calls: list[Asking] = []
    place = skip_blanks(text, 0)
    while True:
        value, end = value_at(text, place)
        calls.append(asking(value, ("parameters", "arguments")))
        place = skip_blanks(text, end)
        if place == len(text):
            return calls
        if text.startswith(";", place):
            place = skip_blanks(text, place + 1)
        elif text.startswith(_TAG, place):
            place = skip_blanks(text, place + len(_TAG))
        else:
            raise Broken(f"behind the JSON of the call of {calls[-1].name} stands something else")


# Llama 3.2's template names no tag; all of them give results to a reader called ipython
_SIGNS = ("<|start_header_id|>ipython", '"parameters": ')
FORMAT = Format("llama3", _SIGNS, (_TAG,), parse, one_at_a_time=True, bare=True)
