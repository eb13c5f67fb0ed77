"""A small project with contracts, in a folder of its own."""

from __future__ import annotations

import importlib
import json
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from pv import watched
from tests.programs import LEAN

if TYPE_CHECKING:
    from pathlib import Path

# What a run in this process imports is forgotten after it, and the next would import it anew, with assertions rewritten.
for _name in (
    "hypothesis.strategies",
    "numpy",  # which cannot be imported twice in a process
    *(f"pv.pytest_plugin.{part}" for part in ("collect", "progress", "record", "run")),
):
    importlib.import_module(_name)

HEAD = 'metadata: {version: "1", description: d, references: [r]}\nequations: {f: {formula: x}}\nfalsification_tests:\n'
IMPORTS = "import pytest\nfrom pv import Inconclusive, Refuted, falsifies\n"


class Project:
    """The files of a project, and the runs of pytest in it."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.root: Path = pytester.path
        self.ledger = self.root / ".pv" / "ledger.jsonl"
        self.write(
            "pyproject.toml",
            '[tool.pv]\n[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n'
            'addopts = ["--strict-markers", "--import-mode=importlib"]\n',
        )

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")

    def contract(self, *claims: str, name: str = "x-v1") -> None:
        body = "".join(f"  - {{prediction: the prediction, if_fails: the suspect, {claim}}}\n" for claim in claims)
        self.write(f"contracts/{name}.yaml", HEAD + (body or "  []\n"))

    def falsifiers(self, text: str, name: str = "x") -> None:
        self.write(f"falsifiers/{name}.py", IMPORTS + textwrap.dedent(text))

    def run(self, *arguments: str) -> pytest.RunResult:
        watched._first.clear()  # each run stands for a process of its own
        return self.pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", *arguments)

    def run_apart(self, *arguments: str) -> pytest.RunResult:
        """In a process of its own, with every plugin that is installed."""
        return self.pytester.runpytest_subprocess(*arguments)

    def run_lean(self, *arguments: str) -> pytest.RunResult:
        """In a process of its own, with the plugins of pv and xdist alone."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in LEAN.items():
                patch.setenv(name, value)
            return self.pytester.runpytest_subprocess(*arguments)

    def rows(self) -> list[dict[str, Any]]:
        """The rows of cases that ended."""
        return [row for row in self.all_rows() if row["kind"] == "case"]

    def all_rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ledger.read_text().splitlines()]

    def verdicts(self) -> dict[str, str]:
        return {row["node"].split("::")[1]: row["verdict"] for row in self.rows()}


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("CI", "BUILD_NUMBER"):  # there pytest repeats whole messages in its summary, which is its own affair
        monkeypatch.delenv(name, raising=False)
    return Project(pytester)
