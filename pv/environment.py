"""Where and at which state of the sources a run took place."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_GIT_SECONDS = 20


def environment() -> dict[str, Any]:
    """The machine and the interpreter; numpy only if something has imported it."""
    numpy = sys.modules.get("numpy")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "numpy": getattr(numpy, "__version__", None),
        "cpus": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
    }


def commit(root: Path) -> tuple[str | None, bool | None]:
    """The commit that is checked out at `root` and whether the tree differs from it; None where git cannot tell."""
    head = _git(root, "rev-parse", "HEAD")
    if head is None:
        return None, None
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return head.strip(), None if changes is None else bool(changes.strip())


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],  # noqa: S607  git is found the way the user's shell finds it
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
