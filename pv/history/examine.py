"""What git knows of a contract that its file does not say: entries that were changed, and bars that were lowered.

Every version that HEAD's history holds of a contract is held against the one in the working tree. An entry of any of them must
stand there unchanged, and what asks for less than any of them must be owned up to by an entry that this one did not have yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pv import git
from pv.history.remarks import lowered, raised, rewritten, unrecorded
from pv.history.transitions import transitions
from pv.history.versions import Cache, Lineage, Past, lineages, past
from pv.remark import Remark, Topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pv.config import Config
    from pv.git import Repository
    from pv.history.loosened import Loosening
    from pv.parse import Contract

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Removed:
    """A contract that was committed and is gone: its path in git, where it went, and whether an entry of another owns up to it."""

    path: str
    name: str
    commit: str
    recorded: bool

    @property
    def remark(self) -> Remark:
        """What a report says of it; grave unless it is recorded."""
        text = f"contract {self.name}: removed, {_at(self.commit)}"
        fix = f"put it back, or let an entry of another contract's status_history say it: loosens: ['{self.name}: removed']"
        return Remark(Topic.LOOSENED, text, grave=not self.recorded, help="" if self.recorded else fix)


@dataclass(frozen=True, slots=True)
class Examined:
    """What is to be said of each contract, by its path, and of those that are gone.

    `unrecorded` are the loosenings of each that an entry still has to own up to, as `pv demote` writes it.
    """

    remarks: Mapping[str, tuple[Remark, ...]]
    removed: tuple[Removed, ...] = ()
    unrecorded: Mapping[str, tuple[Loosening, ...]] = field(default_factory=dict)


def examine(contracts: Sequence[Contract], config: Config, since: str | None = None, *, cache: bool = True) -> Examined:
    """Hold every version that git has of each contract against the one of now.

    With `since`, a branch, tag or commit, only what was done since HEAD parted from it. Where there is nothing to look at, or
    not all of it, a remark says so.

    Raises:
        GitProblem: `since` names no commit that HEAD has in common with it.
    """
    try:
        repository = git.repository(config.root)
        if repository is None or git.head(config.root) is None:
            why = "no git repository" if repository is None else "nothing is committed yet"
            return Examined({one.path: (_unchecked(why),) for one in contracts})
        base = git.merge_base(config.root, since) if since else None
        return _Examination(contracts, config, repository, base, Cache.of(repository, use=cache)).run()
    except git.GitProblem as problem:
        if since:
            raise
        return Examined({one.path: (_unchecked(str(problem)),) for one in contracts})


class _Examination:
    """One look at a repository: one log, one process for all contents."""

    def __init__(
        self, contracts: Sequence[Contract], config: Config, repository: Repository, base: str | None, cache: Cache
    ) -> None:
        self.config, self.repository, self.cache = config, repository, cache
        self.whole = base is None
        self.contracts = {one.path: one for one in contracts}
        self.files = {path: (config.root / path).resolve() for path in self.contracts}
        self.names = {path: self._name(file) for path, file in self.files.items()}
        folders = {one.resolve() for one in config.contracts if one.exists()}
        folders |= {file.parent for file in self.files.values() if not any(file.is_relative_to(one) for one in folders)}
        within = sorted(one for one in folders if one.is_relative_to(repository.top))
        self.steps = git.log(repository.top, within, base) if within else []
        self.ids = {path: self._id(file) for path, file in self.files.items() if self.names[path]}
        self.lineages = self._lineages()
        self.pasts: dict[str, Past | None] = {}
        self.unrecorded: dict[str, tuple[Loosening, ...]] = {}

    def run(self) -> Examined:
        gone = self._gone()
        self._read(gone)
        remarks = {path: tuple(self._said(path)) for path in self.contracts}
        removed = tuple(self._removed(gone))
        self.cache.write(self.pasts)
        return Examined(remarks, removed, self.unrecorded)

    def _name(self, file: Path) -> str:
        """The name of a file in git; "" if it lies outside the repository."""
        top = self.repository.top
        return file.relative_to(top).as_posix() if file.is_relative_to(top) else ""

    def _id(self, file: Path) -> str:
        like = next((step.blob or step.old for step in self.steps), "")
        try:
            return git.blob_id(file.read_bytes(), like)
        except OSError:
            return ""

    def _lineages(self) -> dict[str, Lineage]:
        """The lineage of every file that is there, not only of those asked for: a file may have moved to any of them."""
        there = {step.path for step in self.steps if (self.repository.top / step.path).is_file()}
        asked = {name for name in self.names.values() if name}
        found = lineages(self.steps, there | asked)
        moved = {name: old for name in asked - there if (old := self._moved(name, there))}
        if moved:  # in the working tree only; git will see it once it is committed
            more = lineages(self.steps, moved.values())
            found |= {name: Lineage(name, more[old].steps) for name, old in moved.items()}
        return found

    def _moved(self, name: str, there: set[str]) -> str:
        """The name that HEAD has for a file which is not there yet under its own; "" if it has the same content under none."""
        now = next((self.ids[path] for path, one in self.names.items() if one == name), "")
        return next((step.path for step in self.steps if step.blob == now and now and step.path not in there), "")

    def _gone(self) -> dict[str, Lineage]:
        """The files of contracts that were committed, are not there any more, and went to no other name."""
        known = {step.path for one in self.lineages.values() for step in one.steps}
        known |= {step.old_path for one in self.lineages.values() for step in one.steps}
        stayed: dict[str, bool] = {}  # whether the newest that is known of a name is not that it went to another
        for step in self.steps:
            stayed.setdefault(step.path, True)
            stayed.setdefault(step.old_path, False)
        away = [name for name, own in stayed.items() if own and name not in known and _may_be_contract(name)]
        return lineages(self.steps, away)

    def _read(self, gone: Mapping[str, Lineage]) -> None:
        """What every version says beside the one of now, from the cache or from git."""
        wanted: dict[str, tuple[str, str, Contract | None]] = {}
        for path, contract in self.contracts.items():
            line = self.lineages.get(self.names[path])
            for blob in line.blobs if line else ():
                if blob != self.ids[path]:
                    wanted[f"{blob}:{self.ids[path]}"] = (blob, contract.path, contract)
        for name, line in gone.items():
            if line.blobs:
                wanted[f"{line.blobs[0]}:"] = (line.blobs[0], name, None)
        absent = {key: blob for key, (blob, _, _) in wanted.items() if key not in self.cache.known}
        contents = git.blobs(self.repository.top, absent.values())
        for key, (blob, name, now) in wanted.items():
            if key in absent and blob in contents:
                self.cache.put(key, past(contents[blob], name, now))
            if key in self.cache.known:
                self.pasts[key] = self.cache.known[key]

    def _said(self, path: str) -> list[Remark]:
        contract, name = self.contracts[path], self.names[path]
        if not name:
            return [_unchecked("its file lies outside the repository")]
        line = self.lineages[name]
        if not line.steps:
            return [] if not self.whole else [_unchecked("its file is not committed yet")]
        said = self._limits(path, line)
        pasts = {blob: one for blob in line.blobs if (one := self.pasts.get(f"{blob}:{self.ids[path]}"))}
        now = Past(tuple(one.said for one in transitions(contract)), contract.status, len(contract.claims))
        pasts[self.ids[path]] = now
        versions = [blob for blob in line.blobs if blob in pasts and blob != self.ids[path]]
        self.unrecorded[path] = tuple(unrecorded(contract, versions, pasts).values())
        for find in (rewritten, lowered, raised):
            said += find(contract, line, versions, pasts, self.ids[path])
        return said

    def _limits(self, path: str, line: Lineage) -> list[Remark]:
        """What keeps the whole of a lineage from being seen."""
        said = []
        if self.repository.shallow:
            fix = "fetch all of it: git fetch --unshallow, or fetch-depth: 0 in a workflow"
            said.append(_unchecked("shallow clone, only what it holds was looked at", fix))
        lost = [blob for blob in line.blobs if blob != self.ids[path] and f"{blob}:{self.ids[path]}" not in self.pasts]
        if lost:
            said.append(_unchecked(f"{len(lost)} versions are not in this clone", "fetch them: git fetch --refetch"))
        written = Path(self.config.root.resolve() / path)
        if written != self.files[path]:
            said.append(Remark(Topic.HISTORY, f"history checked of {self.names[path]}, which its path is a link to"))
        return said

    def _removed(self, gone: Mapping[str, Lineage]) -> list[Removed]:
        entries = [entry for contract in self.contracts.values() for entry in transitions(contract)]
        found = []
        for name, line in gone.items():
            last = self.pasts.get(f"{line.blobs[0]}:") if line.blobs else None
            if last is not None and last.claims:
                stem = Path(name).stem
                commit = "" if line.head else line.steps[0].commit
                found.append(Removed(name, stem, commit, any(one.names(f"{stem}: removed") for one in entries)))
        return found


def _may_be_contract(name: str) -> bool:
    return name.endswith(_SUFFIXES) and "/." not in f"/{name}"


def _unchecked(why: str, fix: str = "") -> Remark:
    return Remark(Topic.HISTORY, f"history not checked: {why}", help=fix)


def _at(commit: str) -> str:
    return f"in commit {commit[:12]}" if commit else "not committed yet"
