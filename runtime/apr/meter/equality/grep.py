"""Grep: everything that decides what is found and shown.

Compared: `pattern` to the letter, since a blank in a pattern is looked for; the path, absent is the working directory; `regex`,
`-i` and `multiline`, absent is false; `output_mode`, absent is files_with_matches; and `glob`, `type`, `-n`, `-A`, `-B`, `-C`,
`head_limit` and whatever else is given, as given, since what their absence means is the tool's business.

Upstream: the pattern without the blanks around it, the path, and `regex`; context, `glob` and `-i` are not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.meter.equality.fields import FALSE, path_of, rest, value

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from apr.meter.paths import Place

_KNOWN = frozenset({"file_path", "path", "notebook_path", "pattern", "regex", "-i", "multiline", "output_mode"})


def call(given: Mapping[str, Any], place: Place, _ok: bool | None) -> tuple[Hashable, ...]:
    """The parts of the key, the path first."""
    return (
        path_of(given, place, "."),
        value(given, "pattern"),
        value(given, "regex", FALSE),
        value(given, "-i", FALSE),
        value(given, "multiline", FALSE),
        value(given, "output_mode", "files_with_matches"),
        rest(given, _KNOWN),
    )
