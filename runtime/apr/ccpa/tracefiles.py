"""Which trace files are meant by what was typed."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from apr.actions.lines import open_trace
from apr.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from typing import BinaryIO

SUFFIX = ".ccpa-trace.jsonl"
STDIN = "-"


def traces(files: Sequence[str]) -> tuple[list[str], list[UnusableInput]]:
    """The traces that are meant, and what is wrong with folders that hold none or cannot be searched."""
    names: list[str] = []
    missing: list[UnusableInput] = []
    for file in files:
        if file == STDIN or not os.path.isdir(file):  # noqa: PTH112 - a name with a NUL is told about when it is opened
            names.append(file)
            continue
        closed: list[OSError] = []
        below = sorted(
            os.path.join(folder, name)  # noqa: PTH118 - as it was typed
            for folder, _, inside in os.walk(file, onerror=closed.append)
            for name in inside
            if name.endswith(SUFFIX)
        )
        names += below
        missing += [UnusableInput(f"cannot be searched: {one.strerror}", where=str(one.filename)) for one in closed]
        if not below and not closed:
            missing.append(UnusableInput(f"holds no *{SUFFIX}", where=file, hint="name the file itself"))
    return names, missing


def size(names: Sequence[str]) -> int | None:
    """Bytes of all files; None where that is not known before."""
    total = 0
    for name in names:
        if not Path(name).is_file():
            return None
        total += Path(name).stat().st_size
    return total


def opened(name: str) -> AbstractContextManager[BinaryIO]:
    """A trace, or standard input, which stays open.

    Raises:
        UnusableInput: it cannot be read.
    """
    if name != STDIN:
        return open_trace(Path(name), "name a trace; `-` reads standard input")
    if sys.stdin is None:
        raise UnusableInput("is closed", where="standard input")
    return nullcontext(sys.stdin.buffer)
