"""The command line `ccpa`: action traces, and how far a student's agrees with a teacher's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.program import Program

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "validate": "check action traces, line by line and as a whole",
    "diff": "hold a student's trace against its teacher's",
    "corpus": "hold every pair of a folder against each other",
    "coverage": "find out which capabilities a folder of pairs can tell the loss of",
    "replay": "let the tools do again, without a network, what a trace says was done",
    "measure": "run a student on its teacher's prompt, and compare the trace that it emits",
}
CCPA = Program(
    "ccpa", "Validate action traces, and measure how far a student's agrees with its teacher's.", COMMANDS, "apr.ccpa"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command of `ccpa`.

    Args:
        argv: the arguments without the program's name; None takes them from the process.

    Returns:
        The exit code, see `apr.program`.
    """
    return CCPA.main(argv)
