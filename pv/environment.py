"""Where and at which state of the sources a run took place."""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING, Any

from pv import git

if TYPE_CHECKING:
    from pathlib import Path


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
    at = git.head(root)
    return at, None if at is None else git.is_dirty(root)
