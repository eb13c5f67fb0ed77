"""One side of a comparison: a trace, where it worked, and the trees before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apr.actions.reading import stream
from apr.meter.report import Producer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path, PurePosixPath

    from apr.actions.trace import Entry
    from apr.actions.tree import Tree


@dataclass(frozen=True)
class Side:
    """A trace and what is known about it.

    Attributes:
        entries: all records; valid by the strict rules, so the first is `session_start` and the last `session_end`.
        cwd: the folder that it worked in; None where nobody says.
        before: the tree that it started from; None where it is not known.
        after: the tree that it left, seen for real; None where it can only be computed.
        source: `authored`, `run`, or None where nobody says.
    """

    entries: Sequence[Entry]
    cwd: PurePosixPath | None = None
    before: Tree | None = None
    after: Tree | None = None
    source: str | None = None

    @property
    def producer(self) -> Producer:
        """Who made it."""
        first = self.entries[0].record
        return Producer(first["actor"], first["model"], first["session_id"], self.source)

    @property
    def prompts(self) -> list[str]:
        """What the user said, in order."""
        return [record["text"] for _, record in self.entries if record["kind"] == "user_prompt"]

    @property
    def cwd_sha256(self) -> str:
        """What it says about the tree that it started from."""
        return str(self.entries[0].record["cwd_sha256"])


def load_side(
    path: Path,
    *,
    cwd: PurePosixPath | None = None,
    before: Tree | None = None,
    after: Tree | None = None,
    source: str | None = None,
) -> Side:
    """Reads a trace strictly.

    Args:
        path: of the trace.
        cwd: see `Side`, like all that follow.
        before: the tree that it started from.
        after: the tree that it left.
        source: `authored` or `run`.

    Raises:
        InvalidTrace: it breaks a rule; the first that was seen.
        UnusableInput: it cannot be read.
    """
    return Side(tuple(stream(path)), cwd, before, after, source)
