"""The versions of contract files that git holds: which there were of each, and what each says beside the one of now."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pv.parse as parsing
from pv.digest import sha256
from pv.history import figures, formulas, loosened, narrowed, transitions
from pv.history.loosened import Kind, Loosening, compare
from pv.load import Document, load
from pv.parse import Contract, is_contract, parse
from pv.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pv.git import Repository, Step

SCHEMA = "pv-history-v1"
_DECIDE = (figures, formulas, loosened, narrowed, parsing, transitions)  # what the cache is an answer of
_MOST = 100_000  # versions that the cache remembers


@dataclass(frozen=True, slots=True)
class Lineage:
    """What commits made of one file, the newest first, under all the names that it had."""

    path: str
    steps: tuple[Step, ...]

    @property
    def head(self) -> str:
        """The blob that HEAD holds; "" if it holds none."""
        return self.steps[0].blob if self.steps else ""

    @property
    def blobs(self) -> tuple[str, ...]:
        """Every version that there ever was, the newest first."""
        return tuple(dict.fromkeys(blob for step in self.steps for blob in (step.blob, step.old) if blob))


@dataclass(frozen=True, slots=True)
class Past:
    """What one committed version says: its entries as canonical JSON, its status, how many claims it has.

    `loosened` is in what the version of now asks for less than this one.
    """

    entries: tuple[str, ...]
    status: str | None
    claims: int
    loosened: tuple[Loosening, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """The keys of what is asked for less since."""
        return frozenset(one.key for one in self.loosened)


def lineages(steps: Sequence[Step], paths: Iterable[str]) -> dict[str, Lineage]:
    """The steps of each of `paths`. A file that moved brings those of its older names with it, from the move backwards.

    A name that was given up and taken again is one lineage: what stands under it now has the past of what stood there.
    """
    owners: dict[str, list[str]] = {path: [path] for path in paths}
    found: dict[str, list[Step]] = {path: [] for path in owners}
    for step in steps:
        for owner in owners.get(step.path, ()):
            found[owner].append(step)
            if step.old_path != step.path and owner not in owners.setdefault(step.old_path, []):
                owners[step.old_path].append(owner)
    return {path: Lineage(path, tuple(own)) for path, own in found.items()}


def past(content: bytes, path: str, now: Contract | None) -> Past | None:
    """What a version says, and in what `now` asks for less; None if it could not be read as a contract."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    document = load(Source(path, text))
    if not isinstance(document, Document) or not is_contract(document):
        return None
    contract = parse(document, Path(path).stem)
    entries = tuple(one.said for one in transitions.transitions(contract))
    return Past(entries, contract.status, len(contract.claims), compare(contract, now) if now else ())


@dataclass
class Cache:
    """What was found of versions before, by the ids of both blobs: a convenience, which may be lost or damaged at any time.

    It lies in git's own folder, where no commit can bring one along that says less than there is to say.
    """

    path: Path | None
    known: dict[str, Past | None] = field(default_factory=dict)
    fresh: bool = False

    @classmethod
    def of(cls, repository: Repository, *, use: bool = True) -> Cache:
        """The cache of a repository; an empty one that is never written where it must not be used."""
        if not use:
            return cls(None)
        path = repository.folder / "pv" / "history.json"
        try:
            data = json.loads(path.read_bytes())
            if data["schema"] != SCHEMA or data["code"] != _code():
                return cls(path)
            return cls(path, {str(key): _past(entry) for key, entry in data["versions"].items()})
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls(path)

    def put(self, key: str, one: Past | None) -> None:
        """Remember what was found of a version."""
        self.known[key] = one
        self.fresh = True

    def write(self, used: Iterable[str]) -> None:
        """Write what is known, whole or not at all; where that is not possible, the next time takes longer."""
        if self.path is None or not self.fresh:
            return
        keep: Mapping[str, Past | None] = self.known
        if len(keep) > _MOST:
            keep = {key: self.known[key] for key in used}
        with contextlib.suppress(OSError):
            data = {"schema": SCHEMA, "code": _code(), "versions": {key: _plain(one) for key, one in keep.items()}}
            self.path.parent.mkdir(exist_ok=True)
            temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}")
            temporary.write_text(json.dumps(data, separators=(",", ":")), "utf-8")
            temporary.replace(self.path)


def _plain(one: Past | None) -> Any:
    if one is None:
        return None
    loose = [[each.key, each.text, each.claim, str(each.kind)] for each in one.loosened]
    return [list(one.entries), one.status, one.claims, loose]


def _past(entry: Any) -> Past | None:
    if entry is None:
        return None
    entries, status, claims, loose = entry
    found = tuple(Loosening(str(key), str(text), str(claim), Kind(kind)) for key, text, claim, kind in loose)
    return Past(tuple(map(str, entries)), None if status is None else str(status), int(claims), found)


@functools.cache
def _code() -> str:
    """What decides about the content of the cache: another version of it finds other things.

    Raises:
        OSError: the code does not lie in files.
    """
    return " ".join(sha256(Path(str(one.__file__)))[:16] for one in _DECIDE)
