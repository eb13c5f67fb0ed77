"""`pv demote` as a user runs it: a lower status with its reason, and what was loosened."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pv.config import find_config
from pv.corpus import read as read_contract
from pv.history.examine import examine

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
metadata: {version: 1.2.0, description: d, references: [r]}
status: ACTIVE_RUNTIME  # measured
equations: {f: {formula: x}}
falsification_tests:
  - id: F-1
    prediction: p
    if_fails: q
    tolerance: 1e-6
    mutants: [{id: a, stage: s}, {id: b, stage: s}]
status_history:
  - {date: "2026-01-02", from: PROPOSED, to: ACTIVE_RUNTIME, reason: r}  # the first
# end
"""
NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}
LOOSE = "F-1: tolerance 1e-06 -> 0.001"


class Project:
    """A contract in a repository."""

    def __init__(self, root: Path) -> None:
        self.root, self.contract = root, root / "contracts" / "x-v1.yaml"

    def git(self, *arguments: str) -> None:
        command = ["git", "-C", str(self.root), *arguments]
        subprocess.run(command, env=os.environ | NOBODY, capture_output=True, check=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "m")

    def demote(self, *arguments: str, reason: str = "float16 is enough") -> tuple[int, str]:
        command = [sys.executable, "-m", "pv", "demote", "--reason", reason, *(arguments or ("contracts/x-v1.yaml",))]
        done = subprocess.run(
            command,
            cwd=self.root,
            env=os.environ | NOBODY,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def edit(self, old: str, new: str) -> None:
        text = self.contract.read_text("utf-8")
        assert old in text
        self.contract.write_text(text.replace(old, new, 1), "utf-8")

    def newest(self) -> dict[str, Any]:
        data = yaml.safe_load(self.contract.read_text("utf-8"))
        entry = data["status_history"][-1]
        assert entry["to"] == data["status"]
        assert isinstance(entry, dict)
        return entry

    def unrecorded(self) -> list[str]:
        contract = read_contract(self.contract, "contracts/x-v1.yaml").contract
        assert contract
        return [one.text for one in examine([contract], find_config(self.root)).unrecorded.get(contract.path, ())]

    def refused(self, *arguments: str, **more: str) -> str:
        before = self.contract.read_bytes()
        code, told = self.demote(*arguments, **more)
        assert code == 2, told
        assert self.contract.read_bytes() == before
        return told


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    (tmp_path / "contracts").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    project.contract.write_text(CONTRACT)
    project.git("init", "--quiet")
    project.commit()
    return project


def test_one_rung_lower_with_its_reason(project: Project) -> None:
    code, told = project.demote()
    assert (code, told) == (0, "contracts/x-v1.yaml: ACTIVE_ALGORITHM_LEVEL, from ACTIVE_RUNTIME: float16 is enough\n")
    start, _, end = project.contract.read_text("utf-8").partition('  - date: "')
    assert start == CONTRACT.replace("status: ACTIVE_RUNTIME", "status: ACTIVE_ALGORITHM_LEVEL").removesuffix("# end\n")
    assert end.endswith("\n# end\n")
    entry = project.newest()
    assert list(entry) == ["date", "from", "to", "version", "reason"]
    assert (entry["from"], entry["to"], entry["version"]) == ("ACTIVE_RUNTIME", "ACTIVE_ALGORITHM_LEVEL", "1.2.0")
    assert entry["reason"] == "float16 is enough"


@pytest.mark.parametrize(("word", "to"), [("PROPOSED", "PROPOSED"), ("refuted", "REFUTED")])
def test_any_lower_status_may_be_named(project: Project, word: str, to: str) -> None:
    assert project.demote("contracts/x-v1.yaml", "--to", word)[0] == 0
    assert project.newest()["to"] == to


@pytest.mark.parametrize("committed", [False, True])
def test_what_was_loosened_is_recorded_and_settled_by_that(project: Project, *, committed: bool) -> None:
    project.edit("tolerance: 1e-6", "tolerance: 1e-3")
    project.edit(", {id: b, stage: s}", "")
    if committed:
        project.commit()
        project.edit("prediction: p", "prediction: pp")
        project.commit()
    assert project.unrecorded() == [LOOSE, "F-1: mutant b removed"]
    code, told = project.demote()
    assert code == 0, told
    assert f"  loosens {LOOSE}\n" in told
    entry = project.newest()
    assert entry["to"] == "ACTIVE_ALGORITHM_LEVEL"
    assert entry["loosens"] == [LOOSE, "F-1: mutant b removed"]
    assert project.unrecorded() == []


def test_a_loosening_may_be_recorded_alone_and_once(project: Project) -> None:
    project.edit("tolerance: 1e-6", "tolerance: 1e-3")
    code, told = project.demote("contracts/x-v1.yaml", "--to", "ACTIVE_RUNTIME")
    assert code == 0, told
    assert told.startswith("contracts/x-v1.yaml: stays ACTIVE_RUNTIME: float16 is enough\n")
    assert (project.newest()["from"], project.newest()["to"]) == ("ACTIVE_RUNTIME", "ACTIVE_RUNTIME")
    assert project.newest()["loosens"] == [LOOSE]
    assert "nothing was loosened: nothing to record" in project.refused("contracts/x-v1.yaml", "--to", "ACTIVE_RUNTIME")


def test_at_the_foot_of_the_ladder_there_is_only_recording(project: Project) -> None:
    project.demote("contracts/x-v1.yaml", "--to", "PROPOSED")
    assert "is PROPOSED already and nothing was loosened" in project.refused()
    project.edit("tolerance: 1e-6", "tolerance: 1e-3")
    assert project.demote()[0] == 0
    assert (project.newest()["from"], project.newest()["to"]) == ("PROPOSED", "PROPOSED")


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reason_says_something(project: Project, reason: str) -> None:
    assert "say why" in project.refused(reason=reason)


def test_a_long_reason_is_folded_and_comes_back_as_it_was(project: Project) -> None:
    reason = "é: # [the bound] " * 20 + "end\nsecond line"
    assert project.demote(reason=reason)[0] == 0
    assert project.newest()["reason"] == reason
    assert max(map(len, project.contract.read_text("utf-8").splitlines())) <= 110


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["contracts/x-v1.yaml", "--to", "ACTIVE"], "'ACTIVE' is no status"),
        (["contracts/y-v1.yaml"], "no such file"),
        (["contracts"], "a folder of several contracts"),
    ],
)
def test_what_cannot_be_asked_for_is_said(project: Project, arguments: list[str], why: str) -> None:
    (project.root / "contracts" / "z-v1.yaml").write_text(CONTRACT)
    assert why in project.refused(*arguments)


def test_up_goes_promote(project: Project) -> None:
    project.demote()
    told = project.refused("contracts/x-v1.yaml", "--to", "ACTIVE_RUNTIME")
    assert "ACTIVE_RUNTIME is above ACTIVE_ALGORITHM_LEVEL, which is declared; `pv promote` goes up" in told


def test_without_a_status_there_is_nothing_to_lower(project: Project) -> None:
    project.edit("status: ACTIVE_RUNTIME  # measured\n", "")
    project.edit("{date: ", "{note: n, date: ")
    assert "declares no status" in project.refused()


def test_a_dry_run_shows_the_change_and_writes_nothing(project: Project) -> None:
    code, told = project.demote("contracts/x-v1.yaml", "--dry-run")
    assert code == 0
    assert "-status: ACTIVE_RUNTIME  # measured\n+status: ACTIVE_ALGORITHM_LEVEL  # measured\n" in told
    assert project.contract.read_text() == CONTRACT


def test_a_folder_in_no_repository_can_be_demoted(project: Project) -> None:
    (project.root / ".git").rename(project.root / "git")
    assert project.demote()[0] == 0
    assert project.newest()["to"] == "ACTIVE_ALGORITHM_LEVEL"
