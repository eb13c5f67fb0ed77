r"""What came back from a tool: whether it succeeded, its exit code, and what it said.

Compared, as far as the setting asks: `content` is all of it, `ok` leaves out what was said, `none` all. In what was said the
working directory is taken out, a line may end in `\r\n`, and blanks (and tabs) at the end of a line and line ends at the end of all do not
count. A tool may have words of its own, which say nothing about what it did: each tool's row in `apr.meter.equality` says how its are
taken. Not compared: `files_read` and `files_written`, which are claims; files are computed from the trees.

Upstream: results are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from apr.meter.paths import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from apr.actions.trace import Record
    from apr.meter.paths import Place

Results: TypeAlias = Literal["content", "ok", "none"]
# what counts of what a tool said, given whether it succeeded; None where nothing does
Says: TypeAlias = "Callable[[str, bool], str | None]"
RESULTS: tuple[Results, ...] = ("content", "ok", "none")


def outcome(record: Record, place: Place, results: Results, says: Says) -> tuple[Hashable, ...] | None:
    """The parts of the key that a result adds; None where results are left out."""
    if results == "none":
        return None
    effects = record.get("side_effects")
    code = effects.get("exit_code") if effects else None
    if results == "ok":
        return record["ok"], code
    said = says(record["content"], record["ok"])
    return (record["ok"], code) if said is None else (record["ok"], code, place.text(said))


def told(parts: tuple[Any, ...]) -> str:
    """What `outcome` gave, for people."""
    ok, code, *said = parts
    text = ("succeeded" if ok else "failed") + ("" if code is None else f", exit code {code}")
    return f"{text}: {shown(said[0])}" if said else text


def smooth(content: str) -> str:
    """What was said, without what says nothing at the ends of lines and at the end."""
    if "\r\n" in content or " \n" in content or "\t\n" in content or content.endswith((" ", "\t")):
        content = "\n".join([line.rstrip(" \t") for line in content.replace("\r\n", "\n").split("\n")])
    return content.rstrip("\n")


def all_of_it(content: str, _ok: bool) -> str:
    """What a command printed, or a tool that nothing is known about."""
    return smooth(content)


def if_it_succeeded(content: str, ok: bool) -> str | None:
    """What a tool of the agent's own found; why it failed is said in the words of whoever wrote it."""
    return smooth(content) if ok else None


def nothing(_content: str, _ok: bool) -> None:
    """Nothing of what a tool says that changes files: it confirms in its own words, and the files say what it did."""
