"""NotebookRead and NotebookEdit: the path, and whatever else is given.

They have no rule upstream; they are here because their path means a file, like that of Read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.meter.equality.fields import path_of, rest

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from apr.meter.paths import Place

_KNOWN = frozenset({"file_path", "path", "notebook_path"})


def call(given: Mapping[str, Any], place: Place, _ok: bool | None) -> tuple[Hashable, ...]:
    """The parts of the key, the path first."""
    return path_of(given, place), rest(given, _KNOWN)
