"""Where the lock of a project is, and of which kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.pins import flat, lock
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from pv.config import Config


def find(config: Config) -> Path | None:
    """The project's lock: `pv.lock`, or else a flat `pin.lock` at the root or beside the contracts; None if it has none."""
    places = [config.root / lock.NAME, config.root / flat.NAME, *(folder / flat.NAME for folder in config.contracts)]
    return next((place for place in places if place.exists() or place.is_symlink()), None)


def read(file: Path, config: Config) -> lock.Lock:
    """The lock in `file`, in the format that its name stands for.

    Raises:
        UsageProblem: it cannot be used.
    """
    return flat.read(file, config.root) if file.name == flat.NAME else lock.read(file)


def read_or_new(file: Path) -> lock.Lock:
    """The lock in `file`, to be written to; an empty one if there is none.

    Raises:
        UsageProblem: it cannot be used, or is one of those that are only read.
    """
    if file.name == flat.NAME:
        raise UsageProblem(f"{file}: a flat {flat.NAME} is read and never written; pins go into {lock.NAME}")
    return lock.read(file) if file.exists() else lock.Lock(file, file.parent, ())
