"""Edit: the path, and the file that it makes.

Compared: where the tree before the session is known and the edit succeeded, the sha256 of the file afterwards, which is computed
(`apr.meter.overlay`): other pieces with the same outcome are the same edit. Elsewhere, and for one that failed, `old_string`,
`new_string` and `replace_all` (absent is false). `post_state_sha256` in the input is never believed: one that is not what was
computed stays in the key, so that the call equals no honest one.

Upstream: the contract computes the state afterwards; the program compares `post_state_sha256` as it is claimed where both sides
claim one (no fixture does), else `old_string` and `new_string`, and does not see `replace_all`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.meter.equality.fields import FALSE, path_of, rest, value

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from apr.meter.paths import Place

_TRUE = ("true",)
_KNOWN = frozenset({"file_path", "path", "notebook_path", "old_string", "new_string", "replace_all"})
_CLAIM = "post_state_sha256"
_WITH_CLAIM = _KNOWN | {_CLAIM}


def call(given: Mapping[str, Any], place: Place, ok: bool | None) -> tuple[Hashable, ...]:
    """The parts of the key, the path first. What was edited is entered into the tree."""
    path = path_of(given, place)
    old, new, replace_all = value(given, "old_string"), value(given, "new_string"), value(given, "replace_all", FALSE)
    if ok is not False and place.files is not None and isinstance(path, str):
        if ok and isinstance(old, str) and isinstance(new, str) and replace_all in {FALSE, _TRUE}:
            state = place.files.edit(path, old, new, replace_all == _TRUE)
            if state is not None:
                honest = given.get(_CLAIM, state) == state
                return path, "afterwards", state, rest(given, _WITH_CLAIM if honest else _KNOWN)
        else:
            place.files.lose(path)
    return path, "replaced", old, new, replace_all, rest(given, _KNOWN)
