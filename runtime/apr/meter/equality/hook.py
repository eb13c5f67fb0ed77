"""A hook that fired: for what, what it decided, and what it said.

Compared: `event`, `matcher` (absent is not empty), `decision`, `exit_code`, and `output` to the letter with the working directory
taken out; absent is empty. Not compared: the turn, which the order of the actions stands for.

Upstream: the same, but that white space in the output is squeezed as in a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from apr.actions.trace import Record
    from apr.meter.paths import Place


def call(record: Record, place: Place) -> tuple[Hashable, ...]:
    """The parts of the key, the event first."""
    output = record.get("output", "")
    return (
        record["event"],
        record.get("matcher"),
        record["decision"],
        record["exit_code"],
        place.text(output),
    )
