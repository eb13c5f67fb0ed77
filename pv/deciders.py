"""The code that makes a verdict beside what a falsifier itself records: conftest files and the folders of falsifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.naming import name_of
from pv.watched import first, watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pv.config import Config

CONFTEST, FALSIFIERS = "conftest", "falsifiers"


def deciders(config: Config, contract: Path) -> list[tuple[str, Path]]:
    """What decides about the claims of the file `contract`: the conftest files above it and every folder of falsifiers."""
    above = [(CONFTEST, folder / "conftest.py") for folder in _way(config.root, contract.parent)]
    return [one for one in above if one[1].is_file()] + [
        (FALSIFIERS, folder) for folder in config.falsifiers if folder.is_dir()
    ]


def recorded(config: Config, found: Iterable[tuple[str, Path]]) -> list[dict[str, str]]:
    """These deciders as inputs of a ledger row, each with the digest it had before it was imported.

    Raises:
        OSError: one of them cannot be read.
    """
    return [{"kind": kind, "path": name_of(path, config.root), "sha256": first(path)} for kind, path in found]


def watch_all(config: Config) -> None:
    """Remember every decider of the project before any of them is imported.

    Raises:
        OSError: one of them cannot be read.
    """
    for folder in config.contracts:
        watch(*(path for _, path in deciders(config, folder / "any.yaml")))
        watch(*(path for path in folder.rglob("conftest.py") if path.is_file()))


def _way(root: Path, folder: Path) -> Iterator[Path]:
    """The folders from `root` down to `folder`."""
    yield root
    steps = folder.relative_to(root).parts if folder.is_relative_to(root) else ()
    for end in range(1, len(steps) + 1):
        yield root.joinpath(*steps[:end])
    if not folder.is_relative_to(root):
        yield folder
