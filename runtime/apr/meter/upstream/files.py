"""The upstream's comparison of two folders, each given as path -> sha256; nothing in its program calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DEFAULT_EXCLUDED = ("target/", ".git/", ".lock")


def excluded(path: str, patterns: Collection[str]) -> bool:
    """Whether a path is left out: `*.x` and `.x` are suffixes, `x/` a folder at any level, anything else a whole path."""
    return any(_matches(path, pattern) for pattern in patterns)


def _matches(path: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return path.endswith(pattern[1:])
    if pattern.endswith("/"):
        return path.startswith(pattern) or f"/{pattern}" in path
    if pattern.startswith("."):
        return path.endswith(pattern)
    return path == pattern


def drifting(
    teacher: Mapping[str, str], student: Mapping[str, str], patterns: Collection[str] = DEFAULT_EXCLUDED
) -> list[str]:
    """Paths whose hashes differ or that one side lacks: the teacher's in alphabetical order, then the student's own."""
    own = [path for path in sorted(teacher) if teacher[path] != student.get(path)]
    others = [path for path in sorted(student) if path not in teacher]
    return [path for path in own + others if not excluded(path, patterns)]
