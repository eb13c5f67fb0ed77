"""The contracts and falsifiers of a session, and what an item of ours is about."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pv.bind import Falsifier, Registry
from pv.corpus import SUFFIXES, display, walk
from pv.deciders import deciders
from pv.evidence import Evidence
from pv.pytest_plugin.commanded import commanded
from pv.pytest_plugin.executed import holds_as_written
from pv.pytest_plugin.importer import Importer
from pv.pytest_plugin.instead import instead_of, ledger_of
from pv.report.console import escape

if TYPE_CHECKING:
    from pathlib import Path

    from pv.config import Config, SubjectSpec
    from pv.parse import Case, Claim
    from pv.properties.subjects import Subjects
    from pv.pytest_plugin.examples import Kept
    from pv.source import Source


class BindingProblem(Exception):
    """A claim and its falsifier do not fit together, or a contract cannot be used."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(map(escape, lines)))


@dataclass
class Run:
    """What an item of ours is about: one case of one claim."""

    claim: Claim
    case: Case
    falsifier: Falsifier | None
    source: Source | None
    evidence: Evidence = field(default_factory=Evidence)
    kept: Kept | None = None


class Project:
    """The contracts and falsifiers of the session."""

    def __init__(self, config: pytest.Config, settings: Config) -> None:
        self.config, self.settings = config, settings
        self.names: dict[str, Path] = {}
        self.held: Path | None = (
            None  # where a worker of a scheduler keeps counterexamples, until the session takes them
        )
        self._deciders: dict[Path, list[tuple[str, Path]]] = {}

    def deciders(self, contract: Path) -> list[tuple[str, Path]]:
        """The code that decided about a contract when it was collected."""
        if contract not in self._deciders:
            self._deciders[contract] = deciders(self.settings, contract)
        return self._deciders[contract]

    @functools.cached_property
    def registry(self) -> Registry:
        """The falsifiers, imported when the first contract is collected."""
        commands = commanded if self.config.getoption("run_shell_tests") else None
        registry = Registry(executed=holds_as_written, command=commands)
        registry.load(self.settings.falsifiers, Importer(self.config))
        return registry

    @functools.cached_property
    def files(self) -> frozenset[Path]:
        """Every contract file of the project."""
        return frozenset(walk(folder for folder in self.settings.contracts if folder.is_dir()))

    @property
    def ledger(self) -> Path:
        """The ledger of the session."""
        chosen = self.config.getoption("pv_ledger")
        if chosen:
            return self.config.invocation_params.dir / str(chosen)
        return ledger_of(self.settings, self.instead)

    def folder_shown(self, folder: Path) -> str:
        """A folder of counterexamples as rows name it, wherever this process keeps them: beside the ledger."""
        return self.show(self.ledger.parent / "examples" / folder.name)

    @functools.cached_property
    def first(self) -> Path:
        """The contract that complaints go to which belong to none."""
        return min(self.files)

    def wants(self, path: Path) -> bool:
        """Whether a file is collected as a contract."""
        return path.suffix in SUFFIXES and path in self.files

    @functools.cached_property
    def subjects(self) -> Subjects:
        """The modules that executable contracts judge: those of `[tool.pv.subjects]`, and what `--subject` says instead."""
        from pv.properties.subjects import Subjects  # noqa: PLC0415  numpy, which most sessions do without

        return Subjects({**self.settings.subjects, **self.instead}, self.settings.root)

    @functools.cached_property
    def instead(self) -> dict[str, SubjectSpec]:
        """The modules that `--subject` names, each with the faults of the one whose place it takes."""
        return instead_of(self.settings, self.config.getoption("subject"))

    def show_falsifier(self, one: Falsifier) -> str:
        """A falsifier as rows name it: its file, or the part of the harness that it is."""
        return one.built_in or self.show(one.path)

    def show(self, path: Path) -> str:
        """A path as reports show it."""
        return display(path, self.config.rootpath)


PROJECT = pytest.StashKey[Project]()
RUN = pytest.StashKey[Run]()
