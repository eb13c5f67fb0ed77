"""The cache folder and what is known of the files in it: a stamp beside each says what was checked, and by whom.

`models/NAME` is a model: a file, or a folder with a safetensors model. `models/NAME.checked.json` is its stamp: hash, size
and time of the file (of each file of a folder), the source, and who vouched for the hash. A file that is no longer as its
stamp says counts as changed. `partial/` holds downloads that are not finished.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.cache.base import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apr.cache.base import MakeMeter, Voucher

_SUFFIX = ".checked.json"


def cache_dir() -> Path:
    """The cache folder: `APR_CACHE_DIR`, else the user's cache folder of this system. It need not exist."""
    chosen = os.environ.get("APR_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs  # noqa: PLC0415 - not needed, and maybe not installed, where the folder was chosen

    return Path(platformdirs.user_cache_dir("apr", appauthor=False))


def models_dir() -> Path:
    """The folder in the cache where models stand. It need not exist."""
    return cache_dir() / "models"


def partial_dir() -> Path:
    """The folder in the cache where unfinished downloads stand. It need not exist."""
    return cache_dir() / "partial"


def stamp_path(path: Path) -> Path:
    """Where the stamp of a model stands."""
    return path.with_name(path.name + _SUFFIX)


def is_stamp(path: Path) -> bool:
    """Whether a file in the cache is a stamp and no model."""
    return path.name.endswith(_SUFFIX)


def recorded(path: Path) -> dict[str, Any] | None:
    """What was written down when a model was last checked, whatever has happened to the model since; None if nothing was."""
    try:
        stamp = json.loads(stamp_path(path).read_bytes())
    except (OSError, ValueError, RecursionError):  # none, or a damaged one: the model counts as never checked
        return None
    return stamp if isinstance(stamp, dict) else None


def read_stamp(path: Path) -> dict[str, Any] | None:
    """The stamp of a model if the model is as the stamp says; None if it was changed, is gone, or was never checked."""
    stamp = recorded(path)
    try:
        return stamp if stamp is not None and _describes(stamp, path) else None
    except (OSError, TypeError, KeyError, AttributeError):  # no file, or a damaged stamp
        return None


def _describes(stamp: dict[str, Any], path: Path) -> bool:
    if "files" not in stamp:
        return _as_seen(path) == {key: stamp[key] for key in ("size", "mtime_ns")}
    there = {entry.name for entry in path.iterdir()}
    return there == set(stamp["files"]) and all(
        _as_seen(path / name) == {key: entry[key] for key in ("size", "mtime_ns")}
        for name, entry in stamp["files"].items()
    )


def _as_seen(path: Path) -> dict[str, int]:
    about = path.stat()
    return {"size": about.st_size, "mtime_ns": about.st_mtime_ns}


def write_stamp(path: Path, sha256: str, source: str, vouched: Voucher) -> None:
    """Writes down that a file was checked: what it is now, where it came from, who vouched for its hash."""
    _write(path, {"sha256": sha256, **_as_seen(path), "source": source, "vouched": vouched})


def write_folder_stamp(path: Path, hashes: dict[str, str], source: str, revision: str) -> None:
    """Writes down that every file of a folder was checked against what the Hub said of this revision."""
    files = {name: {"sha256": digest, **_as_seen(path / name)} for name, digest in hashes.items()}
    _write(path, {"files": files, "source": source, "revision": revision, "vouched": "hub"})


def _write(path: Path, stamp: dict[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        temporary.write_text(json.dumps(stamp) + "\n", encoding="utf-8")
        temporary.replace(stamp_path(path))
    finally:
        temporary.unlink(missing_ok=True)


def stamped() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every model in the cache that is as its stamp says, sorted by name, with its stamp."""
    for found in sorted(models_dir().glob(f"*{_SUFFIX}")):
        path = found.with_name(found.name.removesuffix(_SUFFIX))
        stamp = read_stamp(path)
        if stamp is not None:
            yield path, stamp


def pulled_from(source: str) -> Path | None:
    """The model that came from this source and is unchanged since; the first part of a split one."""
    return next((path for path, stamp in stamped() if stamp.get("source") == source), None)


def hash_file(path: Path, description: str, make_meter: MakeMeter) -> str:
    """sha256 of a file, with a meter."""
    digest = hashlib.sha256()
    with make_meter(description, path.stat().st_size, unit="bytes") as meter, path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            meter.advance(len(chunk))
    return digest.hexdigest()
