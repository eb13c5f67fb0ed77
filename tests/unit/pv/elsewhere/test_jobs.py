"""What a worker is told of how a session was started."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import hypothesis
import pytest

from pv.environment import KERNELS, THREADS
from pv.pytest_plugin.jobs import job

if TYPE_CHECKING:
    from pathlib import Path

OF_THE_PROCESS = ("PYTHONHASHSEED", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
# no list of ours: what the installed versions look at
OF_CI = (*hypothesis._settings._CI_VARS, "CI", "BUILD_NUMBER")
CARRIED = tuple(dict.fromkeys((*THREADS, *KERNELS, *OF_THE_PROCESS, *OF_CI)))


def test_what_decides_about_a_run_and_is_not_in_any_file_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pytest.ini").touch()
    config = pytest.Config.fromdictargs({}, [f"--rootdir={tmp_path}"])
    for name in CARRIED:
        monkeypatch.setenv(name, f"of {name}")
    assert json.loads(job(config, "s"))["environment"] == {name: f"of {name}" for name in CARRIED}
    for name in CARRIED:
        monkeypatch.delenv(name)
    # a worker that has one of them has to be without it
    assert json.loads(job(config, "s"))["environment"] == dict.fromkeys(CARRIED)
