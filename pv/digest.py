"""Hashes of the files that evidence rests on, computed once for each state of a file."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sha256(path: Path) -> str:
    """The sha256 of a file; of a folder, the sha256 over the names and hashes of the Python files below it.

    Raises:
        OSError: the file is missing or cannot be read.
    """
    if not path.is_dir():
        state = path.stat()
        return _file(path, state.st_mtime_ns, state.st_size)
    total = hashlib.sha256()
    for file in sorted(path.rglob("*.py")):
        total.update(f"{file.relative_to(path).as_posix()}\0{sha256(file)}\n".encode())
    return total.hexdigest()


@functools.lru_cache(maxsize=4096)
def _file(path: Path, _modified: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
