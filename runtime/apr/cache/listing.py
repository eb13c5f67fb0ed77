"""What the alias table names and what is in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from apr.cache.aliases import Alias, load_aliases
from apr.cache.place import is_stamp, models_dir, read_stamp
from apr.cache.pulling import place_of

if TYPE_CHECKING:
    from pathlib import Path


class Listed(NamedTuple):
    """A model in the table or in the cache.

    Attributes:
        alias: None for a model that no alias stands for.
        path: absolute, whether or not the model is there.
        state: `present` (hash checked, unchanged since), `changed` (not the file that was checked, or never checked),
            `absent`, or `unknown` (no alias and no stamp says what it should be).
        size: in bytes, of the model or, while it is absent, as announced; None for neither.
        sha256: as the alias table has it, else as it was when it was pulled; None for neither.
        source: where it comes from, or came from; None if nobody knows.
        vouched: who said what the hash should be (`alias`, `url`, `hub`), or `nobody`.
    """

    alias: Alias | None
    path: Path
    state: str
    size: int | None
    sha256: str | None
    source: str | None
    vouched: str


def list_models() -> list[Listed]:
    """The aliases in the order of the table, then what else is in the cache by name.

    Raises:
        UnusableInput: an alias table cannot be used.
    """
    listed = [_of_alias(alias) for alias in load_aliases().values()]
    known = {model.path for model in listed}
    folder = models_dir()
    others = sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    return listed + [_of_other(path) for path in others if path not in known and not is_stamp(path)]


def _of_alias(alias: Alias) -> Listed:
    path, stamp = place_of(alias), read_stamp(place_of(alias))
    if not path.exists():
        state = "absent"
    elif alias.sha256 is not None:
        fits = stamp is not None and (stamp.get("sha256"), stamp.get("size")) == (alias.sha256, alias.size)
        state = "present" if fits else "changed"
    else:
        state = "present" if stamp is not None and stamp.get("source") == alias.parsed.text else "changed"
    told = (stamp or {}) if state == "present" else {}
    return Listed(
        alias,
        path,
        state,
        alias.size if state == "absent" else _size(path),
        alias.sha256 or told.get("sha256"),
        alias.source,
        "alias" if alias.sha256 else told.get("vouched", "nobody"),
    )


def _of_other(path: Path) -> Listed:
    stamp = read_stamp(path)
    if stamp is None:
        return Listed(None, path, "unknown", _size(path), None, None, "nobody")
    return Listed(
        None, path, "present", _size(path), stamp.get("sha256"), stamp.get("source"), stamp.get("vouched", "nobody")
    )


def _size(path: Path) -> int | None:
    """Of a file, or of the files in a folder; None for what cannot be asked, such as a link that leads nowhere."""
    try:
        if path.is_dir():
            return sum(entry.stat().st_size for entry in path.iterdir() if entry.is_file())
        return path.stat().st_size
    except OSError:
        return None
