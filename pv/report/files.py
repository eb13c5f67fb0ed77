"""Reports as files: each appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from pv.report.console import escape
from pv.types import UsageProblem


def write(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to a file that takes the place of the one of that name; a link is followed, its mode is kept.

    Raises:
        UsageProblem: the file cannot be written; what stood there stands there still.
    """
    # what is no regular file (/dev/stdout, a pipe of the shell) is written to, not replaced
    try:
        mode = path.stat().st_mode
    except OSError:
        mode = None
    try:
        if mode is not None and not stat.S_ISREG(mode):
            path.write_text(text, "utf-8", newline="")
            return
        _replace(Path(os.path.realpath(path)), text.encode(), mode)
    except OSError as problem:
        raise UsageProblem(f"{escape(str(path))}: cannot be written: {problem.strerror or problem}") from None


def _replace(path: Path, content: bytes, mode: int | None) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):  # it has taken its place
            temporary.unlink()
