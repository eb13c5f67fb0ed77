"""`[tool.pv]` of a project's pyproject.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pv.types import UsageProblem
from pv.words import did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

_KEYS = ("contracts", "falsifiers", "ledger")


@dataclass(frozen=True)
class Config:
    """Where a project keeps its contracts, its falsifiers and its ledger."""

    root: Path
    contracts: tuple[Path, ...]
    falsifiers: tuple[Path, ...]
    ledger: Path


def read_config(root: Path) -> Config | None:
    """The configuration of the project at `root`; None if it has no `[tool.pv]`.

    Raises:
        UsageProblem: the file is not TOML, or `[tool.pv]` says something that cannot be used.
    """
    path = root / "pyproject.toml"
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    if b"tool" not in raw or b"pv" not in raw:
        return None
    try:
        table = tomllib.loads(raw.decode("utf-8")).get("tool", {}).get("pv")
    except ValueError as problem:
        raise UsageProblem(f"{path}: not TOML: {problem}") from None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise UsageProblem(f"{path}: [tool.pv] must be a table")
    for key in table:
        if key not in _KEYS:
            fix = did_you_mean(key, _KEYS) or f"the keys are {', '.join(_KEYS)}"
            raise UsageProblem(f"{path}: unknown key {key!r} in [tool.pv]; {fix}")
    ledger = table.get("ledger", ".pv/ledger.jsonl")
    if not isinstance(ledger, str):
        raise UsageProblem(f"{path}: [tool.pv] ledger must be the path of a file")
    return Config(
        root=root,
        contracts=_folders(path, table, "contracts"),
        falsifiers=_folders(path, table, "falsifiers"),
        ledger=root / ledger,
    )


def find_config(start: Path) -> Config:
    """The configuration of the nearest folder at or above `start` that has one; defaults at `start` if none has.

    Raises:
        UsageProblem: the nearest configuration cannot be used.
    """
    for folder in (start, *start.parents):
        config = read_config(folder)
        if config:
            return config
    return Config(start, (start / "contracts",), (start / "falsifiers",), start / ".pv/ledger.jsonl")


def _folders(path: Path, table: dict[str, Any], key: str) -> tuple[Path, ...]:
    names = table.get(key, [key])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageProblem(f"{path}: [tool.pv] {key} must be a list of folders")
    return tuple(path.parent / name for name in names)
