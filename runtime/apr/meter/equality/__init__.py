"""When two actions are the same: one module a tool, and this table of them.

A rule gives what is compared of a call as a tuple that can be hashed: two calls are the same if theirs are equal. Who adds a tool
writes one module with a `call` and enters it here under the names that traces have for it. Names are told apart by case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from apr.meter.equality import agent, bash, edit, glob, grep, notebook, other, read, write

if TYPE_CHECKING:
    from apr.meter.equality.fields import Rule


class Tool(NamedTuple):
    """What the meter knows about a tool.

    Attributes:
        name: by which it is compared and reported; another name of the same tool is that tool.
        call: the rule.
    """

    name: str
    call: Rule


TOOLS: dict[str, Tool] = {
    "Bash": Tool("Bash", bash.call),
    "Read": Tool("Read", read.call),
    "Write": Tool("Write", write.call),
    "Edit": Tool("Edit", edit.call),
    "Glob": Tool("Glob", glob.call),
    "Grep": Tool("Grep", grep.call),
    "Agent": Tool("Agent", agent.call),
    "Task": Tool("Agent", agent.call),
    "NotebookRead": Tool("NotebookRead", notebook.call),
    "NotebookEdit": Tool("NotebookEdit", notebook.call),
}


def tool_named(name: str) -> Tool:
    """The tool that a trace calls by this name; one that nothing is known about, where the table has none."""
    return TOOLS.get(name) or Tool(name, other.call)
