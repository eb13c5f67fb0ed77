"""Paths as a repository knows them, for services that show findings beside its lines."""

from __future__ import annotations

import os


def in_workspace(path: str) -> str:
    """`path` relative to the checkout of GitHub Actions where it lies there, whatever folder is the current one."""
    top = os.environ.get("GITHUB_WORKSPACE")
    if not top:
        return path
    absolute, above = os.path.realpath(path), os.path.realpath(top)
    return os.path.relpath(absolute, above) if absolute.startswith(os.path.join(above, "")) else path  # noqa: PTH118  text
