"""A project in a real git repository, whose history tests write."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pv.config import Config
from pv.corpus import read_all
from pv.history.examine import Examined, examine

if TYPE_CHECKING:
    from pathlib import Path

    from pv.parse import Contract
    from pv.remark import Remark

CONTRACT = """\
metadata: {version: 1.0.0, description: d, references: [r]}
status: PARTIAL_ALGORITHM_LEVEL
out_of_scope: [keyboard]
equations: {f: {formula: f}}
falsification_tests:
  - id: F-1
    prediction: p
    if_fails: q
    level: measured
    tolerance: 1e-6
    mutants: [{id: nibble, stage: ffn, layer: 3}]
  - {id: F-2, prediction: p, if_fails: q, expect: refuted}
status_history:
  - {date: "2026-01-01", from: NEW, to: PROPOSED, reason: written}
  - {date: "2026-01-02", from: PROPOSED, to: PARTIAL_ALGORITHM_LEVEL, evidence: [4f1d0c52a3b96e78]}
"""
NAME = "contracts/x-v1.yaml"


@dataclass
class Repo:
    """A repository with a project in it."""

    root: Path
    day: int = 0
    text: str = CONTRACT  # an honest contract
    name: str = NAME

    def git(self, *arguments: str) -> str:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "TZ": "UTC"}
        when = f"2026-03-{self.day + 1:02d}T12:00:00Z"
        env |= {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        who = ["user.name=a", "user.email=a@b", "commit.gpgsign=false", "init.defaultBranch=main"]
        command = ["git", *(word for one in who for word in ("-c", one)), *arguments]
        done = subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, check=True)
        return done.stdout

    def write(self, text: str, name: str = NAME) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def commit(self, text: str | None = None, name: str = NAME) -> str:
        """Write `text` if it is given, commit all that is there, and say which commit it is."""
        if text is not None:
            self.write(text, name)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "wording")
        self.day += 1
        return self.git("rev-parse", "HEAD").strip()

    @property
    def config(self) -> Config:
        return Config(
            self.root, (self.root / "contracts",), (self.root / "falsifiers",), self.root / ".pv/ledger.jsonl"
        )

    def contracts(self) -> list[Contract]:
        return [one.contract for one in read_all([self.root / "contracts"], self.root) if one.contract]

    def examined(self, since: str | None = None) -> Examined:
        return examine(self.contracts(), self.config, since)

    def remarks(self, name: str = NAME, since: str | None = None) -> tuple[Remark, ...]:
        return self.examined(since).remarks[name]

    def grave(self, name: str = NAME, since: str | None = None) -> list[str]:
        return [one.text for one in self.remarks(name, since) if one.grave]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository without a commit."""
    one = Repo(tmp_path / "project")
    one.root.mkdir()
    one.git("init", "--quiet")
    return one
