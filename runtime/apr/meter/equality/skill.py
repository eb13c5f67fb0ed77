"""A skill that was used: which, on whose wish, and whether its instructions were put into the conversation.

Compared: `name`, `source`, and `instructions_injected`, absent is false. Not compared: the turn.

Upstream: the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from apr.actions.trace import Record
    from apr.meter.paths import Place


def call(record: Record, _place: Place) -> tuple[Hashable, ...]:
    """The parts of the key, the name first."""
    return record["name"], record["source"], record.get("instructions_injected", False)
