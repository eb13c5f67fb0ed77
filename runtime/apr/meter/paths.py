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
        self._inside = "/" if self._cwd in {None, "/"} else f"{self._cwd}/"
        # every absolute path names the root
        self._mention = None if self._cwd in {None, "/"} else _mention(str(self._cwd))
        self._seen: dict[str, str] = {}

    def path(self, text: str) -> str:
        """A path, relative to the working directory where it lies in it, absolute elsewhere."""
        if _plain(text):
            return text
        if self._cwd is not None and text.startswith(self._inside) and _plain(inside := text[len(self._inside) :]):
            return inside
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
        return whole.removeprefix(self._inside)

    def text(self, text: str) -> Text:
        """A text without the working directory: the pieces around it, or the text where it is not named.

        It is named where no name goes on into it or out of it; a full stop behind it may end a sentence.
        """
        if self._mention is None or self._cwd is None or self._cwd not in text:
            return text
        pieces = self._mention.split(text)
        return tuple(pieces) if len(pieces) > 1 else text


def shown(text: Text) -> str:
    """A text as people see it, with `${CWD}` for the working directory."""
    return text if isinstance(text, str) else "${CWD}".join(text)


def _plain(path: str) -> bool:
    """Whether normalising leaves a relative path as it is; some for which it would are taken the longer way."""
    return bool(path) and "//" not in path and "/." not in path and not path.startswith(("/", ".")) and path[-1] != "/"


def _mention(path: str) -> re.Pattern[str]:
    """Finds a folder's name where it is not part of a longer one. The look back stands behind the name, for speed."""
    name = re.escape(path)
    return re.compile(rf"{name}(?<![\w.+@%~/-]{name})(?![\w+@%~-]|\.[\w.])")


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
