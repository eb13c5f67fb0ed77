"""The first digest of each file and folder in this process.

Code is imported once and its file can be edited afterwards: what ran is what the file held when it was first looked at,
so evidence carries that digest, and a file that differs from it later makes a run inconclusive.
"""

from __future__ import annotations

from pathlib import Path

from pv.digest import sha256

_first: dict[Path, str] = {}


def watch(*paths: str | Path) -> None:
    """Remember what these files and folders hold now; call it before importing code that verdicts rest on.

    Raises:
        OSError: one of them is missing or cannot be read.
    """
    for path in paths:
        first(Path(path))


def first(path: Path) -> str:
    """The digest that `path` had when this process first asked for it.

    Raises:
        OSError: it was not asked for before, and is missing or cannot be read.
    """
    absolute = path.resolve()
    if absolute not in _first:
        _first[absolute] = sha256(absolute)
    return _first[absolute]


def changed(path: Path) -> bool:
    """Whether `path` no longer holds what it did when this process first asked for it."""
    try:
        return sha256(path.resolve()) != first(path)
    except OSError:
        return True


def seen() -> dict[Path, str]:
    """Every path that was looked at so far, and the digest that it had."""
    return dict(_first)
