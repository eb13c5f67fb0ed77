"""Read: the path and the lines.

Compared: the path, by any of its names; `offset`, absent is 0; `limit`, absent is null. The first line is 1 to some tools and 0 to
others, so that offset 1 is not taken for 0.

Of what it found, numbers in front of lines may be set off by a tab or by an arrow, and be aligned or not.

Upstream: the contract says the same; to the program 0 is not absent, whatever is no whole number is absent (so that "5" is "9"),
and it looks for `path` alone, which Claude Code calls `file_path`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from apr.meter.equality.fields import NULL, ZERO, path_of, rest, value
from apr.meter.equality.result import if_it_succeeded

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from apr.meter.paths import Place

_KNOWN = frozenset({"file_path", "path", "notebook_path", "offset", "limit"})
_NUMBERED = re.compile("^ *([0-9]+)[\t→]", re.MULTILINE)


def call(given: Mapping[str, Any], place: Place, _ok: bool | None) -> tuple[Hashable, ...]:
    """The parts of the key, the path first."""
    return (
        path_of(given, place),
        value(given, "offset", ZERO),
        value(given, "limit", NULL),
        rest(given, _KNOWN),
    )


def said(content: str, ok: bool) -> str | None:
    """What was read, its lines numbered in one way."""
    return if_it_succeeded(_NUMBERED.sub("\\1\t", content), ok)
