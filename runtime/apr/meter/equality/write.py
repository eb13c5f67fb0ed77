"""Write: the path and the content, to the byte.

The text itself is compared, which is what comparing its sha256 comes to: line ends, a last newline and the Unicode form count. A
content that is missing is not an empty one.

Upstream: the same, but that the program takes a missing content for an empty one and knows `path` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.meter.equality.fields import path_of, rest, value

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from apr.meter.paths import Place

_KNOWN = frozenset({"file_path", "path", "notebook_path", "content"})


def call(given: Mapping[str, Any], place: Place, ok: bool | None) -> tuple[Hashable, ...]:
    """The parts of the key, the path first. What was written is entered into the tree."""
    path, content = path_of(given, place), value(given, "content")
    if ok is not False and place.files is not None and isinstance(path, str):
        if ok and isinstance(content, str):
            place.files.write(path, content)
        else:
            place.files.lose(path)  # no result: it may have been written, or half of it
    return path, content, rest(given, _KNOWN)
