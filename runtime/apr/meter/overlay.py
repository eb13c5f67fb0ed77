"""One working tree in the course of a trace: as it was before, and over it what Write and Edit made of it.

What a Bash command changes cannot be seen in a trace: an Edit behind one is applied to the file as the tools left it. Where that
cannot have been what the tool saw (the text to replace is not there, or there twice), what is in the file is not known any more.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apr.actions.tree import Tree

# bytes that edits may make of one file, and hold of all: each of a few dozen could double what the one before it made
_LONGEST = 16 << 20
_MOST = 256 << 20


class Overlay:
    """The files of one side.

    Paths are those of `apr.meter.paths.Place.path`: relative ones lie in the tree, absolute ones elsewhere.

    Attributes:
        written: path -> content of every file that a call changed; None where it is not known any more.
    """

    def __init__(self, before: Tree) -> None:
        self.before = before
        self.written: dict[str, bytes | None] = {}
        self._held = 0  # bytes in these
        # calls may go through these, to a file that has another name
        self._links = {path for path, leaf in before.items() if leaf.link is not None}

    def content(self, path: str) -> bytes | None:
        """What is in a file now; None where there is no such file or it is not known.

        Raises:
            UnusableInput: the file in the tree before cannot be read, or is another one by now.
        """
        if path in self.written:
            return self.written[path]
        return None if self._foreign(path) else self.before.content(path)

    def write(self, path: str, text: str) -> None:
        """A whole file is written; one behind a link, or outside the tree, is then not known."""
        self._put(path, None if self._foreign(path) else text.encode("utf-8", "surrogatepass"))

    def edit(self, path: str, old: str, new: str, replace_all: bool) -> str | None:
        """A piece of a file is replaced, by a tool that said that it did.

        An empty `old` makes a file that was not there.

        Returns:
            The sha256 of the file afterwards; None where the file before is not known, the edit cannot have been made in it, or
            it makes more of it than is held here: then nothing is known of this file from here on.

        Raises:
            UnusableInput: the file in the tree before cannot be read, or is another one by now.
        """
        after = None
        if not self._foreign(path):
            room = min(_LONGEST, _MOST - self._held + len(self.written.get(path) or b""))
            after = _edited(self.content(path), path in self.written, old, new, replace_all, room)
        self._put(path, after)
        return None if after is None else hashlib.sha256(after).hexdigest()

    def lose(self, path: str) -> None:
        """Something was done to a file of which nothing is known."""
        self._put(path, None)

    def _put(self, path: str, content: bytes | None) -> None:
        self._held += len(content or b"") - len(self.written.get(path) or b"")
        self.written[path] = content

    def _foreign(self, path: str) -> bool:
        if path.startswith(("/", "../")) or path in {"", ".", ".."}:
            return True
        if not self._links:
            return False
        parts = path.split("/")
        return any("/".join(parts[:depth]) in self._links for depth in range(1, len(parts) + 1))


def _edited(content: bytes | None, known: bool, old: str, new: str, replace_all: bool, room: int) -> bytes | None:
    was, becomes = (text.encode("utf-8", "surrogatepass") for text in (old, new))
    if not was:
        # a file of which nothing is known is not a file that is not there
        return becomes if content == b"" or (content is None and not known) else None
    count = 0 if content is None else content.count(was)
    if content is None or not count or (count > 1 and not replace_all):
        return None
    if len(content) + count * (len(becomes) - len(was)) > room:
        return None
    return content.replace(was, becomes)
