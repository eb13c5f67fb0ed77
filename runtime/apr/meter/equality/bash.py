"""Bash: the command, its time limit, and whether it runs in the background.

Compared: `command` with the blanks between its words made one and a last `;` dropped (`apr.meter.shell`), and the working
directory, where it is named, taken out; `timeout` as given; `run_in_background`, absent is false. Not compared: `description`,
which is for people.

Upstream: contract and program squeeze every run of white space, also in quotes and across lines, and drop all `;` at the end; the
program looks at nothing but the command.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from apr.meter.equality.fields import FALSE, rest, value
from apr.meter.shell import normalise

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from apr.meter.paths import Place

_KNOWN = frozenset({"command", "timeout", "run_in_background", "description"})
_normalised = lru_cache(4096)(normalise)


def call(given: Mapping[str, Any], place: Place, _ok: bool | None) -> tuple[Hashable, ...]:
    """The parts of the key."""
    command = value(given, "command")
    return (
        place.text(_normalised(command)) if isinstance(command, str) else command,
        value(given, "timeout"),
        value(given, "run_in_background", FALSE),
        rest(given, _KNOWN),
    )
