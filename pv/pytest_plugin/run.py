"""The fixtures of a falsifier, and the verdict of each run put into pytest's report."""

from __future__ import annotations

import contextlib
import inspect
import json
import reprlib
import unittest
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pv.deciders import recorded
from pv.environment import environment
from pv.judge import Verdict, Word, error, judge, judge_change, judge_fixture
from pv.levels import MODEL
from pv.naming import name_of
from pv.pytest_plugin.examples import Kept, keeping, open_kept
from pv.pytest_plugin.project import PROJECT, RUN, BindingProblem, Project, Run
from pv.pytest_plugin.row import identity
from pv.report.console import Paint, escape
from pv.report.refutation import block
from pv.signals import Inconclusive
from pv.types import UsageProblem
from pv.watched import changed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from pv.evidence import Evidence
    from pv.limits import ShellLimits
    from pv.parse import Claim, Mutant
    from pv.properties.subjects import Subjects

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


@pytest.fixture
def pv_subjects(request: pytest.FixtureRequest) -> Subjects:
    """The modules whose functions executable contracts judge."""
    return request.config.stash[PROJECT].subjects


@pytest.fixture
def pv_shell_tests(request: pytest.FixtureRequest) -> tuple[Path, ShellLimits]:
    """The project's folder, and what a command of a contract is given."""
    settings = request.config.stash[PROJECT].settings
    return settings.root, settings.shell_tests


def _run_of(request: pytest.FixtureRequest) -> Run:
    run: Run | None = request.node.stash.get(RUN, None)
    if run is None:
        raise pytest.UsageError(f"{request.fixturename!r} is a fixture of pv: only falsifiers of claims can use it")
    return run


class ReturnedValue(Exception):
    """A falsifier returned something, which says nothing: only what it raises refutes."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    """Call a falsifier, and let nothing that it returns be lost.

    Raises:
        ReturnedValue: it returned something.
    """
    run = pyfuncitem.stash.get(RUN, None)
    if run is None:
        return None
    given = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}  # noqa: SLF001  as pytest's own call does
    run.kept = _kept(pyfuncitem, run)
    with keeping(run.kept):
        returned = pyfuncitem.obj(**given)
    if returned is not None:
        if inspect.iscoroutine(returned):
            returned.close()
        raise ReturnedValue(f"returned {reprlib.repr(returned)}; raise Refuted or assert")
    return True


def _kept(item: pytest.Item, run: Run) -> Kept:
    """The counterexamples of a case, beside the ledger."""
    config = item.config
    project, again = config.stash[PROJECT], config.getoption("pv_again")
    return open_kept(project.held or project.ledger, run.claim, run.case, _session_seed(config), again)


def _session_seed(config: pytest.Config) -> int | None:
    """What pytest-randomly makes random numbers from, if it is there."""
    seed = getattr(config.option, "randomly_seed", None)
    return seed if isinstance(seed, int) else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the run and let pytest's outcome follow the verdict."""
    raised = None if call.excinfo is None else _signal(call.excinfo.value)
    run = item.stash.get(RUN, None)
    judged = None if run is None else _judged(run, call, raised)
    with _as_it_is_shown(item, judged):
        report = yield
    if isinstance(raised, BindingProblem):
        report.longrepr = str(raised)
    if run is None or judged is None:
        return report
    if call.when == "call" and judged.word is Word.ERROR and raised is None:
        report.longrepr = judged.message
    replaced = _replaced(judged, run.evidence.changed)
    verdict = replaced or judge_change(judged, _changed(item, run))
    row = _row(item, call, run, verdict)
    if row["counterexample"] is None and raised is not None:
        row["counterexample"] = "\n".join(getattr(raised, "__notes__", [])) or None
    report.user_properties.append((PROPERTY, json.dumps(row)))
    # what somebody wrote is at fault, and the message says where: nobody needs to read how we came to it
    _show(item, report, run, verdict, row, usage=isinstance(raised, UsageProblem) or replaced is not None)
    return report


def _judged(run: Run, call: pytest.CallInfo[None], raised: BaseException | None) -> Verdict | None:
    """The verdict on a phase of a run, before it is known whether its sources are still the same; None where it says nothing."""
    if call.when != "call":
        return None if raised is None else judge_fixture(raised)
    told = run.evidence
    return judge(
        raised,
        compared=told.total,
        expect=run.claim.expect,
        mutant=run.case.mutant,
        beyond=told.beyond,
        overstated=told.overstated,
        left_out=told.left_out,
    )


