"""Which items a session runs where it was asked for a shard of them, or to resume: decided once, before any worker starts."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv import git
from pv.corpus import read
from pv.freshness import Freshness
from pv.ledger import Key, Ledger
from pv.ledger import read as read_ledger
from pv.pytest_plugin.nodes import node_ids
from pv.pytest_plugin.project import PROJECT, RUN
from pv.resume import kept
from pv.shards import Shard, cut, plan, read_durations, recorded, shards_of
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pv.parse import Case, Claim
    from pv.pytest_plugin.project import Project

_HANDED = (
    "pv_choice"  # under this name the controller of xdist hands the decision to its workers, and they what came of it
)


@dataclass(frozen=True)
class Decision:
    """Which cases are run: with `others` all but those listed, and what is no case; without, those listed and nothing else.

    `kept` are the rows that stand for cases that are left out because of them.
    """

    listed: frozenset[Key] = frozenset()
    others: bool = True
    kept: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


class Chosen:
    """Leaves out what was decided to be left out; in a worker, by what the controller handed over."""

    def __init__(self, listed: Iterable[Key], *, others: bool) -> None:
        self.listed, self.others = frozenset(listed), others
        self.left: set[Key] = set()  # of cases that are there; what is no case is counted only
        self.gone = 0

    @classmethod
    def handed(cls, config: Any) -> Chosen:
        """What the controller of a worker decided."""
        told = json.loads(config.workerinput[_HANDED])
        return cls(map(tuple, told["listed"]), others=told["others"])

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave them out, after whatever else chooses."""
        gone = [item for item in items if self._leaves_out(item)]
        if gone:
            config.hook.pytest_deselected(items=gone)
            items[:] = [item for item in items if not self._leaves_out(item)]
        self.left, self.gone = {key for key in map(key_of, gone) if key is not None}, len(gone)
        if hasattr(config, "workeroutput"):
            config.workeroutput[_HANDED] = json.dumps({"left": sorted(self.left), "gone": self.gone})

    def _leaves_out(self, item: pytest.Item) -> bool:
        return (key_of(item) in self.listed) is self.others


class Choice(Chosen):
    """Decides, in the process that keeps the ledger, and tells at the end what was left out."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.listed, others=decision.others)
        self.decision = decision

    @property
    def kept(self) -> list[Mapping[str, Any]]:
        """The rows that stand for the cases that were left out because of them."""
        return [row for key, row in self.decision.kept.items() if key in self.left]

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand the decision to a worker of xdist, or to the one that takes its place."""
        told = {"listed": sorted(self.listed), "others": self.others}
        node.workerinput[_HANDED] = json.dumps(told)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take from a worker what it left out; one that died says nothing, and its place is taken."""
        output = getattr(node, "workeroutput", None) or {}
        if _HANDED in output:
            told = json.loads(output[_HANDED])
            self.left |= {tuple(key) for key in told["left"]}
            self.gone = told["gone"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A session of which everything was left out by us has done what was asked."""
        if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self.gone:
            session.exitstatus = pytest.ExitCode.OK

    def lines(self) -> Iterator[str]:
        """What the summary says of the choice."""
        about = self.decision.about
        if about:
            yield f"pv: shard {about['shard']} of plan {about['plan'][:12]}"
        if self.decision.kept:
            count = len(self.kept)
            yield f"pv: {count} case{'' if count == 1 else 's'} kept from this commit's evidence"
        if self.decision.note:
            yield f"pv: {self.decision.note}"


CHOICE = pytest.StashKey[Choice]()


def choose(config: pytest.Config) -> Choice:
    """What the options ask for.

    Raises:
        UsageError: they cannot be used, or the ledger or the file of durations cannot.
    """
    text = config.getoption("pv_shard")
    if text is None and config.getoption("pv_durations"):
        raise pytest.UsageError("--pv-durations says how shards are cut; use it with --pv-shard")
    try:
        return Choice(_decide(config, None if text is None else Shard.parse(text), resume=config.getoption("resume")))
    except ValueError as problem:
        raise pytest.UsageError(f"--pv-shard: {problem}") from None
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None


