"""Agent, also called Task: who is asked, what, and whether in a tree of its own.

Compared: `subagent_type`, `prompt` to the letter, `isolation`, and whatever else is given. Not compared: `description`, which is
for people. What kinds of agents there are is the project's business, so that any name goes.

Upstream: the kind and the sha256 of the prompt; `isolation` is not seen, and `Task` is another tool. The contract allows three
kinds, which nothing checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.meter.equality.fields import rest, value

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from apr.meter.paths import Place

_KNOWN = frozenset({"subagent_type", "prompt", "isolation", "description"})


def call(given: Mapping[str, Any], _place: Place, _ok: bool | None) -> tuple[Hashable, ...]:
    """The parts of the key."""
    return value(given, "subagent_type"), value(given, "prompt"), value(given, "isolation"), rest(given, _KNOWN)
