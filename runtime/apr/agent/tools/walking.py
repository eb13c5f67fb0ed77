"""Every file below a folder, reached by descriptors, in the order of names; links are never followed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from apr.actions.naming import PART_SUFFIX
from apr.agent.confinement import open_folder, readable
from apr.agent.limits import TREE_DEPTH, TREE_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Iterator


class Found(NamedTuple):
    """A regular file.

    Attributes:
        folder: descriptor of its folder; closed when the next file is asked for.
        name: in it.
        path: from the folder where the walk began.
    """

    folder: int
    name: str
    path: str


@dataclass
class Walk:
    """A walk over the files below an open folder. `.git` is passed over, and a trace that is being written.

    Attributes:
        top: descriptor of the folder; it stays open.
        notes: after the walk, what it had to leave out.
    """

    top: int
    notes: list[str] = field(default_factory=list)

    def files(self) -> Iterator[Found]:
        """Every regular file; a folder's files come before its folders, each in the order of names."""
        seen = 0
        # folders still to be listed: descriptor of the one they are in, name, path
        passed: list[tuple[int, str, list[str]]] = []
        folder, prefix = os.dup(self.top), ""
        try:
            while True:
                names, folders = self._listed(folder, prefix)
                seen += len(names) + len(folders)
                for name in names:
                    yield Found(folder, name, prefix + readable(name))
                if seen > TREE_ENTRIES:
                    self.notes.append(f"only the first {TREE_ENTRIES:,} entries were looked at")
                    return
                passed.append((folder, prefix, folders))
                folder = -1
                while folder < 0:
                    if not passed:
                        return
                    parent, prefix, folders = passed[-1]
                    if not folders:
                        os.close(passed.pop()[0])
                        continue
                    name = folders.pop(0)
                    if len(passed) >= TREE_DEPTH:
                        self.notes.append(f"{prefix}{readable(name)} is too deep to be looked at")
                        continue
                    folder = self._entered(parent, name, prefix)
                    prefix = f"{prefix}{readable(name)}/"
        finally:
            for left, _, _ in passed:
                os.close(left)
            if folder >= 0 and all(folder != left for left, _, _ in passed):
                os.close(folder)

    def _entered(self, parent: int, name: str, prefix: str) -> int:
        """Descriptor of a folder; -1 where it may not be read, or is none any more."""
        try:
            return open_folder(parent, name)
        except OSError as error:
            self.notes.append(f"{prefix}{readable(name)} cannot be looked at: {error.strerror}")
            return -1

    def _listed(self, folder: int, prefix: str) -> tuple[list[str], list[str]]:
        names, folders = [], []
        try:
            for name in sorted(os.listdir(folder)):
                kind = stat.S_IFMT(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
                if kind == stat.S_IFREG and not name.endswith(PART_SUFFIX):
                    names.append(name)
                elif kind == stat.S_IFDIR and name != ".git":
                    folders.append(name)
        except OSError as error:  # something vanished, or the folder may be read and not searched
            self.notes.append(f"{prefix or '.'} could not be listed whole: {error.strerror}")
        return names, folders
