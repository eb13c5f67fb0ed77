"""A pin made or moved: upstream is always read first, so that no lock says what upstream does not."""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pv.pins import names
from pv.pins.compare import address, sha256_of
from pv.pins.lock import Pin, check_fields, read, replace, with_pin, write
from pv.pins.upstream import Refused, opened
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.pins.lock import Lock


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks for; what he leaves out is taken from the pin that is there, or from the branch's newest commit."""

    path: str
    source: str | None = None
    branch: str | None = None
    commit: str | None = None
    upstream_path: str | None = None
    take_bytes: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """The new pin, the one that it replaces, and whether the local file was written."""

    pin: Pin
    before: Pin | None
    wrote_file: bool


def add(lock: Lock, wish: Wish, tell: Callable[[str, str, float], None]) -> Added:
    """Read upstream, hold the local file against it, and write the lock.

    Raises:
        UsageProblem: something asked for cannot be used, or a file cannot be written.
        Refused: upstream lacks the commit, the branch or the file, or its bytes are others than the local ones.
        NotRun: upstream could not be read.
    """
    before = lock.pin_of(wish.path)
    source = wish.source or (before.source if before else "")
    branch = wish.branch or (before.branch if before else "main")
    upstream_path = wish.upstream_path or (before.upstream_path if before else wish.path)
    if not source:
        raise UsageProblem(f"{wish.path} is not pinned yet: say with --source of which repository it is a copy")
    asked = {"path": wish.path, "source": source, "branch": branch, "upstream_path": upstream_path}
    check_fields("pv pin add", asked)
    file = lock.root / wish.path
    _hold_inside(lock.root, file)
    local = _local(file, wish)
    with opened(address(lock.root, source), branch, functools.partial(tell, source)) as upstream:
        commit = upstream.resolve(wish.commit) if wish.commit else upstream.tip
        if not upstream.has(commit):
            raise Refused(f"commit {commit} is not on branch {branch} of {source}; pin one that is, or name its branch")
        blob = upstream.blob(commit, upstream_path)
        if blob is None:
            raise Refused(f"upstream has no file {upstream_path} at commit {commit}; say with --path which one it is")
    sha256 = hashlib.sha256(blob.data).hexdigest()
    if local != sha256 and not wish.take_bytes:
        raise Refused(
            f"upstream holds sha256 {sha256}, the local file {local}; nothing was pinned; --write puts upstream's bytes here"
        )
    synced = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    pin = Pin(**asked, commit=commit, sha256=sha256, synced=synced)
    if local != sha256:
        _make_folder(file)
        replace(file, blob.data)
    newest = read(lock.file) if lock.file.exists() else lock  # another pin may have been made while upstream was read
    write(with_pin(newest, pin))
    return Added(pin, before, wrote_file=local != sha256)


def stored_source(given: str, root: Path) -> str:
    """A source as the lock keeps it: a relative path becomes one relative to the lock's folder, and nothing else changes."""
    if names.source_fault(given) or not names.is_local(given) or Path(given).is_absolute():
        return given
    relative = os.path.relpath(Path(given).absolute(), root)
    return relative if relative.startswith(".") else f"./{relative}"


def _local(file: Path, wish: Wish) -> str:
    try:
        return sha256_of(file)
    except OSError as problem:
        if wish.take_bytes and not file.exists():
            return ""
        fix = "; --write puts upstream's bytes there" if not file.exists() else ""
        raise UsageProblem(f"{file}: {problem.strerror or problem}{fix}") from None


def _hold_inside(root: Path, file: Path) -> None:
    if not file.resolve().is_relative_to(root.resolve()):
        raise UsageProblem(f"{file}: leads out of the project through a link; pin the file that it stands for")


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageProblem(f"{file.parent}: cannot be made: {problem.strerror or problem}") from None
