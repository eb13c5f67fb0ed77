"""The ledger and the summary of a session: kept by one process, the controller if there are workers."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pv.fold import CaseEvidence, Folded, fold
from pv.judge import Word
from pv.pytest_plugin.choice import CHOICE
from pv.pytest_plugin.log import Log
from pv.pytest_plugin.nodes import Nodes
from pv.pytest_plugin.project import PROJECT
from pv.pytest_plugin.row import broken
from pv.pytest_plugin.run import PROPERTY
from pv.report import matrix_text
from pv.report.console import Paint, escape
from pv.report.refutation import block
from pv.report.summary import headline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.config import Config
    from pv.parse import Case, Claim

DIED = "pv_died"  # the attribute of such a report that says more of it
_RED = {Word.REFUTED, Word.DISCHARGED, Word.SURVIVED, Word.MISLOCALISED}


class Recorder:
    """Appends a row for each run to the ledger as soon as the run is over, and sums up at the end."""

    def __init__(self, config: pytest.Config, settings: Config) -> None:
        self._config, self._settings = config, settings
        self._choice = config.stash.get(CHOICE, None)
        self._log = Log(
            config.stash[PROJECT].ledger,
            config.rootpath,
            [str(one) for one in config.invocation_params.args],
            self._choice.decision.about if self._choice else None,
        )
        self.rows: dict[str, dict[str, Any]] = {}
        self.pending: dict[str, dict[str, Any]] = {}
        self._open: dict[str, dict[str, Any]] = {}
        self._nodes = Nodes(config.rootpath, settings)

    @property
    def problem(self) -> str | None:
        """Why the ledger cannot be written, if it cannot."""
        return self._log.problem

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say that a run begins, so that one which never ends leaves no older evidence standing."""
        self.begin(nodeid)

    def begin(self, nodeid: str) -> None:
        """The same, as soon as an item is handed to another machine; once for each run."""
        row = None if nodeid in self._open else self._broken(nodeid, "began and did not end")
        if row:
            self._open[nodeid] = self._log.write("begin", row)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the row out of a report; the row is final when the item has been torn down."""
        for name, value in report.user_properties:
            if name == PROPERTY and isinstance(value, str):
                self.pending[report.nodeid] = json.loads(value)
        if str(report.when) == "???":  # xdist's word for an item whose worker died
            row = self._broken(report.nodeid, getattr(report, DIED, "the worker that ran it died"))
            if row:
                self.pending[report.nodeid] = row
        if report.when == "teardown" or str(report.when) == "???":
            self._flush(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write what is left; a ledger that cannot be written makes the session fail."""
        for node in list(self.pending):
            self._flush(node)
        if session.exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            self._log.sync()
        else:
            self._close()
            if self._is_empty_shard(session):
                self._log.begin()
            self._log.end(int(session.exitstatus))
        if self.problem and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the counts, with their denominators, and the kill matrix where it was asked for."""
        if not self.rows and self._choice is None:
            self._complain(terminalreporter)
            return
        terminalreporter.section("contracts", sep="=")
        paint = Paint(on=terminalreporter.hasmarkup)
        if self._config.getoption("tbstyle") == "no":  # otherwise they stand among pytest's failures
            self._refutations(terminalreporter, paint)
        for line in self._choice.lines() if self._choice else ():
            terminalreporter.write_line(line)
        folded, partial = self._folded()
        if self._config.getoption("mutants"):
            self._matrix(terminalreporter, folded, paint)
        elif folded or not self._config.option.collectonly:
            terminalreporter.write_line(f"pv: {headline(folded)}{partial}")
        self._complain(terminalreporter)

    def _refutations(self, terminalreporter: pytest.TerminalReporter, paint: Paint) -> None:
        for _, row in sorted(self.rows.items()):
            found = self._nodes.find(row["node"])
            if found and not row["ok"] and row["verdict"] in _RED:
                terminalreporter.write_line(block(row, found[0], None, paint))

    def _matrix(self, terminalreporter: pytest.TerminalReporter, folded: list[Folded], paint: Paint) -> None:
        if self._config.getoption("pv_no_matrix"):
            return
        columns = shutil.get_terminal_size().columns if paint.on else None
        *lines, last = matrix_text.as_lines(folded, paint, columns, getattr(sys.stdout, "encoding", None))
        for line in [*lines, f"pv: {last}"]:
            terminalreporter.write_line(line)

    def _complain(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.problem:
            line = f"pv: the ledger {self._log.path} cannot be written: {self.problem}"
            terminalreporter.write_line(escape(line), red=True)

    def _flush(self, node: str) -> None:
        row = self.pending.pop(node, None)
        if row is not None:
            self._open.pop(node, None)
            self.rows[node] = self._log.write("case", row)

    def _close(self) -> None:
        """Runs that an orderly end of the session cut short, as Ctrl-C or `-x` with workers do, are no errors."""
        for node, row in self._open.items():
            short = {
                "verdict": str(Word.INCONCLUSIVE),
                "reason": "interrupted",
                "message": "the session ended before it",
            }
            self.rows[node] = self._log.write("case", {**row, **short})
        self._open.clear()

    def _is_empty_shard(self, session: pytest.Session) -> bool:
        """Whether this was a shard that had nothing to run."""
        sharded = self._choice is not None and bool(self._choice.decision.about)
        done = session.exitstatus == pytest.ExitCode.OK and not self._config.option.collectonly
        return sharded and done and not self.rows

    def _broken(self, node: str, message: str) -> dict[str, Any] | None:
        found = self._nodes.find(node)
        if found is None:
            return None
        try:
            return broken(*found, node, self._settings, message)
        except OSError as problem:
            self._log.problem = self._log.problem or f"{problem.filename}: {problem.strerror}"
            return None

    def _folded(self) -> tuple[list[Folded], str]:
        """The claims of which anything was run, each judged by all of its cases, and how many of those were run."""
        claims: dict[tuple[str, str], Claim] = {}
        rows: dict[tuple[str, str, str, str], Mapping[str, Any]] = {}
        known = {**{str(row["node"]): row for row in (self._choice.kept if self._choice else ())}, **self.rows}
        for node, row in sorted(known.items(), key=lambda entry: self._nodes.place(entry[0])):
            found = self._nodes.find(node)
            if found:
                claims[row["contract"], row["claim"]] = found[0]
                rows[row["contract"], row["claim"], row["params"], row["mutant"]] = row
        evidence = [
            [
                CaseEvidence(case, rows.get((claim.contract, claim.id, case.key, _mutant(case))))
                for case in claim.cases()
            ]
            for claim in claims.values()
        ]
        total = sum(len(cases) for cases in evidence)
        partial = f"; only {len(rows)} of their {total} cases were run" if len(rows) < total else ""
        return [fold(claim, cases) for claim, cases in zip(claims.values(), evidence, strict=True)], partial


def _mutant(case: Case) -> str:
    return case.mutant.id if case.mutant else ""
