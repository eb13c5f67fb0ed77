"""Where the lock of a project is, and of which kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from pv.config import Config
    from pv.pins.lock import Lock

LOCK = "pv.lock"
FLAT = "pin.lock"  # read, and never written


def find(config: Config) -> Path | None:
    """The project's lock: `pv.lock`, or else a flat `pin.lock` at the root or beside the contracts; None if it has none."""
    places = [config.root / LOCK, config.root / FLAT, *(folder / FLAT for folder in config.contracts)]
    return next((place for place in places if place.exists() or place.is_symlink()), None)


def read(file: Path, config: Config) -> Lock:
    """The lock in `file`, in the format that its name stands for.

    Raises:
        UsageProblem: it cannot be used.
    """
    if file.name == FLAT:
        from pv.pins import flat  # noqa: PLC0415  one of the two is enough

        return flat.read(file, config.root)
    from pv.pins import lock  # noqa: PLC0415  where there is no lock, none has to be read

    return lock.read(file)


def read_or_new(file: Path) -> Lock:
    """The lock in `file`, to be written to; an empty one if there is none.

    Raises:
        UsageProblem: it cannot be used, or is one of those that are only read.
    """
    if file.name == FLAT:
        raise UsageProblem(f"{file}: a flat {FLAT} is read and never written; pins go into {LOCK}")
    from pv.pins import lock  # noqa: PLC0415  as in `read`

    return lock.read(file) if file.exists() else lock.Lock(file, file.parent, ())
