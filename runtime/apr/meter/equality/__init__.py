"""When two actions are the same: one module a tool, and this table of them.

A rule gives what is compared of a call as a tuple that can be hashed: two calls are the same if theirs are equal. Who adds a tool
writes one module with a `call` and enters it here, with what counts of its result, under the names that traces have for it. Names are told apart by case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from apr.meter.equality import agent, bash, edit, glob, grep, notebook, other, read, write
from apr.meter.equality.result import all_of_it, if_it_succeeded, nothing

if TYPE_CHECKING:
    from apr.meter.equality.fields import Rule
    from apr.meter.equality.result import Says


class Tool(NamedTuple):
    """What the meter knows about a tool.

    Attributes:
        name: by which it is compared and reported; another name of the same tool is that tool.
        call: the rule.
        says: what counts of what its result says.
    """

    name: str
    call: Rule
    says: Says = all_of_it


TOOLS: dict[str, Tool] = {
    "Bash": Tool("Bash", bash.call),
    "Read": Tool("Read", read.call, read.said),
    "Write": Tool("Write", write.call, nothing),
    "Edit": Tool("Edit", edit.call, nothing),
    "Glob": Tool("Glob", glob.call, if_it_succeeded),
    "Grep": Tool("Grep", grep.call, if_it_succeeded),
    "Agent": Tool("Agent", agent.call),
    "Task": Tool("Agent", agent.call),
    "NotebookRead": Tool("NotebookRead", notebook.call, if_it_succeeded),
    "NotebookEdit": Tool("NotebookEdit", notebook.call, nothing),
}


def tool_named(name: str) -> Tool:
    """The tool that a trace calls by this name; one that nothing is known about, where the table has none."""
    return TOOLS.get(name) or Tool(name, other.call)
