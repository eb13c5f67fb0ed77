"""What all formats do with a file as a whole: map it, hash it, let its pages go, put it in its place when it is complete."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from apr.errors import UnusableInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DONT_NEED = getattr(mmap, "MADV_DONTNEED", None)  # Windows has none; there the pages go when memory is short


def map_file(path: Path, kind: str, smallest: int = 1) -> mmap.mmap:
    """Maps a file into memory, read-only; nothing of it is read.

    Args:
        path: of the file.
        kind: what it should be, for the message: `GGUF`.
        smallest: how many bytes a file of this kind has at least; an empty file cannot be mapped.

    Raises:
        UnusableInput: there is no such file, it is a folder, pipe or device, it cannot be read, or it is too small.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before it is opened: opening a pipe waits for a writer
            raise UnusableInput("is not a regular file", where=str(path), hint=f"give a {kind} file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < smallest:
                raise UnusableInput(
                    f"is not a {kind} file: it holds only {size} bytes",
                    where=str(path),
                    hint="the file is cut off or was never written: get it again",
                )
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise UnusableInput(f"cannot be read: {error.strerror}", where=str(path)) from error


def release_pages(data: mmap.mmap, offset: int, nbytes: int) -> None:
    """Lets the pages that lie wholly within these bytes go from memory; they come back when they are read again."""
    start = -(-offset // mmap.PAGESIZE) * mmap.PAGESIZE  # a page that is shared with a neighbour stays
    end = (offset + nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if _DONT_NEED is not None and end > start:
        data.madvise(_DONT_NEED, start, end - start)


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes as 64 hex digits; kept within the process as long as the file's size and time stay."""
    about = path.stat()
    return _sha256(path.resolve(), about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256(path: Path, _device: int, _inode: int, _size: int, _mtime_ns: int) -> str:
    with path.open("rb") as file:  # read, not mapped: mapped pages would count as this process's memory
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place when the block ends well and vanishes when it does not.

    A link is followed: `/dev/stdout` is one, and stays one.

    Raises:
        UsageError: the file cannot be written, or there is a device, a pipe or the like, which a file would take the place of.
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not (place.is_file() or place.is_dir()):
        raise UsageError("is no regular file", where=str(path), hint="give a file's name")
    temporary = place.with_name(f".{place.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        yield temporary
        temporary.replace(place)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> UsageError:
    """The refusal for an output that the system does not let us write."""
    if isinstance(error, FileExistsError | NotADirectoryError) and error.filename:
        path = Path(error.filename)  # something in the way, and not what was to be written
    return UsageError(
        f"cannot be written: {error.strerror or error}", where=str(path), hint="choose another output folder"
    )