def _decide(config: pytest.Config, shard: Shard | None, *, resume: bool) -> Decision:
    project = config.stash[PROJECT]
    cases = {
        (claim.contract, claim.id, case.key, case.mutant.id if case.mutant else ""): (file, claim, case)
        for file, claim, case in _cases(project, _tops(config))
    }
    mutants = config.getoption("mutants")
    ledger, head = read_ledger(project.ledger), git.head(config.rootpath)
    ours, others = set(cases), True
    about: dict[str, str] = {}
    if shard is not None:
        seconds = _seconds(config, ledger, head, cases)
        shards = cut({key: seconds.get(key) for key in cases if key[3] or not mutants}, shard.count)
        others = shard.number == 1
        ours = {key for key in cases if shards.get(key, 1) == shard.number}
        about = {"shard": str(shard), "plan": plan(shards, shard.count)}
    rows: dict[Key, Mapping[str, Any]] = {}
    note = ""
    if resume:
        freshness = Freshness(project.settings, datetime.now(UTC))
        found = {
            key: None if ledger.broken else kept(claim, case, ledger, freshness, head)
            for key, (_, claim, case) in cases.items()
            if key in ours
        }
        rows = {key: row for key, row in found.items() if row is not None}
        note = _note(config.rootpath, head, ledger, rows)
    run = ours - set(rows)
    return Decision(frozenset(set(cases) - run if others else run), others, rows, about, note)


def _note(root: Path, head: str | None, ledger: Ledger, rows: Mapping[Key, object]) -> str:
    if ledger.broken:
        return "nothing is kept: the ledger was changed after it had been written; `pv verify` says where"
    if head is None:
        return "nothing is kept: git tells of no commit here"
    if not rows:
        return "nothing is kept: no case has fresh evidence of this commit"
    changed = "the tree differs from the commit; what is kept rests on nothing that has changed"
    return changed if git.is_dirty(root) is not False else ""


def _seconds(
    config: pytest.Config, ledger: Ledger, head: str | None, cases: Mapping[Key, tuple[str, Claim, Case]]
) -> Mapping[Key, float]:
    """How long each case took, as far as that is known."""
    chosen = config.getoption("pv_durations")
    told = read_durations(config.invocation_params.dir / chosen) if chosen else ledger
    if isinstance(told, Ledger):
        if chosen and not told.exists:
            raise UsageProblem(f"{told.path}: no such file of durations")
        return recorded(told, cases, () if chosen else shards_of(ledger, head))
    by_key = {key: [told[node] for node in node_ids(*case) if node in told] for key, case in cases.items()}
    return {key: seconds[0] for key, seconds in by_key.items() if seconds}


def _tops(config: pytest.Config) -> list[Path]:
    """The files and folders that pytest was asked to collect."""
    here = config.invocation_params.dir
    return [Path(os.path.normpath(here / argument.split("::")[0])) for argument in config.args]


def _cases(project: Project, tops: list[Path]) -> Iterator[tuple[str, Claim, Case]]:
    """Every case of every contract there that can be used."""
    for path in sorted(project.files):
        if not any(map(path.is_relative_to, tops)):
            continue
        name = project.show(path)
        reading = read(path, name, policy=project.settings.policy)
        if reading.contract is None or reading.errors:
            continue
        for claim in reading.contract.claims:
            for case in claim.cases():
                yield name, claim, case


def key_of(item: pytest.Item) -> Key | None:
    """The case that an item runs; None if it is no case of a claim."""
    run = item.stash.get(RUN, None)
    if run is None:
        return None
    claim, case = run.claim, run.case
    return claim.contract, claim.id, case.key, case.mutant.id if case.mutant else ""
