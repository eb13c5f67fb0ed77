"""Contracts as pytest items. Does nothing, and loads nothing, where pyproject.toml has no `[tool.pv]`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from pv.config import Config


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of pv."""
    group = parser.getgroup("pv", "contracts (pv)")
    group.addoption("--pv-strict", action="store_true", help="a claim that comes out inconclusive fails")
    group.addoption(
        "--mutants", action="store_true", help="run claims on their mutants only, and print the kill matrix"
    )
    group.addoption("--pv-no-matrix", action="store_true", help=argparse.SUPPRESS)  # `pv mutants` prints its own
    group.addoption("--pv-again", metavar="FILE", help=argparse.SUPPRESS)  # `pv replay` says how examples were made
    group.addoption("--pv-ledger", metavar="PATH", help="where evidence is appended (default: [tool.pv] ledger)")
    group.addoption("--pv-shard", metavar="K/N", help="run the K-th of N shards, cut by measured duration")
    group.addoption(
        "--pv-durations",
        metavar="PATH",
        help="cut shards by this ledger, or JSON of node ids and seconds (default: own)",
    )
    group.addoption(
        "--subject",
        action="append",
        metavar="NAME=MODULE",
        help="judge this module's functions instead of those of [tool.pv.subjects]; evidence goes to a ledger of its own",
    )
    group.addoption(
        "--run-shell-tests",
        action="store_true",
        help="run what claims without a falsifier have as a command under `test:`; contracts then run programs as you",
    )
    group.addoption(
        "--pv-scheduler",
        metavar="ADDRESS",
        help="run items on the workers of a scheduler of dask.distributed, as in tcp://host:8786",
    )
    group.addoption(
        "--pv-scheduler-timeout",
        metavar="SECONDS",
        type=_seconds,
        default=120.0,
        help="how long to wait for the scheduler, and for a worker (default: 120)",
    )
    group.addoption("--pv-serve", metavar="FD", type=int, help=argparse.SUPPRESS)  # what a worker is started with
    group.addoption("--resume", action="store_true", help="keep fresh evidence of this commit, and run the rest")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


def _register_profiles(config: pytest.Config) -> None:
    """Make pv's profiles known to Hypothesis before its own plugin loads the one that is asked for."""
    if config.getoption("hypothesis_profile", None) or "hypothesis" in sys.modules:
        try:
            from pv.properties.profiles import register  # noqa: PLC0415  only where Hypothesis is used
        except ModuleNotFoundError:  # no Hypothesis here, so no profile either
            return
        register()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Look at the code that verdicts rest on before any of it is imported.

    Raises:
        UsageError: `[tool.pv]` says something that cannot be used, or a file cannot be read.
    """
    settings = _settings(early_config)
    descriptor = early_config.known_args_namespace.pv_serve
    if settings is None:
        if descriptor is not None:
            raise pytest.UsageError(f"{early_config.rootpath / 'pyproject.toml'} has no [tool.pv], so no contracts")
        return
    if descriptor is not None:
        from pv.pytest_plugin.serve import Served  # noqa: PLC0415  only in a worker of a scheduler

        served, worker = Served(descriptor), cast("Any", early_config)
        worker.workerinput, worker.workeroutput = served.input, {}
        early_config.pluginmanager.register(served, "pv-served")
    from pv.deciders import watch_all  # noqa: PLC0415  only in a project with contracts

    try:
        watch_all(settings)
    except OSError as problem:
        raise pytest.UsageError(f"{problem.filename}: cannot be read: {problem.strerror}") from None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin to collect contracts if this project wants it.

    Raises:
        UsageError: `[tool.pv]` says something that cannot be used, or is not there and was asked for, or Python drops assertions.
    """
    settings = _settings(config)
    if settings is None:
        for option in ("--mutants", "--pv-shard", "--resume", "--run-shell-tests", "--subject"):
            if config.getoption(option):
                raise pytest.UsageError(
                    f"{option}: {config.rootpath / 'pyproject.toml'} has no [tool.pv], so no contracts"
                )
        _announce_foreign_root(config)
        return
    _register_profiles(config)
    config.addinivalue_line("markers", "falsify(claim): tries to refute a claim of a contract")

    if config.getoption("run_shell_tests") and os.name != "posix":
        raise pytest.UsageError("--run-shell-tests: limits of time and memory are known on POSIX systems only")
    from pv.pytest_plugin import collect, run  # noqa: PLC0415  only in a project with contracts
    from pv.pytest_plugin.missed import LeftOut  # noqa: PLC0415  as above
    from pv.pytest_plugin.progress import progress_line  # noqa: PLC0415  as above
    from pv.pytest_plugin.project import PROJECT, Project  # noqa: PLC0415  as above
    from pv.pytest_plugin.record import Recorder  # noqa: PLC0415  as above

    project = Project(config, settings)
    config.stash[PROJECT] = project
    config.pluginmanager.register(collect, "pv-collect")
    config.pluginmanager.register(run, "pv-run")
    line = progress_line(config)
    if line is not None:
        config.pluginmanager.register(line, "pv-progress")
    _choose(config)
    if not hasattr(config, "workerinput"):  # with xdist, the controller alone keeps the ledger
        config.pluginmanager.register(Recorder(config, settings), "pv-record")
        config.pluginmanager.register(LeftOut(config, project.files), "pv-left-out")
    if config.getoption("pv_scheduler") is not None and config.getoption("pv_serve") is None:
        from pv.pytest_plugin.scheduled import Scheduled  # noqa: PLC0415  few sessions run elsewhere

        config.pluginmanager.register(Scheduled(config), "pv-scheduled")


def _choose(config: pytest.Config) -> None:
    """Decide what is run, if that is not everything; a worker is told by the controller."""
    worker = getattr(config, "workerinput", None)
    asked = any(
        config.getoption(option) not in (None, False) for option in ("--pv-shard", "--pv-durations", "--resume")
    )
    if (worker is None and asked) or "pv_choice" in (worker or ()):
        from pv.pytest_plugin.choice import CHOICE, Chosen, choose  # noqa: PLC0415  few sessions choose

        if worker is None:
            config.stash[CHOICE] = choose(config)
        config.pluginmanager.register(config.stash.get(CHOICE, None) or Chosen.handed(config), "pv-choice")


def _settings(config: pytest.Config) -> Config | None:
    from pv.config import read_config  # noqa: PLC0415  importing the plugin must cost nothing
    from pv.types import UsageProblem  # noqa: PLC0415  as above

    try:
        settings = read_config(config.rootpath, foreign=True)
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None
    if settings is not None and sys.flags.optimize:
        raise pytest.UsageError("python -O drops assertions, so no falsifier could refute; run pytest without -O")
    return settings


def _announce_foreign_root(config: pytest.Config) -> None:
    """Say so where pytest's root is not the folder that it was called in, and that folder has contracts."""
    from pv.config import read_config  # noqa: PLC0415  importing the plugin must cost nothing
    from pv.types import UsageProblem  # noqa: PLC0415  as above

    here = config.invocation_params.dir
    if here == config.rootpath or hasattr(config, "workerinput"):
        return
    try:
        settings = read_config(here, foreign=True)
    except UsageProblem as problem:
        raise pytest.UsageError(str(problem)) from None
    if settings is not None:
        from pv.pytest_plugin.missed import OtherRoot  # noqa: PLC0415  only where it has something to say

        config.pluginmanager.register(OtherRoot(settings, config.rootpath), "pv-other-root")
