"""Hashes of the files that evidence rests on, computed once for each state of a file."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def sha256(path: Path) -> str:
    """The sha256 of a regular file; of a folder, the sha256 over the names and hashes of all files below it.

    What Python derives from sources (`__pycache__`, `*.pyc`) does not count. A link to a folder counts by where it points.

    Raises:
        OSError: the file is missing, cannot be read, or is neither a regular file nor a folder.
    """
    try:
        state = path.stat()
    except ValueError as problem:  # a NUL or half a surrogate pair in the name
        raise OSError(errno.EINVAL, str(problem)) from None
    if stat.S_ISDIR(state.st_mode):
        return _folder(path)
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "neither a regular file nor a folder")
    return _file(os.fspath(path), state.st_ino, state.st_mtime_ns, state.st_ctime_ns, state.st_size)


def _folder(top: Path) -> str:
    total = hashlib.sha256()
    for line in _lines(os.fspath(top), ""):
        total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _lines(folder: str, shown: str) -> Iterator[str]:
    """Name and hash of each file, a folder's own before those below it, both in the order of their names.

    Every claim asks for some folders when it ends, so this goes without `Path`, which costs several times what looking does.
    """
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    below = []
    for entry in entries:
        if _is_folder(entry):
            if entry.name == "__pycache__":
                continue
            if not entry.is_symlink():
                below.append(entry)
                continue
        if not entry.name.endswith(".pyc"):
            yield f"{shown}{entry.name}\0{_content(entry)}\n"
    for entry in below:
        yield from _lines(entry.path, f"{shown}{entry.name}/")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # whoever reads it says what is wrong with it
        return False


def _content(entry: os.DirEntry[str]) -> str:
    try:
        state = entry.stat()
    except OSError as problem:  # a link to nowhere, or round in a circle
        if problem.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        state = None
    if state is not None and stat.S_ISREG(state.st_mode):
        return _file(entry.path, state.st_ino, state.st_mtime_ns, state.st_ctime_ns, state.st_size)
    return f"-> {os.readlink(entry.path)}" if entry.is_symlink() else "no file"  # noqa: PTH115  see above


@functools.lru_cache(maxsize=8192)
def _file(path: str, _inode: int, _modified: int, _changed: int, _size: int) -> str:
    with open(path, "rb") as file:  # noqa: PTH123  see above
        return hashlib.file_digest(file, "sha256").hexdigest()
