"""Opening what a user named: nothing is opened at which a reader would wait, or that has no end."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from apr.errors import UnusableInput

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 16 << 20  # of what people write by hand


def open_input(path: Path, hint: str = "name a file") -> BinaryIO:
    """Opens a file, or a pipe that something writes into (`<(…)` of a shell).

    Args:
        path: of the file.
        hint: what to do where it is something else.

    Raises:
        UnusableInput: there is none, it may not be read, or it is a folder, a device, or a pipe with a name of its own, at which a
            reader would wait.
    """
    try:
        mode = path.stat().st_mode
        anonymous = stat.S_ISFIFO(mode) and os.path.realpath(path).rpartition("/")[2].startswith("pipe:")
        if not stat.S_ISREG(mode) and not anonymous:
            what = "is a folder" if stat.S_ISDIR(mode) else "is no regular file"
            raise UnusableInput(what, where=str(path), hint=hint)
        return path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UnusableInput(f"cannot be read: {reason}", where=str(path)) from error


def read_small(path: Path) -> str:
    """The text of a file that somebody wrote by hand.

    Raises:
        UnusableInput: it cannot be opened, see `open_input`, is larger than such a file is, or is not UTF-8.
    """
    try:
        with open_input(path) as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UnusableInput(f"has more than {MOST_BYTES >> 20} MiB", where=str(path), hint="name another file")
        return data.decode()
    except OSError as error:
        raise UnusableInput(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise UnusableInput(f"is not UTF-8: {error.reason} at byte {error.start}", where=str(path)) from error
