"""Action traces, sound or with a claim's mutant planted: reading, writing, the meter, and the programs in this process."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from given.same_calls import STUDENT_CWD, TEACHER_CWD
from given.sessions import lines
from pv import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pv import Evidence, Mutant

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "runtime" / "apr"
FIXTURES = ROOT / "fixtures" / "action-traces"


class Ran(NamedTuple):
    """A program that ended.

    Attributes:
        code: with which it exited.
        out, err: what it printed.
    """

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Tracing:
    """What makes, reads and compares traces; modules are asked for anew at each call, so that a planted fault is in them.

    Attributes:
        folder: of the run's own.
        planted: the mutant's name, or None.
    """

    folder: Path
    planted: str | None

    def rules(self, text: bytes) -> list[str]:
        """The rules that a trace breaks, in the order in which that is found."""
        from apr.actions import reading

        path = self.folder / "examined.ccpa-trace.jsonl"
        path.write_bytes(text)
        return [finding.rule for finding in reading.examine(path)]

    def read(self, path: Path) -> list[dict[str, Any]]:
        """The records of a trace that is valid."""
        from apr.actions import reading

        return [dict(entry.record) for entry in reading.read_trace(path)]

    def write(self, path: Path, records: Iterable[dict[str, Any]], *, land: bool = True) -> None:
        """Writes a trace, or all of it but its end."""
        from apr.actions import writing

        with writing.TraceWriter(path) as writer:
            for record in records:
                writer.write(record)
            if land:
                writer.land()

    def tree_sha256(self, folder: Path) -> str:
        """The hash of a working tree."""
        from apr.actions import tree

        return tree.tree_sha256(tree.snapshot(folder))

    def compare(
        self,
        teacher: Sequence[dict[str, Any]],
        student: Sequence[dict[str, Any]],
        *,
        before: Path | None = None,
        after: tuple[Path, Path] | None = None,
    ) -> dict[str, Any]:
        """The report on two sessions, as `ccpa diff --json` prints it.

        Args:
            teacher: its records.
            student: its records.
            before: the tree from which both start.
            after: the trees in which they end.
        """
        from apr.actions import tree
        from apr.meter import compare, sides

        made = []
        start = None if before is None else tree.snapshot(before)
        for number, (records, cwd) in enumerate(((teacher, TEACHER_CWD), (student, STUDENT_CWD))):
            path = self.folder / f"{number}.ccpa-trace.jsonl"
            path.write_bytes(lines(records))
            end = None if after is None else tree.snapshot(after[number])
            made.append(sides.load_side(path, cwd=PurePosixPath(cwd), before=start, after=end))
        found: dict[str, Any] = compare.compare(made[0], made[1]).as_json()
        return found

    def differing(self, first: tuple[Path, Path], second: tuple[Path, Path]) -> str:
        """Where two replays differ, in words, as `ccpa replay --twice` says it: of each its trace, and the folder that it left."""
        from apr.actions import reading, tree
        from apr.ccpa import replayed, replaying
        from apr.sandbox import Confined, Isolation

        made = []
        for trace, folder in (first, second):
            left = tree.snapshot(folder)
            over = Confined(0, "", "", (), Isolation())
            made.append(replaying.Replayed(reading.read_trace(trace), PurePosixPath(folder), left, left, over))
        return replayed.differing(made[0], made[1])

    def tool(self, folder: Path, name: str, given: dict[str, Any]) -> tuple[bool, str]:
        """Calls a tool that is confined to a folder: whether it did what was asked, and what it said."""
        from apr.agent import tools

        with contextlib.closing(tools.Toolbox(folder, tools.NAMES, allow_bash=False)) as box:
            outcome = box.call(name, given)
        return outcome.ok, outcome.content

    def confined(self, program: Sequence[str], folder: Path) -> Any:
        """What came of a program that was to run without a network, see `apr.sandbox.report.Confined`.

        Raises:
            Inconclusive: the machine does not allow that, or nobody can watch.
        """
        from apr import sandbox

        allowed = sandbox.machine()
        for reason in (allowed.network, allowed.watching, allowed.names):
            if reason is not None:
                raise Inconclusive("no namespace", reason)
        return sandbox.run(program, cwd=folder, timeout=60, isolate=True)

    def child(self, *arguments: str | Path, hash_seed: int) -> Ran:
        """Runs `apr` in a process of its own, with the mutant planted there as well."""
        start = ["apr"] if self.planted is None else ["apr.mutants.action_traces", self.planted, "apr"]
        done = subprocess.run(
            [sys.executable, "-m", *start, *map(str, arguments)],
            env=os.environ | {"PYTHONPATH": str(RUNTIME.parent), "PYTHONHASHSEED": str(hash_seed)},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def ccpa(self, *arguments: str | Path) -> Ran:
        """Runs `ccpa` in this process."""
        from apr.ccpa import cli

        return _run(cli.main, arguments)

    def apr(self, *arguments: str | Path) -> Ran:
        """Runs `apr` in this process."""
        from apr import cli

        return _run(cli.main, arguments)


def _run(main: Any, arguments: Sequence[str | Path]) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture
def tracing(mutant: Mutant | None, evidence: Evidence, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tracing:
    """Traces and their meter, with the claim's mutant planted in them if there is one."""
    from apr.mutants.action_traces import MUTANTS

    evidence.input("source", RUNTIME)
    own = tmp_path / "traces"
    own.mkdir()
    if mutant is None or mutant.id not in MUTANTS:
        return Tracing(own, None)
    MUTANTS[mutant.id].plant(monkeypatch.setattr)
    return Tracing(own, mutant.id)


@pytest.fixture
def trace_fixtures(evidence: Evidence) -> Path:
    """The folder of pairs of traces."""
    evidence.input("fixture", FIXTURES)
    return FIXTURES


@pytest.fixture
def small_student(request: pytest.FixtureRequest, evidence: Evidence) -> Callable[[], Path]:
    """The real model that is measured as a student, asked for when it is its turn: faults are told without it."""
    from apr import __version__

    def model() -> Path:
        path: Path = request.getfixturevalue("model_path")
        evidence.engine("subject", "apr code", __version__)
        evidence.input("model", path)
        return path

    return model
