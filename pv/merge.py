"""Ledgers of several machines joined into one, which says what one run of all would have said, or the reason why it cannot."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pv.ledger import verify
from pv.ledger.index import open_ledger, unreadable
from pv.ledger.line import OF_CASES, PREFIX, chain, identity, link, parse
from pv.ledger.scan import lines_of
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pv.ledger import Found, Key

_SHORT = 12  # digits of a run or a commit in a message
_TOLD = 10  # shards that a message names


class Broken(Exception):
    """A ledger is not what was written: what was found in which."""

    def __init__(self, path: Path, faults: Sequence[Found]) -> None:
        first = faults[0]
        super().__init__(f"{path}:{first.number}: {first.kind}: {first.text}; `pv verify {path}` says more")
        self.path, self.faults = path, tuple(faults)


@dataclass
class Run:
    """One run in the ledgers that are merged: what its first line says, and which of them hold a line of it."""

    name: str
    told: dict[str, Any] = field(default_factory=dict)
    homes: set[int] = field(default_factory=set)
    own: bool = False  # whether a line of it is not in all ledgers
    ended: bool = False

    @property
    def shard(self) -> str:
        """Its shard, `2/5`; empty if it was none."""
        return str(self.told.get("shard") or "")


@dataclass
class Part:
    """One of the ledgers: how far it is read, and the ids of its lines in order."""

    path: Path
    size: int
    ids: list[bytes]
    added: int = 0

    def lines(self) -> Iterator[tuple[bytes, bytes, dict[str, Any]]]:
        """The id, the text and the row of each line that is one of ours."""
        opened = open_ledger(self.path)
        if opened is None:
            raise UsageProblem(f"{self.path}: no such ledger")
        descriptor, _ = opened
        try:
            for line in lines_of(descriptor, self.size):
                row = parse(line)
                if row is not None:
                    yield bytes.fromhex(identity(line)), line, row
        except OSError as problem:
            raise unreadable(self.path, problem) from None
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class Merged:
    """What was joined: the ledgers, and how many lines each adds; the shards, and those of the plan that are not there."""

    parts: tuple[Part, ...]
    lines: int
    common: int
    head: str
    commit: str
    plan: str
    shards: tuple[str, ...]
    missing: tuple[str, ...]
    unended: tuple[str, ...]
    notes: tuple[str, ...]


def merge(paths: Sequence[Path], out: Path, *, partial: bool = False, force: bool = False) -> Merged:
    """Join ledgers into a new one; ids of lines stay, the chain is made anew. `out` is written whole or not at all.

    Common history is what stands in all of the ledgers. Of the rest, every run must be of one commit with nothing changed in
    the tree, no case may have been measured on two machines, and all shards must be of one plan, and there.

    Raises:
        Broken: a ledger is not what was written.
        UsageProblem: the ledgers cannot be read, or do not fit together; a shard is missing, and `partial` is not said; `out`
            is there, and `force` is not said, or it cannot be written.
    """
    if out.exists() and not force:
        raise _there(out)
    notes: list[str] = []
    parts = sorted((_part(path, notes) for path in paths), key=lambda part: -len(part.ids))
    common = frozenset.intersection(*(frozenset(part.ids) for part in parts))
    runs = _runs(parts, common)
    own = [run for run in runs.values() if run.own]
    _check_commits(own, parts)
    newest = (
        own or list(runs.values())[-1:]
    )  # of a ledger alone, or of equal ones, all is common: there its last run counts
    sharded = [run for run in newest if run.shard]
    plan, missing = _one_plan(sharded, runs, parts)
    if missing and not partial:
        told = ", ".join(missing[:_TOLD]) + (f" and {len(missing) - _TOLD} more" if len(missing) > _TOLD else "")
        raise UsageProblem(
            f"shard{'s' if len(missing) > 1 else ''} {told} of plan {plan[:_SHORT]} "
            "is in none of the ledgers; --partial merges what there is"
        )
    head, lines = _write(parts, common, runs, out, force=force)
    return Merged(
        parts=tuple(parts),
        lines=lines,
        common=len(common),
        head=head,
        commit=str(newest[-1].told.get("commit") or "") if newest else "",
        plan=plan,
        shards=tuple(name for name in _names(sharded) if name not in missing),
        missing=missing,
        unended=tuple(run.name for run in own if not run.ended),
        notes=tuple(notes),
    )


def _part(path: Path, notes: list[str]) -> Part:
    found = verify(path)
    if found.faults:
        raise Broken(path, found.faults)
    notes += [f"{path}:{one.number}: {one.text}" for one in found.notes]
    part = Part(path, path.stat().st_size, [])
    part.ids += (name for name, _, _ in part.lines())
    if len(part.ids) != found.lines:
        raise UsageProblem(f"{path}: something is being written into it; merge it when its run has ended")
    return part


def _runs(parts: Sequence[Part], common: frozenset[bytes]) -> dict[str, Run]:
    """Every run of every ledger, in the order in which they are seen."""
    runs: dict[str, Run] = {}
    for home, part in enumerate(parts):
        for name, _, row in part.lines():
            run = runs.setdefault(row["run"], Run(row["run"]))
            run.homes.add(home)
            run.own = run.own or name not in common
            run.ended = run.ended or row["kind"] == "end"
            if row["kind"] == "run":
                run.told = row
    return runs


def _check_commits(own: Sequence[Run], parts: Sequence[Part]) -> None:
    """See to it that all runs that are not in all ledgers are of one commit.

    Raises:
        UsageProblem: they are of several, of none that is known, or of a tree that differed from it.
    """
    for run in own:
        if not isinstance(run.told.get("commit"), str):
            raise UsageProblem(
                f"{_named(run, parts)} names no commit, so nobody knows what it ran; run it in a git checkout"
            )
        if run.told.get("dirty") is not False:
            raise UsageProblem(
                f"{_named(run, parts)} ran in a tree that differed from its commit; commit, and run it again"
            )
        if run.told["commit"] != own[0].told["commit"]:
            first, other = (f"{_named(one, parts)} is of commit {one.told['commit'][:_SHORT]}" for one in (own[0], run))
            raise UsageProblem(
                f"{first}, {other}: runs of one commit can be merged, and history that all ledgers share"
            )


def _one_plan(sharded: Sequence[Run], runs: dict[str, Run], parts: Sequence[Part]) -> tuple[str, tuple[str, ...]]:
    """The plan by which shards were cut, and those of its shards that are in no ledger.

    Raises:
        UsageProblem: they were cut by several plans.
    """
    if not sharded:
        return "", ()
    first = sharded[0]
    for run in sharded:
        if _cut(run) != _cut(first):
            one, other = (
                f"{_named(each, parts)} by {_cut(each)[1][:_SHORT]} into {_cut(each)[0]}" for each in (first, run)
            )
            raise UsageProblem(
                f"shards were cut differently: {one}, {other}; run them again with the same --pv-durations and arguments"
            )
    count, plan = _cut(first)
    there = {run.shard for run in runs.values() if run.shard and _cut(run) == (count, plan)}
    return plan, tuple(name for name in _names(sharded) if name not in there)


def _names(sharded: Sequence[Run]) -> list[str]:
    """All shards of the plan of these."""
    count = int(_cut(sharded[0])[0]) if sharded else 0
    return [f"{number}/{count}" for number in range(1, count + 1)]


def _cut(run: Run) -> tuple[str, str]:
    """Into how many shards a run's plan cuts, and the plan."""
    return run.shard.partition("/")[2], str(run.told.get("plan"))


