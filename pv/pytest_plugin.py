"""Contracts as pytest items. Does nothing, and loads nothing, where pyproject.toml has no `[tool.pv]`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of pv."""
    group = parser.getgroup("pv", "contracts (pv)")
    group.addoption("--pv-strict", action="store_true", help="a claim that comes out inconclusive fails")
    group.addoption("--pv-ledger", metavar="PATH", help="where evidence is appended (default: [tool.pv] ledger)")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to collect contracts if this project wants it.

    Raises:
        UsageError: `[tool.pv]` says something that cannot be used.
    """
    from pv.config import read_config  # noqa: PLC0415  importing the plugin must cost nothing
    from pv.types import UsageProblem  # noqa: PLC0415  as above

    try:
        settings = read_config(config.rootpath)
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None
    if settings is None:
        return
    config.addinivalue_line("markers", "falsify(claim): tries to refute a claim of a contract")

    from pv import pytest_plugin_collect, pytest_plugin_run  # noqa: PLC0415  only in a project with contracts
    from pv.pytest_plugin_record import Recorder  # noqa: PLC0415  as above

    config.stash[pytest_plugin_collect.PROJECT] = pytest_plugin_collect.Project(config, settings)
    config.pluginmanager.register(pytest_plugin_collect, "pv-collect")
    config.pluginmanager.register(pytest_plugin_run, "pv-run")
    if not hasattr(config, "workerinput"):  # with xdist, the controller alone keeps the ledger
        config.pluginmanager.register(Recorder(config, settings), "pv-record")
