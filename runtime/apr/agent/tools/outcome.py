"""What became of a tool call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Outcome:
    """What became of a tool call.

    Attributes:
        ok: whether the tool did what it was asked.
        content: what the model is told.
        files_read, files_written: paths from the working folder, links resolved, sorted.
        exit_code: of Bash's command; None for other tools, and where no command ran.
    """

    ok: bool
    content: str
    files_read: tuple[str, ...] = ()
    files_written: tuple[str, ...] = ()
    exit_code: int | None = None

    @classmethod
    def refused(cls, why: str) -> Self:
        """Nothing was done, and why."""
        return cls(ok=False, content=why)
