"""Paths and texts as seen from a working directory, so that two sides that worked in different folders can be compared.

Paths are taken by their letters: `x/../a` is `a` although `x` may be a link that leads elsewhere. Case and Unicode form count,
`~` is a letter like others (tools do not expand it), an empty path is no path. A slash at the end says nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import PurePosixPath

    from apr.meter.overlay import Overlay

# a text as it is, or the pieces between the places where it names the working directory: never equal to a text that has the
# placeholder in it by itself
Text: TypeAlias = str | tuple[str, ...]

# such paths are what normalising makes of them; anything else takes the longer way
_PLAIN = re.compile(r"(?!\.)[^/\0]+(?:/(?!\.)[^/\0]+)*\Z").match


class Place:
    """Where one side worked.

    Args:
        cwd: its working directory, absolute; None where it is not known: absolute paths then stay absolute.
        files: its tree, as far as it is known; see `apr.meter.overlay`.

    Raises:
        ValueError: the working directory is relative.
    """

    def __init__(self, cwd: PurePosixPath | None, files: Overlay | None = None) -> None:
        if cwd is not None and not cwd.is_absolute():
            raise ValueError(f"the working directory {cwd} is not absolute")
        self.files = files
        self._cwd = None if cwd is None else _normal(str(cwd))
        self._seen: dict[str, str] = {}
        # names of folders end where a name cannot go on; a full stop may end a sentence
        self._mention = (
            None
            if self._cwd in {None, "/"}
            else re.compile(rf"(?<![\w.+@%~/-]){re.escape(str(self._cwd))}(?![\w+@%~-]|\.[\w.])")
        )

    def path(self, text: str) -> str:
        """A path, relative to the working directory where it lies in it, absolute elsewhere."""
        if _PLAIN(text):
            return text
        found = self._seen.get(text)
        if found is None:
            found = self._seen[text] = self._relative(text)
        return found

    def _relative(self, text: str) -> str:
        if not text:
            return text
        if self._cwd is None:
            return _normal(text)
        whole = _normal(text if text.startswith("/") else f"{self._cwd}/{text}")
        if whole == self._cwd:
            return "."
        inside = self._cwd.rstrip("/") + "/"
        return whole.removeprefix(inside) if whole.startswith(inside) else whole

    def text(self, text: str) -> Text:
        """A text without the working directory: the pieces around it, or the text where it is not named."""
        if self._mention is None or self._cwd is None or self._cwd not in text:
            return text
        pieces = self._mention.split(text)
        return tuple(pieces) if len(pieces) > 1 else text


def shown(text: Text) -> str:
    """A text as people see it, with `${CWD}` for the working directory."""
    return text if isinstance(text, str) else "${CWD}".join(text)


def _normal(path: str) -> str:
    """A path without `.`, `..`, empty parts and a slash at the end; `.` where nothing is left."""
    root = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in {"", "."}:
            continue
        if part != ".." or not (parts or root) or (parts and parts[-1] == ".."):
            parts.append(part)
        elif parts:
            parts.pop()
    return "/" * root + "/".join(parts) or "."
