"""What a worker is told with a group of items: how this session was started, and which items it is to run."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pv.elsewhere.child import ROOT
from pv.environment import KERNELS, THREADS
from pv.pytest_plugin.carried import kept_folder, pack_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

# What decides about a run and stands in the environment of the process: a worker's is set to what it is here.
_OF_PYTEST = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
# By these pytest tells whether it runs in CI, and Hypothesis, which then draws the same cases each time.
_OF_CI = (
    "CI", "BUILD_NUMBER", "__TOX_ENVIRONMENT_VARIABLE_ORIGINAL_CI", "TF_BUILD", "bamboo.buildKey", "BUILDKITE", "CIRCLECI", "CIRRUS_CI",
    "CODEBUILD_BUILD_ID", "GITHUB_ACTIONS", "GITLAB_CI", "HEROKU_TEST_RUN_ID", "TEAMCITY_VERSION",
)  # fmt: skip
_CARRIED = (*THREADS, *KERNELS, "PYTHONHASHSEED", *_OF_PYTEST, *_OF_CI)


def job(config: pytest.Config, session: str, items: Sequence[pytest.Item] = (), expected: str = "") -> str:
    """The text for `pv.elsewhere.child.work`.

    Args:
        config: of this session.
        session: its name among those that the workers have.
        items: the group; none only has the worker collect.
        expected: the digest of the identity with which they may be run.

    Raises:
        OSError: an example that an item keeps cannot be read.
    """
    root, here = config.rootpath, config.invocation_params.dir
    inside = here.is_relative_to(root)
    given: dict[str, object] = {"workercount": 1, "testrunuid": session}
    seed = getattr(config.option, "randomly_seed", None)
    return json.dumps(
        {
            "session": session,
            "root": str(root),
            "here": str(here.relative_to(root)) if inside else "",
            "here_on_path": Path(sys.argv[0]).name == "__main__.py",
            "arguments": [_without_root(str(one), str(root)) for one in config.invocation_params.args],
            "environment": {name: os.environ.get(name) for name in _CARRIED},
            "input": given if seed is None else {**given, "randomly_seed": seed},
            "run": [{"node": one.nodeid, "examples": pack_folder(kept_folder(one))} for one in items],
            "expected": expected,
        }
    )


def _without_root(argument: str, root: str) -> str:
    """An argument in which another machine can put its own root in the place of ours."""
    return re.sub(rf"(?<![\w.~/-]){re.escape(root)}(?=[/:\s'\"]|$)", lambda _: ROOT, argument)
