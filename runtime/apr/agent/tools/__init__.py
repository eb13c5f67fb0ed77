"""The tools a model may call, with the names and arguments of Claude Code: what they are called, and what became of a call.

A tool is a module here with `DESCRIPTION`, `PARAMETERS` (a JSON Schema of an object, of the few words that `_problem` knows) and
`run(arguments, room) -> Outcome`. It raises `Refused` with a sentence for the model; nothing that a model can write raises anything
else. Paths in what a tool says are relative to the working folder, so that two runs in two folders say the same.
"""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

from apr.agent.confinement import Confinement, Refused
from apr.agent.tools.outcome import Outcome
from apr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["NAMES", "Outcome", "Toolbox"]

# in the order in which a model is told of them
NAMES = ("Read", "Write", "Edit", "Glob", "Grep", "Bash")
_TYPES: dict[str, tuple[str, Any]] = {
    "string": ("a text", str),
    "integer": ("a whole number", int),
    "boolean": ("true or false", bool),
}


class _Tool(Protocol):
    DESCRIPTION: str
    PARAMETERS: dict[str, Any]

    def run(self, arguments: Mapping[str, Any], room: Confinement) -> Outcome: ...


class Toolbox:
    """Tools, and the folder that they work in.

    Args:
        root: the folder.
        names: of the tools, from `NAMES`, each once.
        allow_bash: whether Bash, which no path confines, may be called. Without it Bash is not described, and refuses.

    Raises:
        UsageError: an unknown name, or no such folder.
    """

    def __init__(self, root: Path, names: Sequence[str], allow_bash: bool) -> None:
        for name in names:
            if name not in NAMES:
                near = difflib.get_close_matches(name, NAMES, 1)
                guess = f"did you mean {near[0]}? " if near else ""
                raise UsageError(f"unknown tool {name!r}", hint=f"{guess}tools: {', '.join(NAMES)}")
        self.room = Confinement(root)
        self._forbidden = frozenset() if allow_bash else frozenset({"Bash"}) & set(names)
        self._tools = {
            name: cast("_Tool", importlib.import_module(f"apr.agent.tools.{name.lower()}"))
            for name in NAMES
            if name in names and name not in self._forbidden
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Of the tools that can be called, in the order of `NAMES`."""
        return tuple(self._tools)

    def schemas(self) -> list[dict[str, Any]]:
        """What a chat template is given as `tools`: one function description a tool, plain data."""
        return [
            {
                "type": "function",
                "function": {"name": name, "description": tool.DESCRIPTION, "parameters": tool.PARAMETERS},
            }
            for name, tool in self._tools.items()
        ]

    def call(self, name: str, given: object) -> Outcome:
        """Runs a tool.

        Args:
            name: as the model wrote it.
            given: the arguments as the model wrote them, plain data.

        Returns:
            What became of it. A call that makes no sense is an outcome that is not ok and says why.
        """
        if name in self._forbidden:
            return Outcome.refused("Bash is not allowed in this session.")
        tool = self._tools.get(name)
        if tool is None:
            return Outcome.refused(_unknown(name, self.names))
        problem = _problem(name, given, tool.PARAMETERS)
        if problem is not None:
            return Outcome.refused(problem)
        try:
            return tool.run(cast("Mapping[str, Any]", given), self.room)
        except Refused as refusal:
            return Outcome.refused(_sentence(str(refusal)))

    def close(self) -> None:
        """Lets go of the folder."""
        self.room.close()


def _unknown(name: str, names: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name[:100], names, 1, 0.5)
    guess = f" Did you mean {near[0]}?" if near else ""
    known = f"The tools are {', '.join(names)}." if names else "There are no tools in this session."
    return f"There is no tool {name[:100]!r}.{guess} {known}"


def _problem(name: str, given: object, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with arguments; None if nothing is."""
    properties: dict[str, dict[str, Any]] = schema["properties"]
    required: list[str] = schema["required"]
    form = f"{name} takes " + ", ".join(f"{key}{'' if key in required else ' (optional)'}" for key in properties) + "."
    if not isinstance(given, dict):
        return f"{name} needs an object with its arguments. {form}"
    for key in required:
        if key not in given:
            return f"{name} needs {key}. {form}"
    for key, value in given.items():
        if key not in properties:
            return f"{name} has no argument {str(key)[:100]!r}. {form}"
        problem = _value_problem(value, properties[key])
        if problem is not None:
            return f"{key} of {name} must be {problem}."
    return None


def _value_problem(value: object, schema: Mapping[str, Any]) -> str | None:
    said, kind = _TYPES[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        return said
    if "enum" in schema and value not in schema["enum"]:
        return "one of " + ", ".join(schema["enum"])
    if isinstance(value, int) and value < schema.get("minimum", value):
        return f"{schema['minimum']} or more"
    if isinstance(value, int) and value > schema.get("maximum", value):
        return f"{schema['maximum']} or less"
    if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        return "text without lone surrogates"
    return None


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
