"""Glob: the pattern, and where it is looked for.

Compared: `pattern` to the letter; the path, absent is the working directory.

Upstream: contract and program look at the pattern alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.meter.equality.fields import path_of, rest, value

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from apr.meter.paths import Place

_KNOWN = frozenset({"file_path", "path", "notebook_path", "pattern"})


def call(given: Mapping[str, Any], place: Place, _ok: bool | None) -> tuple[Hashable, ...]:
    """The parts of the key, the path first."""
    return path_of(given, place, "."), value(given, "pattern"), rest(given, _KNOWN)
