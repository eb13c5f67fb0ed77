"""Pins held against the local files, and against what upstream holds at the commit pinned."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pv.pins import names
from pv.pins.upstream import Branch, NotRun, Refused, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pv.pins.lock import Lock, Pin


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one pin.

    `local` and `upstream` are the sha256 of what was read, empty where nothing was. `not_run` says why upstream is not known,
    `behind` how its newest version differs from the one pinned.
    """

    pin: Pin
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    not_run: str = ""
    behind: str = ""
    local: str = ""
    upstream: str = ""

    def word(self, *, strict: bool = False) -> str:
        """One word for it: a finding is graver than what was not run; `behind` is a finding where `strict`."""
        if self.findings or (strict and self.behind):
            return "FINDING"
        return "NOT RUN" if self.not_run else "ok"


def check(lock: Lock, pins: Sequence[Pin]) -> list[Result]:
    """Local bytes against the lock, without a network."""
    return [_local(lock.root, pin) for pin in pins]


def roundtrip(lock: Lock, pins: Sequence[Pin], tell: Callable[[str, str, float], None]) -> list[Result]:
    """Upstream at the commit pinned, the lock and the local file against each other, and whether the branch has the commit.

    Each branch of each source is read once. `tell` hears of which source what is being done, and for how many seconds.
    The commits must be full ones. The results stand in the order of `pins`.
    """
    found = {pin.path: _local(lock.root, pin) for pin in pins}
    for (source, branch), group in _by_branch(pins):
        try:
            with opened(address(lock.root, source), branch, functools.partial(tell, source)) as read:
                for pin in group:
                    found[pin.path] = _against(read, found[pin.path])
        except Refused as problem:
            for pin in group:
                found[pin.path] = replace(found[pin.path], findings=(*found[pin.path].findings, str(problem)))
        except NotRun as problem:
            for pin in group:
                if not found[pin.path].upstream:
                    found[pin.path] = replace(found[pin.path], not_run=f"{source}: {problem}")
    return [found[pin.path] for pin in pins]


def address(root: Path, source: str) -> str:
    """What git is asked for: a path that is relative in the lock is so to its folder."""
    return str(root / source) if names.is_local(source) else source


def sha256_of(file: Path) -> str:
    """The sha256 of a file.

    Raises:
        OSError: it is no plain file, or cannot be read.
    """
    if not file.is_file():  # opening a pipe would wait for a writer
        raise FileNotFoundError(2, "no such file" if not file.exists() else "no plain file")
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _local(root: Path, pin: Pin) -> Result:
    notes: tuple[str, ...] = ()
    if names.commit_fault(pin.commit):
        notes = (f"commit {pin.commit} {names.commit_fault(pin.commit)}: roundtrip will refuse it",)
    try:
        found = sha256_of(root / pin.path)
    except OSError as problem:
        return Result(pin, (f"local file: {problem.strerror or problem}",), notes)
    if found != pin.sha256:
        return Result(pin, (f"local file: expected sha256 {pin.sha256}, found {found}",), notes, local=found)
    return Result(pin, (), notes, local=found)


def _by_branch(pins: Sequence[Pin]) -> Iterator[tuple[tuple[str, str], list[Pin]]]:
    groups: dict[tuple[str, str], list[Pin]] = {}
    for pin in pins:
        groups.setdefault((pin.source, pin.branch), []).append(pin)
    yield from groups.items()


def _against(read: Branch, local: Result) -> Result:
    """What upstream says of a pin; what was found before upstream stopped to answer is kept."""
    pin = local.pin
    findings = list(local.findings)
    upstream = behind = ""
    try:
        on_branch = read.has(pin.commit)
        if not on_branch:
            there = read.exists(pin.commit)
            findings.append(
                f"commit {pin.commit} is not on branch {pin.branch}"
                + (
                    ": upstream holds it elsewhere, as a branch that was never merged would be"
                    if there
                    else " upstream"
                )
            )
        if on_branch or there:
            blob = read.blob(pin.commit, pin.upstream_path)
            if blob is None:
                findings.append(f"upstream has no file {pin.upstream_path} at commit {pin.commit}")
            else:
                upstream = hashlib.sha256(blob.data).hexdigest()
                findings += _bytes(pin, local.local, upstream)
                behind = _behind(pin, blob.object, read.object_at_tip(pin.upstream_path)) if on_branch else ""
    except Refused as problem:
        findings.append(str(problem))
    except NotRun as problem:
        return replace(local, findings=tuple(findings), upstream=upstream, not_run=f"{pin.source}: {problem}")
    return replace(local, findings=tuple(findings), upstream=upstream, behind=behind)


def _bytes(pin: Pin, local: str, upstream: str) -> list[str]:
    if upstream == pin.sha256:
        return []  # the local file has been held against the lock
    if local == pin.sha256:
        return [
            f"the local file and the lock agree on {local}, but upstream holds {upstream}: hashed again after an edit"
        ]
    return [
        f"upstream holds sha256 {upstream}, which is not the lock's {pin.sha256}"
        + ("; the local file is upstream's" if local == upstream else "")
    ]


def _behind(pin: Pin, pinned: str, newest: str) -> str:
    if pinned == newest:
        return ""
    return f"branch {pin.branch} " + ("has another version of it by now" if newest else "no longer has this file")
