"""The real programs, run as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What any pytest needs that a test starts for the sake of pv: two fifths of the processor time of a small session go into other
# plugins. Hypothesis's imports all of Hypothesis when a session ends, whether anybody used it or not, and anyio's brings asyncio.
LEAN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "pv.pytest_plugin,xdist.plugin"}


def ccpa(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """`ccpa` in a process of its own, with more in its environment."""
    return subprocess.run(
        [sys.executable, "-m", "apr.ccpa", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
