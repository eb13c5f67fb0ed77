"""An item that was run elsewhere is told of as if it had been run here: to the terminal, the ledger, and whoever listens."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from pv.elsewhere.plan import Dead
from pv.pytest_plugin.carried import kept_folder, tell_warning, unpack_folder, unpack_report
from pv.pytest_plugin.record import DIED


class _Gateway(NamedTuple):
    id: str


class _Node:
    """Who ran an item, in the form in which pytest looks for it."""

    def __init__(self, name: str) -> None:
        self.gateway = _Gateway(name)
        self._workerinfocache = f"[{name}]"


class Teller:
    """Tells of items, and counts them.

    Attributes:
        ran: how many items were told of.
        problems: what went wrong beside them, a line each.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._nodes: dict[str, _Node] = {}
        self.problems: list[str] = []
        self.ran = 0

    @property
    def workers(self) -> int:
        """How many workers ran what was told of."""
        return len(self._nodes)

    def tell(self, item: pytest.Item, outcome: dict[str, Any] | Dead) -> None:
        """Tell of an item; `outcome` is what its worker sent of it, and that worker's name as `worker`."""
        hook = self._config.hook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        self.clear()
        self.ran += 1
        if isinstance(outcome, Dead):
            hook.pytest_runtest_logreport(report=_dead(item, outcome))
        else:
            node = self._nodes.setdefault(outcome["worker"], _Node(outcome["worker"]))
            try:
                unpack_folder(kept_folder(item), outcome["examples"])
            except OSError as problem:
                self.problems.append(f"{problem.filename}: what refutes a claim cannot be kept: {problem.strerror}")
            for kind, data in outcome["events"]:
                if kind == "warning":
                    tell_warning(self._config, data)
                    continue
                report: Any = unpack_report(self._config, data)
                report.node = node
                report.user_properties.append(("pv.worker", outcome["worker"]))
                hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def progress(self, done: int, total: int, workers: int, address: str) -> None:
        """Say how many items are done and how many workers run them, if progress is shown."""
        line: Any = self._config.pluginmanager.get_plugin("pv-progress")
        if line is not None:
            line.tell(done, total, f"items run by {counted(workers, 'worker')} of {address}")

    def clear(self) -> None:
        """Leave the line of the progress to what is told next."""
        line: Any = self._config.pluginmanager.get_plugin("pv-progress")
        if line is not None:
            line.clear()


def counted(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _dead(item: pytest.Item, outcome: Dead) -> pytest.TestReport:
    times = f"it was begun {counted(len(outcome.deaths), 'time')}, and what ran it died"
    report = pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords={},
        outcome="failed",
        longrepr="\n".join([f"{times}:", *outcome.deaths]),
        when="???",  # type: ignore[arg-type]  # as pytest-xdist calls what it says of an item whose worker died
    )
    setattr(report, DIED, f"{times} each time")
    return report
