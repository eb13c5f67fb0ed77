"""Reports as files: each appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pv.report.console import escape
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def write(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to a file that takes the place of the one of that name; a link is followed, its mode is kept.

    Raises:
        UsageProblem: the file cannot be written; what stood there stands there still.
    """
    with writing(path) as put:
        put(text)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Callable[[str], None]]:
    """Write a file bit by bit; it takes the place of the one of that name when all of it is there, and never before.

    Raises:
        UsageProblem: the file cannot be written; what stood there stands there still.
    """
    # what is no regular file (/dev/stdout, a pipe of the shell) is written to, not replaced
    try:
        mode = path.stat().st_mode
    except OSError:
        mode = None
    problem = UsageProblem(f"{escape(str(path))}: cannot be written")
    regular = mode is None or stat.S_ISREG(mode)
    final = Path(os.path.realpath(path)) if regular else path
    place = final.with_name(f".{final.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp") if regular else path
    with contextlib.ExitStack() as stack:
        if regular:
            stack.callback(_remove, place)
        with _told(problem):
            file = stack.enter_context(place.open("xb" if regular else "wb"))

        def put(text: str) -> None:
            with _told(problem):
                file.write(text.encode("utf-8", "backslashreplace"))

        yield put
        with _told(problem):
            file.close()
            if regular:
                if mode is not None:
                    place.chmod(stat.S_IMODE(mode))
                place.replace(final)


@contextlib.contextmanager
def _told(problem: UsageProblem) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageProblem(f"{problem}: {error.strerror or error}") from None


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # it has taken its place, or never was
        path.unlink()
