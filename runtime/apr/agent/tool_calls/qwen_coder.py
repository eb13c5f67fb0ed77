"""Qwen3-Coder's way: `<tool_call><function=NAME><parameter=KEY>…</parameter></function></tool_call>`.

Values are raw text between two newlines that do not count. Of which type one is, the tool's own schema says: where that is
not a string, the text is read as JSON, and stays text where it is none, which the tool will refuse. A value may hold the
closing tag; it ends where behind the tag another parameter or the function's end follows.

Source: the chat template and the tool parser published with Qwen3-Coder.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from apr.agent.tool_calls.base import Asking, Broken, Format, Parsed, skip_blanks, texts, value_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apr.agent.messages import Text
    from apr.agent.tool_calls.base import Tool

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
# the wrapper is sometimes left out
_FUNCTION = re.compile(r"(?:<tool_call>\s*)?<function=([^<>\n]*)>")
_PARAMETER = re.compile(r"<parameter=([^<>\n]*)>\n?")
_VALUE_END = re.compile(r"\n?</parameter>(?=\s*(?:<parameter=[^<>\n]*>|</function>))")
_END = "</function>"


def parse(text: str, tools: Sequence[Tool] = ()) -> Parsed:
    """Takes an answer apart."""
    blocks: list[Text | Asking] = []
    remarks: list[str] = []
    plain = place = 0
    while found := _FUNCTION.search(text, place):
        try:
            call, place = _call(text, found, tools)
        except Broken as error:
            remarks.append(str(error))
            place = found.end()
            continue
        blocks += [*texts(text[plain : found.start()]), call]
        plain = place
    rest = text[plain:]
    if _OPEN in rest and not remarks:
        remarks.append(f"behind {_OPEN} stands no <function=NAME>")
    return Parsed((*blocks, *texts(rest)), tuple(remarks))


def _call(text: str, found: re.Match[str], tools: Sequence[Tool]) -> tuple[Asking, int]:
    name = found[1].strip()
    if not name:
        raise Broken("the function has no name")
    types, given = _types(tools, name), dict[str, Any]()
    place = skip_blanks(text, found.end())
    while parameter := _PARAMETER.match(text, place):
        key = parameter[1].strip()
        end = _VALUE_END.search(text, parameter.end())
        if end is None:
            raise Broken(f"parameter {key} of {name} has no end")
        if key in given:
            raise Broken(f"parameter {key} of {name} is there twice")
        given[key] = _value(text[parameter.end() : end.start()], types.get(key))
        place = skip_blanks(text, end.end())
    if not text.startswith(_END, place):
        raise Broken(f"the call of {name} has no {_END} where it should end")
    place += len(_END)
    behind = skip_blanks(text, place)
    return Asking(name, given), behind + len(_CLOSE) if text.startswith(_CLOSE, behind) else place


def _types(tools: Sequence[Tool], name: str) -> dict[str, Any]:
    """The type of each parameter of a tool; nothing for a tool that is not there."""
    for tool in tools:
        function: Mapping[str, Any] = tool["function"]
        if function["name"] == name:
            return {key: value.get("type") for key, value in function["parameters"].get("properties", {}).items()}
    return {}


def _value(text: str, kind: Any) -> Any:
    if kind is None or kind == "string":
        return text
    if kind == "boolean" and text.strip() in ("True", "False"):  # as its own template spells them in earlier calls
        return text.strip() == "True"
    try:
        value, end = value_at(text, skip_blanks(text, 0))
    except Broken:
        return text
    return value if skip_blanks(text, end) == len(text) else text


FORMAT = Format("qwen3-coder", ("<function=", "<parameter="), (_OPEN, "<function="), parse)
