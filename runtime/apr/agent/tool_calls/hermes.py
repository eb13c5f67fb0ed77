"""Hermes' way, which Qwen 2.5 and 3 share: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, as many as are wanted.

Source: the model cards and chat templates of Hermes 2 Pro and Qwen 2.5. A model that stops right behind the JSON has made its call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.agent.tool_calls.base import Asking, Broken, Format, Parsed, asking, skip_blanks, texts, value_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.agent.messages import Text
    from apr.agent.tool_calls.base import Tool

OPEN, CLOSE = "<tool_call>", "</tool_call>"


def parse(text: str, _tools: Sequence[Tool] = ()) -> Parsed:
    """Takes an answer apart."""
    blocks: list[Text | Asking] = []
    remarks: list[str] = []
    plain = place = 0  # where text begins that is in no block yet; where to look for the next call
    while (start := text.find(OPEN, place)) >= 0:
        try:
            call, place = _call(text, start + len(OPEN))
        except Broken as error:
            remarks.append(str(error))
            place = start + len(OPEN)  # a sound call may follow
            continue
        blocks += [*texts(text[plain:start]), call]
        plain = place
    return Parsed((*blocks, *texts(text[plain:])), tuple(remarks))


def _call(text: str, start: int) -> tuple[Asking, int]:
    value, end = value_at(text, skip_blanks(text, start))
    call = asking(value)
    end = skip_blanks(text, end)
    if text.startswith(CLOSE, end):
        return call, end + len(CLOSE)
    if end == len(text) or text.startswith(OPEN, end):
        return call, end
    raise Broken(f"behind the JSON of the call of {call.name} stands something else than {CLOSE}")


FORMAT = Format("hermes", (OPEN,), (OPEN,), parse)
