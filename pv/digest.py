"""Hashes of the files that evidence rests on, computed once for each state of a file."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import stat
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
    return _file(path, state.st_ino, state.st_mtime_ns, state.st_ctime_ns, state.st_size)


def _folder(top: Path) -> str:
    total = hashlib.sha256()
    for name, folders, files in os.walk(top, onerror=_refuse):
        here = Path(name)
        folders[:] = sorted(folder for folder in folders if folder != "__pycache__")
        for entry in sorted([*files, *(folder for folder in folders if (here / folder).is_symlink())]):
            if not entry.endswith(".pyc"):
                path = here / entry
                line = f"{path.relative_to(top).as_posix()}\0{_content(path)}\n"
                total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _content(path: Path) -> str:
    if path.is_file():
        return sha256(path)
    return f"-> {path.readlink()}" if path.is_symlink() else "no file"


def _refuse(problem: OSError) -> None:
    raise problem


@functools.lru_cache(maxsize=8192)
def _file(path: Path, _inode: int, _modified: int, _changed: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