def _write(
    parts: Sequence[Part], common: frozenset[bytes], runs: dict[str, Run], out: Path, *, force: bool
) -> tuple[str, int]:
    """Write the joined ledger beside its place and put it there at once; its head, and how many lines it has.

    Raises:
        UsageProblem: a case was measured on two machines, lines stand in another order, or the file cannot be written.
    """
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        if not out.parent.is_dir():
            out.parent.mkdir(parents=True)
        with draft.open("xb") as file:
            previous, lines = link(b""), 0
            for line in _joined(parts, common, runs):
                chained = chain(line, previous)
                file.write(chained + b"\n")
                previous, lines = link(chained), lines + 1
            file.flush()
            os.fsync(file.fileno())
        faults = verify(draft).faults
        if faults:
            raise UsageProblem(
                f"the ledgers do not make one together: {faults[0].text}; merge them when their runs have ended"
            )
        _place(draft, out, force=force)
    except OSError as problem:
        raise UsageProblem(f"{out}: cannot be written: {problem.strerror or problem}") from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
    return previous if lines else "", lines


def _place(draft: Path, out: Path, *, force: bool) -> None:
    """Give the draft its name, over nothing that is there."""
    if force:
        draft.replace(out)
        return
    try:
        os.link(draft, out)
    except FileExistsError:
        raise _there(out) from None
    except OSError:  # a file system without links; then between look and move there is a moment
        if out.exists():
            raise _there(out) from None
        draft.replace(out)


def _there(out: Path) -> UsageProblem:
    return UsageProblem(f"{out}: is there already; --force replaces it")


def _joined(parts: Sequence[Part], common: frozenset[bytes], runs: dict[str, Run]) -> Iterator[bytes]:
    """The text of each line of the ledgers, once: `{` and what follows the chain."""
    order: list[bytes] = []
    measured: dict[Key, Run] = {}
    for part in parts:
        _check_order(part, order)
        before = frozenset(order)
        for name, line, row in part.lines():
            if name in before:
                continue
            if name not in common and row["kind"] in OF_CASES:
                _measure(row, runs, measured, parts)
            part.added += 1
            order.append(name)
            yield b"{" + line[PREFIX:]


def _check_order(part: Part, order: Sequence[bytes]) -> None:
    """See to it that what a ledger shares with those before it comes first in it, in the same order: the newest row counts.

    Raises:
        UsageProblem: it does not.
    """
    known, place, own = frozenset(order), 0, False
    for name in part.ids:
        if name not in known:
            own = True
            continue
        while place < len(order) and order[place] != name:
            place += 1
        place += 1
        if own or place > len(order):
            raise UsageProblem(f"{part.path}: holds lines of another ledger in another order")


def _measure(row: dict[str, Any], runs: dict[str, Run], measured: dict[Key, Run], parts: Sequence[Part]) -> None:
    """Refuse a case that two machines measured: which of them should count?

    A ledger that holds both runs says which is the newer, so one machine may measure again, as `--resume` does.
    """
    key = row["contract"], row["claim"], row["params"], row["mutant"]
    run = runs[row["run"]]
    other = measured.setdefault(key, run)
    if other is not run and not other.homes & run.homes:
        what = " ".join(filter(None, (f"{row['contract']}: {row['claim']}", str(row.get("label") or ""))))
        raise UsageProblem(
            f"double claim: {what} was measured by {_named(other, parts)} and by {_named(run, parts)}; leave out one of them"
        )
    measured[key] = run


def _named(run: Run, parts: Sequence[Part]) -> str:
    shard = f", shard {run.shard}" if run.shard else ""
    return f"run {run.name[:_SHORT]} ({parts[min(run.homes)].path}{shard})"
