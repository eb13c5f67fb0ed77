"""What the program itself tells a model: where it works, which tools it has where its template has no place for them, and its skills."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from apr.agent.tool_calls.hermes import CLOSE, OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apr.agent.tool_calls.base import Tool

WORKING = (
    "You work on the files of one folder, and see and change them only by calling tools. Paths are relative to that folder. "
    "Look before you change something. When the work is done, answer in plain text and call no tool."
)


def described(tools: Sequence[Tool]) -> str:
    """Tools in words, with the way to call them, for a model whose template has no place for tools."""
    lines = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    example = json.dumps({"name": "NAME", "arguments": {"ARGUMENT": "VALUE"}})
    return (
        f"These tools can be called, each described by a JSON Schema:\n{lines}\n"
        f"To call one, write exactly this and nothing behind it, with its name and arguments:\n{OPEN}\n{example}\n{CLOSE}"
    )


def together(parts: Iterable[str]) -> str:
    """One text of several, a blank line between; empty ones are left out."""
    return "\n\n".join(part for part in parts if part)
