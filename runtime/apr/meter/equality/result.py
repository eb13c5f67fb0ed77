r"""What came back from a tool: whether it succeeded, its exit code, and what it said.

Compared, as far as the setting asks: `content` is all of it, `ok` leaves out what was said, `none` all. In what was said the
working directory is taken out, a line may end in `\r\n`, and blanks (and tabs) at the end of a line do not count; nothing else is
smoothed. Not compared: `files_read` and `files_written`, which are claims; files are computed from the trees.

Upstream: results are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from apr.meter.paths import shown

if TYPE_CHECKING:
    from collections.abc import Hashable

    from apr.actions.trace import Record
    from apr.meter.paths import Place

Results: TypeAlias = Literal["content", "ok", "none"]
RESULTS: tuple[Results, ...] = ("content", "ok", "none")


def outcome(record: Record, place: Place, results: Results) -> tuple[Hashable, ...] | None:
    """The parts of the key that a result adds; None where results are left out."""
    if results == "none":
        return None
    effects = record.get("side_effects")
    code = effects.get("exit_code") if effects else None
    if results == "ok":
        return record["ok"], code
    return record["ok"], code, place.text(smooth(record["content"]))


def told(parts: tuple[Any, ...]) -> str:
    """What `outcome` gave, for people."""
    ok, code, *said = parts
    text = ("succeeded" if ok else "failed") + ("" if code is None else f", exit code {code}")
    return f"{text}: {shown(said[0])}" if said else text


def smooth(content: str) -> str:
    """What was said, without what says nothing at the ends of lines."""
    if "\r\n" in content or " \n" in content or "\t\n" in content or content.endswith((" ", "\t")):
        return "\n".join([line.rstrip(" \t") for line in content.replace("\r\n", "\n").split("\n")])
    return content