@contextlib.contextmanager
def _as_it_is_shown(item: pytest.Item, judged: Verdict | None) -> Iterator[None]:
    """Have pytest write out how a run came to what it raised only where that is shown: of a run that broke.

    It takes as long as many a falsifier, and every mutant that is killed raises.
    """
    if judged is None or judged.word is Word.ERROR:
        yield
        return
    item.repr_failure = lambda *_args, **_style: ""  # type: ignore[method-assign] # of this item alone
    try:
        yield
    finally:
        del item.repr_failure


def _signal(raised: BaseException) -> BaseException:
    if isinstance(raised, (pytest.skip.Exception, unittest.SkipTest)):
        return Inconclusive("skipped", str(raised))
    return raised


def _replaced(judged: Verdict, changed: list[str]) -> Verdict | None:
    """The verdict where a model was exchanged under the run: neither file was measured, and that is nobody's daily work."""
    models = [one for one in changed if one.startswith(f"{MODEL} ")]
    if not models or judged.word is Word.ERROR:
        return None
    return error(UsageProblem(f"{', '.join(models)}: replaced while the claim was run; run it again"))


def _changed(item: pytest.Item, run: Run) -> list[str]:
    """The files and folders that the run rests on and that are no longer what they were when it began."""
    project = item.config.stash[PROJECT]
    code = [
        f"{kind} {name_of(path, project.settings.root)}" for kind, path in project.deciders(item.path) if changed(path)
    ]
    return list(dict.fromkeys([*run.evidence.changed, *code]))


def _show(
    item: pytest.Item, report: pytest.TestReport, run: Run, verdict: Verdict, row: dict[str, Any], *, usage: bool
) -> None:
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    if verdict.ok:
        report.outcome, report.longrepr = "passed", None
    elif verdict.word is Word.INCONCLUSIVE:
        text = ": ".join(filter(None, (verdict.reason, verdict.message)))
        text = escape(text)
        report.outcome, report.longrepr = "skipped", (run.claim.path, run.claim.span.line, f"inconclusive: {text}")
        if item.config.getoption("pv_strict"):
            report.outcome, report.longrepr = "failed", f"{run.claim.path}:{run.claim.span.line}: inconclusive: {text}"
    else:
        report.outcome = "failed"
        if verdict.word is not Word.ERROR or usage:
            report.longrepr = block(row, run.claim, run.source, Paint(on=False))
        elif escaped := _escaped(str(report.longrepr)):
            report.longrepr = escaped


def _escaped(text: str) -> str:
    """A traceback with what drives terminals made visible, as what broke may quote any file; empty where there is nothing of it."""
    lines = text.replace("\t", "    ").split("\n")
    shown = "\n".join(map(escape, lines))
    return shown if shown != "\n".join(lines) else ""


def _examples(kept: Kept | None, project: Project) -> dict[str, Any] | None:
    """How Hypothesis was run: the seed of each property, what was tried first, and where a counterexample is kept."""
    if kept is None or not kept.properties:
        return None
    return {"kept": project.folder_shown(kept.folder) if kept.holds else None, "properties": kept.properties}


def _row(item: pytest.Item, call: pytest.CallInfo[None], run: Run, verdict: Verdict) -> dict[str, Any]:
    project = item.config.stash[PROJECT]
    falsifier, told = run.falsifier, run.evidence.as_dict()
    code = recorded(project.settings, project.deciders(item.path))
    return {
        **identity(run.claim, run.case, item.nodeid),
        "verdict": str(verdict.word),
        "ok": verdict.ok,
        "refuted": verdict.refuted,
        "reason": verdict.reason,
        "message": verdict.message,
        "where": dict(verdict.where),
        "distance": verdict.distance,
        "bound": verdict.bound,
        **told,
        "inputs": [*told["inputs"], *(entry for entry in code if entry not in told["inputs"])],
        "falsifier": falsifier
        and {
            "path": project.show_falsifier(falsifier),
            "line": falsifier.line,
            "qualname": falsifier.qualname,
            "sha256": falsifier.source_sha256,
        },
        "seed": _session_seed(item.config),
        "examples": _examples(run.kept, project),
        "environment": environment(),
        "started": datetime.fromtimestamp(call.start, UTC).isoformat(),
        "duration_s": round(call.duration, 6),
    }
