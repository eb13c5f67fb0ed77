"""Regular expressions that are compiled when they are first used.

Compiling one takes longer than searching a contract with it, and a run uses a third of those that the rules name.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Pattern:
    """Stands for a pattern; what has been asked of it once is asked of the compiled pattern without a detour."""

    def __init__(self, text: str, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def lazy(text: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern as `re.compile` makes it, but not before it is used; a fault in `text` is found then."""
    return cast("re.Pattern[str]", _Pattern(text, flags))
