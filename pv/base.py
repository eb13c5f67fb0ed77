"""The project as it was where the checked-out branch parted from another one, and what was known of its claims there."""

from __future__ import annotations

import filecmp
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pv import git
from pv.config import Config, read_config
from pv.corpus import display, read, walk
from pv.since import compare
from pv.status import compute
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pv.changes import Since
    from pv.ledger import Entry, Key, Ledger
    from pv.parse import Contract
    from pv.status import ContractStatus


def since(
    ref: str,
    now: Sequence[ContractStatus],
    config: Config,
    ledger: Ledger,
    *,
    base_ledger: Ledger | None = None,
    selected: Sequence[Path] = (),
) -> Since:
    """What changed since the checked-out branch parted from `ref`.

    The tree of that commit is written into a temporary folder, and its claims are judged there by the rows of clean runs of
    that commit or of those before it. With `base_ledger`, by that ledger's rows of any commit of `ref` instead. Only files that
    git does not hold, such as models and libraries, are the ones of now. `selected` are the files and folders that the
    contracts of `now` were chosen by; none of them means all.

    Raises:
        GitProblem: there is no git, no repository, no such commit, or none in common in this clone.
        UsageProblem: the tree cannot be written to a temporary folder.
    """
    place = git.repository(config.root)
    if place is None:
        raise git.GitProblem(f"{config.root} lies in no git repository: nothing to compare with at {ref!r}")
    commit = git.merge_base(config.root, ref)
    if why := _same(config.root, commit, ref, has_own_ledger=base_ledger is not None):
        return replace(compare((), now, ref=ref, commit=commit), why_not=why)
    known = git.ancestors(config.root, ref if base_ledger is not None else commit)
    rows = _Recorded(ledger if base_ledger is None else base_ledger, known)
    try:
        with tempfile.TemporaryDirectory(prefix="pv-since-") as temporary:
            top = Path(temporary).resolve()
            git.extract(config.root, commit, top)
            root = top / config.root.resolve().relative_to(place.top)
            there, contracts = _contracts(root, config, selected, [one.contract for one in now])
            _borrow(place.top, top)
            before = compute(contracts, cast("Ledger", rows), there) if contracts else ()
    except OSError as problem:
        raise UsageProblem(f"the tree of {commit[:12]} cannot be written: {problem}") from None
    found = compare(before, now, ref=ref, commit=commit)
    if found.measured:
        return found
    return replace(found, why_not=f"{found.why_not}: {_advice(base_ledger)}")


class _Recorded:
    """The rows of a ledger that clean runs of some commits left; to `compute` it is a ledger."""

    def __init__(self, ledger: Ledger, commits: frozenset[str]) -> None:
        self._ledger, self._commits = ledger, commits

    def newest(self, key: Key) -> Iterator[Entry]:
        """What was said of a case, the newest first."""
        for entry in self._ledger.newest(key):
            if entry.row.get("dirty") is False and entry.row.get("commit") in self._commits:
                yield entry


def _same(root: Path, commit: str, ref: str, *, has_own_ledger: bool) -> str:
    """Why nothing can be new: the two sides are one. A tree with changes differs from its commit, and so may two ledgers."""
    if commit != git.head(root) or has_own_ledger or git.is_dirty(root):
        return ""
    return f"{ref} has all that is checked out, so nothing can be new; name an older commit, as HEAD~1"


def _advice(base_ledger: Ledger | None) -> str:
    if base_ledger is not None:
        return f"{base_ledger.path} has no fresh row of it"
    return "the ledger has no fresh row of a clean run of it; give the one of its own run by --base-ledger"


def _contracts(
    root: Path, config: Config, selected: Sequence[Path], now: Iterable[Contract]
) -> tuple[Config, list[Contract]]:
    """The configuration and the usable contracts below `root`; those whose file is the same as now are not read again."""
    if not root.is_dir():
        return config, []
    try:
        there = read_config(root)
    except UsageProblem:
        return config, []
    there = there or Config(root, (root / "contracts",), (root / "falsifiers",), root / ".pv/ledger.jsonl")
    current = {contract.path: contract for contract in now}
    found: dict[str, Contract] = {}
    for path in walk(_existing(root, config, selected) if selected else filter(Path.exists, there.contracts)):
        contract = _contract(path, display(path, root), config, current)
        if contract is not None:
            found.setdefault(contract.name, contract)
    return there, list(found.values())


def _existing(root: Path, config: Config, selected: Sequence[Path]) -> Iterator[Path]:
    """Where the files and folders `selected` stood; what lies outside the project or was not there is left out."""
    here = config.root.resolve()
    for path in selected:
        absolute = path.resolve()
        if absolute.is_relative_to(here) and (root / absolute.relative_to(here)).exists():
            yield root / absolute.relative_to(here)


def _contract(path: Path, name: str, config: Config, current: Mapping[str, Contract]) -> Contract | None:
    same = current.get(name)
    if same is not None and (config.root / name).is_file() and filecmp.cmp(path, config.root / name, shallow=False):
        return same
    reading = read(path, name, policy=config.policy)
    return None if reading.errors else reading.contract


def _borrow(here: Path, top: Path) -> None:
    """Put links to what git ignores into the tree, so that evidence which rests on it can be looked at."""
    for name in git.ignored(here):
        link = top / name
        if link.parent.is_dir() and not link.is_symlink() and not link.exists():
            link.symlink_to(here / name)
