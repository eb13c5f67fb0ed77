"""A model of several files that belong into one folder: it appears as a whole, when every file was checked."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

from apr.cache.base import CHUNK
from apr.cache.download import fetch
from apr.cache.place import hash_file, recorded, write_folder_stamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from apr.cache.base import Patience, Talk
    from apr.cache.download import Remote


def fetch_folder(
    remotes: Sequence[Remote], path: Path, work: Path, source: str, revision: str, talk: Talk, patience: Patience
) -> None:
    """Downloads files into a folder that replaces what is at `path` when all are there.

    Args:
        remotes: the files, with what is known of each.
        path: where the folder belongs.
        work: where unfinished downloads stand; what an earlier call left there is taken up.
        source: for the stamp.
        revision: for the stamp.
        talk: progress.
        patience: how long to wait and how often to try again.

    Raises:
        PullError: a file could not be had.
        OSError: the cache cannot be written.
    """
    staging = work / "files"
    staging.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for remote in remotes:
        target, partial = staging / remote.name, work / f"{remote.name}.part"
        sha256 = _sound(target, remote, talk) if target.is_file() else None
        if sha256 is None:
            sha256 = fetch(remote, partial, talk, patience)
            partial.replace(target)
        hashes[remote.name] = sha256
    for left in staging.iterdir():  # of another revision
        if left.name not in hashes:
            left.unlink()
    if path.exists():
        path.replace(work / "before")
    staging.replace(path)
    write_folder_stamp(path, hashes, source, revision)
    shutil.rmtree(work)


def _sound(path: Path, remote: Remote, talk: Talk) -> str | None:
    """sha256 of a file that an earlier call has finished, if it is what is wanted now."""
    size = path.stat().st_size
    sha256, git = hashlib.sha256(), hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with talk.make_meter(f"checking {remote.name}", size, unit="bytes") as meter, path.open("rb") as file:
        while chunk := file.read(CHUNK):
            sha256.update(chunk)
            git.update(chunk)
            meter.advance(len(chunk))
    if remote.sha256 not in (None, sha256.hexdigest()) or remote.git_sha1 not in (None, git.hexdigest()):
        return None
    return sha256.hexdigest()


def folder_is_sound(path: Path, talk: Talk) -> bool:
    """Hashes every file of a folder and compares with its stamp."""
    stamp = recorded(path)
    return stamp is not None and all(
        hash_file(path / name, f"checking {name}", talk.make_meter) == entry["sha256"]
        for name, entry in stamp["files"].items()
    )
