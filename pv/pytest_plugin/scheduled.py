"""`--pv-scheduler`: the items of a session are run by workers of dask.distributed, and told as if they had been run here."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from pv.elsewhere import child
from pv.elsewhere.cluster import Cluster, Unreachable
from pv.elsewhere.identity import identity
from pv.pytest_plugin.dispatch import Dispatch
from pv.pytest_plugin.jobs import job
from pv.pytest_plugin.project import PROJECT
from pv.pytest_plugin.serve import plugins
from pv.pytest_plugin.telling import Teller, counted
from pv.pytest_plugin.workers import Workers
from pv.report.console import escape
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pv.elsewhere.identity import Identity

_NOT_ELSEWHERE = {"usepdb": "--pdb", "trace": "--trace", "cov_source": "--cov"}


class Scheduled:
    """Hands the items of a session to the workers of a scheduler.

    Raises:
        UsageError: another option of the command line does not go with it.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._address = str(config.getoption("pv_scheduler"))
        self._patience = float(config.getoption("pv_scheduler_timeout"))
        _refuse_others(config)
        self._session = uuid.uuid4().hex
        self._teller = Teller(config)
        self._cluster: Cluster | None = None
        self._workers: Workers | None = None
        self._dispatch: Dispatch | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Connect, so that workers collect while this process does.

        Raises:
            UsageError: there is no scheduler at the address, or dask.distributed is not installed.
        """
        config = self._config
        if config.option.collectonly:
            return
        try:
            self._cluster = Cluster(self._address, self._session, self._patience)
            self._workers = Workers(self._cluster, job(config, self._session), config.rootpath, self._patience)
            self._workers.look()
        except (UsageProblem, Unreachable) as problem:
            self.pytest_unconfigure()
            raise pytest.UsageError(f"--pv-scheduler: {problem}") from None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run everything elsewhere, and tell of it in the order of the session.

        Raises:
            UsageError: no worker can be had.
        """
        failed = session.testsfailed and not self._config.option.continue_on_collection_errors
        cluster, workers = self._cluster, self._workers
        if cluster is None or workers is None or failed or not session.items:
            return None  # pytest says why nothing is run
        workers.expected = self._identity()
        try:
            workers.await_one()
            self._dispatch = Dispatch(session, self._session, cluster, workers, self._teller)
            self._dispatch.run(self._patience)
        except Unreachable as problem:
            raise session.Interrupted(str(problem)) from None
        except UsageProblem as problem:
            raise pytest.UsageError(f"--pv-scheduler: {problem}") from None
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Let the workers end what was begun for this session; fixtures that they could not take down make it fail."""
        cluster, workers = self._cluster, self._workers
        if cluster is None or workers is None:
            return
        handed = self._dispatch.handed if self._dispatch is not None else {}
        cluster.forget(*workers.greeted, *handed)
        orderly = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not handed
        problems = self._teller.problems
        for address, text in cluster.tell(child.finish if orderly else child.stop, self._session).items():
            name = workers.name(address)
            problems += [f"{name}: fixtures of the session were not taken down: {one}" for one in json.loads(text)]
        if problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        cluster.close()
        self._cluster = None

    def pytest_unconfigure(self) -> None:
        """Let go of the scheduler, if the session did not come to its end."""
        if self._cluster is not None:
            self._cluster.tell(child.stop, self._session)
            self._cluster.close()
            self._cluster = None

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say who ran what, and who was refused."""
        told = self._teller
        if self._dispatch is not None and told.ran:
            line = f"pv: {counted(told.ran, 'item')} run by {counted(told.workers, 'worker')} of {self._address}"
            again = self._dispatch.again
            more = f", {again} of them once more because a worker died" if again else ""
            terminalreporter.write_line(escape(line + more))
        for line in self._workers.refused.values() if self._workers is not None else ():
            for part in f"pv: {line}".splitlines():
                terminalreporter.write_line(escape(part), yellow=True)
        for line in told.problems:
            terminalreporter.write_line(escape(f"pv: {line}"), red=True)

    def _identity(self) -> Identity:
        try:
            return identity(self._config.rootpath, self._config.stash[PROJECT].files, plugins(self._config))
        except OSError as problem:
            raise pytest.UsageError(f"{problem.filename}: cannot be read: {problem.strerror}") from None


def _refuse_others(config: pytest.Config) -> None:
    """See that nothing is asked for that needs items to be run here.

    Raises:
        UsageError: something is.
    """
    if getattr(config.option, "tx", None) and config.getoption("dist", "no") != "no":
        raise pytest.UsageError(
            "--pv-scheduler and -n: both would run the items, each with workers of its own; leave one of them out "
            "(-n 0, if the project's addopts ask for workers)"
        )
    for name, option in _NOT_ELSEWHERE.items():
        if getattr(config.option, name, None):
            raise pytest.UsageError(
                f"--pv-scheduler and {option}: no item is run in this process, so {option} would see nothing"
            )
