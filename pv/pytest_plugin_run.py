"""The fixtures of a falsifier, and the verdict of each run put into pytest's report."""

from __future__ import annotations

import json
import unittest
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pv.environment import environment
from pv.judge import Verdict, Word, judge, judge_fixture
from pv.pytest_plugin_collect import PROJECT, RUN, BindingProblem, Run
from pv.report.console import Paint
from pv.report.refutation import block
from pv.signals import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Generator

    from pv.evidence import Evidence
    from pv.parse import Claim, Mutant

PROPERTY = "pv.evidence"  # the name under which a row travels in a report, from xdist's workers to the controller


@pytest.fixture
def claim(request: pytest.FixtureRequest) -> Claim:
    """The claim that the falsifier tries to refute."""
    return _run_of(request).claim


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """Where the falsifier records what it compared."""
    return _run_of(request).evidence


@pytest.fixture
def mutant() -> Mutant | None:
    """The planted fault that the falsifier must refute; None in a run on the honest subject."""
    return None


def _run_of(request: pytest.FixtureRequest) -> Run:
    run: Run | None = request.node.stash.get(RUN, None)
    if run is None:
        raise pytest.UsageError(f"{request.fixturename!r} is a fixture of pv: only falsifiers of claims can use it")
    return run


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the run and let pytest's outcome follow the verdict."""
    report = yield
    raised = None if call.excinfo is None else _signal(call.excinfo.value)
    if isinstance(raised, BindingProblem):
        report.longrepr = str(raised)
    run = item.stash.get(RUN, None)
    if run is None or (call.when != "call" and raised is None):
        return report
    if call.when == "call":
        verdict = judge(raised, compared=run.evidence.total, expect=run.claim.expect, mutant=run.case.mutant)
    else:
        verdict = judge_fixture(raised or RuntimeError("a fixture failed without saying why"))
    row = _row(item, call, run, verdict)
    if row["counterexample"] is None and raised is not None:
        row["counterexample"] = "\n".join(getattr(raised, "__notes__", [])) or None
    report.user_properties.append((PROPERTY, json.dumps(row)))
    _show(item, report, run, verdict, row)
    return report


def _signal(raised: BaseException) -> BaseException:
    if isinstance(raised, (pytest.skip.Exception, unittest.SkipTest)):
        return Inconclusive("skipped", str(raised))
    return raised


def _show(item: pytest.Item, report: pytest.TestReport, run: Run, verdict: Verdict, row: dict[str, Any]) -> None:
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    if verdict.ok:
        report.outcome, report.longrepr = "passed", None
    elif verdict.word is Word.INCONCLUSIVE:
        text = ": ".join(filter(None, (verdict.reason, verdict.message)))
        report.outcome, report.longrepr = "skipped", (run.claim.path, run.claim.span.line, f"inconclusive: {text}")
        if item.config.getoption("pv_strict"):
            report.outcome, report.longrepr = "failed", f"{run.claim.path}:{run.claim.span.line}: inconclusive: {text}"
    else:
        report.outcome = "failed"
        if verdict.word is not Word.ERROR:
            report.longrepr = block(row, run.claim, run.source, Paint(on=False))


def _row(item: pytest.Item, call: pytest.CallInfo[None], run: Run, verdict: Verdict) -> dict[str, Any]:
    project = item.config.stash[PROJECT]
    falsifier = run.falsifier
    seed = getattr(item.config.option, "randomly_seed", None)
    return {
        "contract": run.claim.contract,
        "claim": run.claim.id,
        "params": run.case.params_id,
        "mutant": run.case.mutant.id if run.case.mutant else "",
        "node": item.nodeid,
        "fingerprint": run.claim.fingerprint,
        "verdict": str(verdict.word),
        "ok": verdict.ok,
        "expect": str(run.claim.expect),
        "reason": verdict.reason,
        "message": verdict.message,
        "where": dict(verdict.where),
        "distance": verdict.distance,
        "bound": verdict.bound,
        **run.evidence.as_dict(),
        "falsifier": falsifier
        and {
            "path": project.show(falsifier.path),
            "line": falsifier.line,
            "qualname": falsifier.qualname,
            "sha256": falsifier.source_sha256,
        },
        "seed": seed if isinstance(seed, int) else None,
        "environment": environment(),
        "started": datetime.fromtimestamp(call.start, UTC).isoformat(),
        "duration_s": round(call.duration, 6),
    }
