"""The blanks of a shell command: which of them say nothing."""

from __future__ import annotations


def normalise(command: str) -> str:
    """The command."""
    return command
