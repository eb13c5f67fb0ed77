"""The ledger and the summary of a session: kept by one process, the controller if there are workers."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from pv.corpus import Reading, read
from pv.environment import commit, environment
from pv.fold import CaseEvidence, Folded, fold
from pv.judge import Word
from pv.ledger import append, sync
from pv.pytest_plugin_run import PROPERTY
from pv.report.console import Paint
from pv.report.refutation import block
from pv.report.status_text import headline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pv.config import Config
    from pv.parse import Case, Claim

_RED = {Word.REFUTED, Word.DISCHARGED, Word.SURVIVED, Word.MISLOCALISED}


class Recorder:
    """Appends a row for each run to the ledger as soon as the run is over, and sums up at the end."""

    def __init__(self, config: pytest.Config, settings: Config) -> None:
        self._config, self._settings = config, settings
        chosen = config.getoption("pv_ledger")
        self.path: Path = config.invocation_params.dir / chosen if chosen else settings.ledger
        self.rows: dict[str, dict[str, Any]] = {}
        self.pending: dict[str, dict[str, Any]] = {}
        self.problem: str | None = None
        self._session: dict[str, Any] | None = None
        self._readings: dict[str, Reading] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the row out of a report; the row is final when the item has been torn down."""
        for name, value in report.user_properties:
            if name == PROPERTY and isinstance(value, str):
                self.pending[report.nodeid] = json.loads(value)
        if str(report.when) == "???":  # xdist's word for an item whose worker died
            row = self._crashed(report)
            if row:
                self.pending[report.nodeid] = row
        if report.when == "teardown" or str(report.when) == "???":
            self._flush(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write what is left; a ledger that cannot be written makes the session fail."""
        for node in list(self.pending):
            self._flush(node)
        if self.rows and not self.problem:
            try:
                sync(self.path)
            except OSError as problem:
                self.problem = str(problem)
        if self.problem and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print each refutation and the counts, with their denominators."""
        if not self.rows:
            return
        terminalreporter.section("contracts", sep="=")
        for _, row in sorted(self.rows.items()):
            claim = self._claim(row["node"], row["claim"])
            if claim and not row["ok"] and row["verdict"] in _RED:
                terminalreporter.write_line(block(row, claim, None, Paint(on=terminalreporter.hasmarkup)))
        terminalreporter.write_line(f"pv: {headline(self._folded())}")
        if self.problem:
            terminalreporter.write_line(f"pv: the ledger {self.path} cannot be written: {self.problem}", red=True)

    def _flush(self, node: str) -> None:
        row = self.pending.pop(node, None)
        if row is None:
            return
        if self._session is None:
            head, dirty = commit(self._config.rootpath)
            self._session = {"run": uuid.uuid4().hex, "commit": head, "dirty": dirty}
        row = {**row, **self._session}
        self.rows[node] = row
        if self.problem:
            return
        try:
            append(self.path, [row])
        except OSError as problem:
            self.problem = problem.strerror or str(problem)

    def _folded(self) -> list[Folded]:
        """The claims that were run, each judged by those of its cases that were."""
        claims: dict[tuple[str, str], tuple[Claim, list[CaseEvidence]]] = {}
        for node, row in self.rows.items():
            claim = self._claim(node, row["claim"])
            case = next((case for case in claim.cases() if _is_of(row, case)), None) if claim else None
            if claim and case:
                claims.setdefault((row["contract"], row["claim"]), (claim, []))[1].append(CaseEvidence(case, row))
        return [fold(claim, cases) for claim, cases in claims.values()]

    def _crashed(self, report: pytest.TestReport) -> dict[str, Any] | None:
        for claim in self._claims(report.nodeid):
            for case in claim.cases():
                name = f"{claim.path}::{claim.id}" + (f"[{case.label}]" if case.label else "")
                if name == report.nodeid:
                    return {
                        "contract": claim.contract,
                        "claim": claim.id,
                        "params": case.params_id,
                        "mutant": case.mutant.id if case.mutant else "",
                        "node": report.nodeid,
                        "fingerprint": claim.fingerprint,
                        "verdict": str(Word.ERROR),
                        "ok": False,
                        "expect": str(claim.expect),
                        "reason": "",
                        "message": "the worker that ran it died",
                        "environment": environment(),
                    }
        return None

    def _claim(self, node: str, claim_id: str) -> Claim | None:
        return next((claim for claim in self._claims(node) if claim.id == claim_id), None)

    def _claims(self, node: str) -> Iterator[Claim]:
        """The claims of the contract that a node id belongs to; the controller of xdist has collected nothing itself."""
        name = node.split("::", maxsplit=1)[0]
        path = self._config.rootpath / name
        if not any(path.is_relative_to(folder) for folder in self._settings.contracts):
            return
        if name not in self._readings:
            self._readings[name] = read(path, name)
        contract = self._readings[name].contract
        yield from contract.claims if contract else ()


def _is_of(row: dict[str, Any], case: Case) -> bool:
    return bool(row["params"] == case.params_id and row["mutant"] == (case.mutant.id if case.mutant else ""))
