"""`pv promote` as a user runs it, in a git repository with a ledger that pytest wrote."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pv.commands._history import change
from pv.config import find_config
from pv.corpus import read as read_contract
from pv.history.backed import Backing, backings
from pv.ledger import read
from pv.types import UsageProblem
from tests.programs import LEAN

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
# two claims about sums
metadata:
  version: 1.2.0
  description: sums
  references: [school arithmetic]

status: PROPOSED  # by hand, once

equations:
  sum: {formula: a + b = b + a}

falsification_tests:
  - id: F-1
    prediction: they commute
    if_fails: the adder
    level: algorithm
    params: {n: [2, 3]}
    mutants: [{id: off, stage: add}]
  - id: F-2
    prediction: zero is neutral
    if_fails: the adder
    level: LEVEL
    mutants: [{id: one, stage: add}]  # a fault

status_history: []  # nothing yet
"""
FALSIFIERS = """\
from pv import Refuted, falsifies

@falsifies("x-v1", "F-1")
def one(evidence, mutant, n):
    evidence.compared(n, "sums")
    if mutant:
        raise Refuted("off by one", stage="add")

@falsifies("x-v1", "F-2")
def two(evidence, mutant):
    evidence.compared(1, "sums")
    if mutant:
        raise Refuted("one is added", stage="add")
"""
NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}
REACHED = "ACTIVE_ALGORITHM_LEVEL"


class Project:
    """A project in a repository of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.contract = root / "contracts" / "x-v1.yaml"
        self.falsifiers = root / "falsifiers" / "x.py"
        self.ledger = root / ".pv" / "ledger.jsonl"
        self.archive = root / ".pv" / "evidence" / "x-v1.jsonl"

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.root / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def program(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        left_out = {"GITHUB_ACTIONS", "CI", "BUILD_NUMBER", "PYTEST_ADDOPTS"}
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.root,
            env={name: value for name, value in os.environ.items() if name not in left_out} | NOBODY | LEAN,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )

    def pv(self, *arguments: str) -> tuple[int, str]:
        done = self.program("pv", *arguments)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def promote(self, *arguments: str) -> tuple[int, str]:
        return self.pv("promote", "contracts/x-v1.yaml", *arguments)

    def falsify(self) -> None:
        done = self.program("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-m", "falsify")
        assert done.returncode == 0, done.stdout + done.stderr

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.root), *arguments]
        return subprocess.run(command, env=os.environ | NOBODY, capture_output=True, text=True, check=True).stdout

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "m")
        return self.git("rev-parse", "HEAD").strip()

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    def history(self) -> list[dict[str, Any]]:
        entries = yaml.safe_load(self.contract.read_text("utf-8"))["status_history"]
        assert isinstance(entries, list)
        return entries

    def backing(self) -> Backing:
        contract = read_contract(self.contract, "contracts/x-v1.yaml").contract
        assert contract
        config = find_config(self.root)
        return backings([contract], config, read(config.ledger))["x-v1"]

    def refused(self, *arguments: str, code: int = 1) -> str:
        """What `pv promote` says; nothing has been written."""
        before = self.contract.read_bytes()
        done, told = self.promote(*arguments)
        assert done == code, told
        assert self.contract.read_bytes() == before
        assert not self.archive.exists()
        return told


def make(root: Path, level: str = "algorithm") -> Project:
    project = Project(root)
    project.write(
        **{
            "pyproject.toml": '[tool.pv]\n[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\n',
            ".gitignore": ".pv/*\n!.pv/evidence/\n__pycache__/\n.hypothesis/\n",
            "contracts__x-v1.yaml": CONTRACT.replace("LEVEL", level),
            "falsifiers__x.py": FALSIFIERS,
        }
    )
    project.git("init", "--quiet", "--initial-branch", "main")
    return project


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of which everything was run at its only commit."""
    project = make(tmp_path_factory.mktemp("seen") / "project")
    project.commit()
    project.falsify()
    return project.root


@pytest.fixture
def project(seen: Path, tmp_path: Path) -> Project:
    shutil.copytree(seen, tmp_path / "project")
    return Project(tmp_path / "project")


def test_the_status_is_written_with_its_evidence_and_every_comment_stays(project: Project) -> None:
    head = project.git("rev-parse", "HEAD").strip()
    before = project.contract.read_text("utf-8")
    code, told = project.promote()
    assert code == 0, told
    reason = f"2/2 claims discharged, at the levels they ask for; 2/2 mutants killed; commit {head[:7]}"
    assert f"contracts/x-v1.yaml: {REACHED}, from PROPOSED: {reason}" in told
    after = project.contract.read_text("utf-8")
    head_of_file, _, history = after.partition("status_history:")
    assert head_of_file == before.replace("PROPOSED", REACHED).partition("status_history:")[0]
    assert history.startswith("  # nothing yet\n  - date:")
    (entry,) = project.history()
    assert list(entry) == ["date", "from", "to", "version", "commit", "reason", "evidence"]
    assert (entry["from"], entry["to"], entry["version"]) == ("PROPOSED", REACHED, "1.2.0")
    assert (entry["commit"], entry["reason"]) == (head, reason)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry["date"])
    cases = [one for one in read(project.ledger).entries() if one.row["kind"] == "case"]
    assert entry["evidence"] == sorted(one.id[:16] for one in cases)
    assert len(cases) == 5
    assert project.pv("validate", "contracts")[0] == 0
    assert project.pv("status")[0] == 0
    assert project.backing().holds


def test_the_archive_holds_the_lines_and_is_enough_without_the_ledger(project: Project) -> None:
    project.promote()
    ledger, archive = read(project.ledger), read(project.archive)
    assert archive.problems == []
    kept = {one.id: one.row for one in archive.entries()}
    assert kept.items() <= {one.id: one.row for one in ledger.entries()}.items()
    kinds = [row["kind"] for row in kept.values()]
    assert sorted(kinds) == ["case"] * 5 + ["environment", "run"]
    text = [line[line.index(b',"schema"') :] for line in project.ledger.read_bytes().splitlines()]
    assert all(line[line.index(b',"schema"') :] in text for line in project.archive.read_bytes().splitlines())
    assert project.git("status", "--short", "--untracked-files=all").split() == [
        "M",
        "contracts/x-v1.yaml",
        "??",
        ".pv/evidence/x-v1.jsonl",
    ]
    project.ledger.unlink()
    assert project.backing().holds


def test_what_is_backed_is_not_recorded_twice(project: Project) -> None:
    project.promote()
    contract, archive = project.contract.read_bytes(), project.archive.read_bytes()
    code, told = project.promote()
    assert (code, told) == (0, f"contracts/x-v1.yaml: is {REACHED}, and its evidence is there: nothing to record\n")
    assert (project.contract.read_bytes(), project.archive.read_bytes()) == (contract, archive)


def test_a_dry_run_shows_the_change_and_writes_nothing(project: Project) -> None:
    before = project.contract.read_bytes()
    code, told = project.promote("--dry-run", "--reason", "seen: [twice]")
    assert code == 0, told
    assert told.startswith("--- a/contracts/x-v1.yaml\n+++ b/contracts/x-v1.yaml\n@@ ")
    assert f"-status: PROPOSED  # by hand, once\n+status: {REACHED}  # by hand, once\n" in told
    assert '+    reason: "seen: [twice]"\n' in told
    assert project.contract.read_bytes() == before
    assert not project.archive.exists()


def test_a_history_written_by_hand_is_confirmed_and_left_as_it_is(project: Project) -> None:
    entry = f'status_history:\n  - {{date: "2026-01-02", from: PROPOSED, to: {REACHED}, reason: "by hand"}}\n'
    project.edit(project.contract, "status_history: []  # nothing yet\n", entry)
    project.edit(project.contract, "status: PROPOSED", f"status: {REACHED}")
    (remark,) = project.backing().remarks
    assert not remark.grave
    project.commit()
    before = project.contract.read_text("utf-8")
    code, told = project.promote()
    assert code == 0, told
    assert f"{REACHED}, confirmed: 2/2 claims" in told
    assert project.contract.read_text("utf-8").startswith(before)
    new = project.history()[1]
    assert (new["from"], new["to"], len(new["evidence"])) == (REACHED, REACHED, 5)
    assert project.backing().holds


def test_a_word_of_another_vocabulary_stays_where_it_means_the_same(project: Project) -> None:
    project.edit(project.contract, "status: PROPOSED", "status: ACTIVE")
    project.commit()
    code, told = project.promote()
    assert code == 0, told
    assert "status: ACTIVE  # by hand" in project.contract.read_text("utf-8")
    assert (project.history()[0]["from"], project.history()[0]["to"]) == ("ACTIVE", "ACTIVE")


def test_less_may_be_declared_than_is_effective(project: Project) -> None:
    code, told = project.promote("--to", "partial_algorithm_level")
    assert code == 0, told
    assert project.history()[0]["to"] == "PARTIAL_ALGORITHM_LEVEL"
    assert project.backing().holds
    assert project.promote()[0] == 0
    assert [one["to"] for one in project.history()] == ["PARTIAL_ALGORITHM_LEVEL", REACHED]
    assert project.backing().holds


def test_more_than_the_evidence_supports_is_refused_claim_by_claim(project: Project) -> None:
    told = project.refused("--to", "ACTIVE_RUNTIME")
    assert told.startswith(f"contracts/x-v1.yaml: not promoted to ACTIVE_RUNTIME: effective is {REACHED}\n")
    assert "no claim was seen on a run of a real model" in told


@pytest.mark.parametrize(
    ("old", "new", "needed"),
    [
        ("prediction: they commute", "prediction: they do commute", ["  F-1: stale: [2] the claim has changed since"]),
        (
            "{id: one, stage: add}",
            "{id: one, stage: add}, {id: two, stage: add}",
            ["F-2", "the claim has changed since"],
        ),
        ("status_history", "x-note: none\nstatus_history", []),
    ],
    ids=["claim", "mutant", "nothing"],
)
def test_what_has_changed_since_it_was_seen_backs_nothing(
    project: Project, old: str, new: str, needed: list[str]
) -> None:
    project.edit(project.contract, old, new)
    if not needed:
        assert project.promote()[0] == 0  # its honest twin
        return
    told = project.refused("--to", REACHED)
    assert "effective is PARTIAL_ALGORITHM_LEVEL" in told
    for text in needed:
        assert text in told


def test_a_changed_falsifier_leaves_nothing_to_promote_to(project: Project) -> None:
    project.edit(project.falsifiers, "off by one", "off by 1")
    told = project.refused()
    assert "not promoted to PARTIAL_ALGORITHM_LEVEL: effective is PROPOSED" in told
    assert "  F-1: stale: " in told
    assert "  F-2: stale: " in told


def test_a_claim_below_the_level_that_it_asks_for_is_named(tmp_path: Path) -> None:
    project = make(tmp_path / "project", "measured")
    project.commit()
    project.falsify()
    told = project.refused("--to", "ACTIVE_RUNTIME")
    assert "  F-2: level algorithm reached, measured asked" in told
    assert "F-1" not in told
    code, told = project.promote()  # as far as it reaches
    assert code == 0, told
    assert "2/2 claims discharged, 1 of them at the level it asks for" in told


def test_a_project_in_which_nothing_was_run_is_promoted_nowhere(project: Project) -> None:
    project.ledger.unlink()
    told = project.refused()
    assert "  F-1: not run" in told
    assert "  F-2: not run" in told


def test_a_status_above_what_is_effective_is_for_demote(project: Project) -> None:
    project.edit(project.contract, "status: PROPOSED", "status: ACTIVE_RUNTIME")
    told = project.refused()
    assert f"declares ACTIVE_RUNTIME, which is above {REACHED}; `pv demote` lowers it" in told


def test_evidence_of_a_dirty_tree_is_refused(tmp_path: Path) -> None:
    project = make(tmp_path / "project")
    project.commit()
    project.edit(project.falsifiers, "off by one", "off by 1")
    project.falsify()
    head = project.commit()
    told = project.refused()
    assert "its evidence cannot back that" in told
    assert re.search(r"evidence was seen on a tree with changes that commit [0-9a-f]{7} does not have: F-1, F-2", told)
    project.falsify()
    assert project.promote()[0] == 0  # its honest twin: run again at the commit
    assert project.history()[0]["commit"] == head


def test_evidence_of_another_branch_is_refused(project: Project) -> None:
    seen_at = project.git("rev-parse", "HEAD").strip()
    project.git("checkout", "--quiet", "--orphan", "other")
    project.commit()
    told = project.refused()
    assert f"evidence was seen at commit {seen_at[:7]}, which HEAD does not build upon: F-1, F-2" in told
    project.git("checkout", "--quiet", "main")
    project.commit()  # a later commit builds upon it
    assert project.promote()[0] == 0


def test_evidence_that_names_no_commit_is_refused(tmp_path: Path) -> None:
    project = make(tmp_path / "project")
    shutil.rmtree(project.root / ".git")
    project.falsify()
    assert "evidence names no commit that it was seen at: F-1, F-2" in project.refused()


def test_claims_that_nobody_committed_are_refused(project: Project) -> None:
    project.edit(project.contract, "they commute", "they commute, always")
    project.edit(project.contract, "zero is neutral", "zero is always neutral")
    project.commit()
    project.falsify()
    project.edit(project.contract, "they commute, always", "they commute")  # one claim as first seen, one as seen later
    assert f"not promoted to {REACHED}: its claims are not committed" in project.refused()
    head = project.commit()
    assert project.promote()[0] == 0  # its honest twin
    assert project.history()[0]["commit"] == head  # where they stand together, not where they were seen
    assert project.backing().holds


def test_a_ledger_that_was_changed_backs_nothing(project: Project) -> None:
    project.edit(project.ledger, '"level":"algorithm"', '"level":"measured"')
    assert "the ledger was changed after it had been written" in project.refused()


def test_a_history_that_was_rewritten_is_not_built_upon(project: Project) -> None:
    entry = '- {date: "2026-01-02", to: PROPOSED, reason: REASON}'
    project.edit(project.contract, "status_history: []  # nothing yet\n", f"status_history:\n  {entry}\n")
    project.commit()
    project.edit(project.contract, "REASON", "another")
    told = project.refused()
    assert "not promoted: its history is not sound\n  history rewritten: " in told
    project.edit(project.contract, "another", "REASON")
    assert project.promote()[0] == 0  # its honest twin


def test_what_was_loosened_is_recorded_first(project: Project) -> None:
    project.edit(project.contract, ", 3]}", "]}")
    told = project.refused()
    assert "not promoted: its history is not sound\n  F-1: " in told
    assert "no entry says so" in told


def test_a_status_that_was_raised_by_hand_gets_its_entry(project: Project) -> None:
    project.edit(project.contract, "status: PROPOSED", f"status: {REACHED}")
    project.commit()
    assert project.promote()[0] == 0
    assert [(one["from"], one["to"]) for one in project.history()] == [(REACHED, REACHED)]
    assert project.backing().holds


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--to", "ACTIVE_RUNTIM"], "did you mean 'ACTIVE_RUNTIME'"),
        (["--to", "done"], "is no status"),
        (["--ledger", "nowhere.jsonl"], "no such ledger"),
    ],
)
def test_what_cannot_be_asked_for_is_said(project: Project, arguments: list[str], why: str) -> None:
    assert why in project.refused(*arguments, code=2)


def test_nothing_is_promoted_to_the_foot_of_the_ladder(project: Project) -> None:
    for word in ("PROPOSED", "REFUTED"):
        assert "not promoted" in project.refused("--to", word)


def test_one_contract_does_not_hold_up_another(project: Project) -> None:
    text = project.contract.read_text("utf-8")
    project.write(**{"contracts__a-v1.yaml": text})
    code, told = project.pv("promote", "contracts")
    assert code == 1, told
    assert "contracts/a-v1.yaml: not promoted" in told
    assert f"contracts/x-v1.yaml: {REACHED}, from PROPOSED" in told
    assert (project.root / "contracts/a-v1.yaml").read_text("utf-8") == text
    assert len(project.history()) == 1


def test_a_contract_that_breaks_a_rule_is_left_alone(project: Project) -> None:
    project.edit(project.contract, "status_history: []", "status_history: [{date: '2026-01-01', to: ACTIVE_RUNTIME}]")
    assert "PV303" in project.refused(code=2)


def test_an_entry_that_would_break_a_rule_is_not_written(project: Project) -> None:
    note = "status_history: [{date: '2026-01-01', to: PROPOSED}]"
    project.edit(project.contract, "status_history: []", note)
    contract = read_contract(project.contract).contract
    assert contract
    entry = {"date": "2026-01-02", "from": "PROPOSED", "to": REACHED}
    assert f"to: {REACHED}}}]" in change(project.contract, contract, REACHED, entry).text
    with pytest.raises(UsageProblem, match="PV310"):
        change(project.contract, contract, REACHED, {**entry, "from": "PARTIAL_ALGORITHM_LEVEL"})


def test_only_claims_that_came_out_as_expected_are_evidence(tmp_path: Path) -> None:
    project = make(tmp_path / "project")
    project.edit(project.falsifiers, "import Refuted", "import Inconclusive, Refuted")
    project.edit(project.falsifiers, "mutant):\n", "mutant):\n    raise Inconclusive('no model', 'absent')\n")
    project.commit()
    project.falsify()
    assert "F-2: no model: absent" in project.refused("--to", REACHED)
    code, told = project.promote()
    assert code == 0, told
    assert "1/2 claims discharged, at the levels they ask for; 1/1 mutants killed" in told
    (entry,) = project.history()
    rows = [one.row for one in read(project.archive).entries() if one.row["kind"] == "case"]
    assert [row["claim"] for row in rows] == ["F-1"] * 3
    assert (entry["to"], len(entry["evidence"])) == ("PARTIAL_ALGORITHM_LEVEL", 3)
    assert project.backing().holds


def test_an_archive_that_git_ignores_is_said(project: Project) -> None:
    project.write(**{".gitignore": ".pv/\n"})
    code, told = project.promote()
    assert code == 0
    assert "pv: git ignores .pv/evidence/x-v1.jsonl: nobody else will find the evidence" in told


def test_an_archive_that_cannot_be_written_leaves_the_contract_as_it_was(project: Project) -> None:
    (project.root / ".pv" / "evidence").write_text("in the way")
    before = project.contract.read_bytes()
    code, told = project.promote()
    assert code == 2, told
    assert ".pv/evidence" in told
    assert project.contract.read_bytes() == before


def test_the_project_may_keep_its_evidence_elsewhere(project: Project) -> None:
    project.edit(project.root / "pyproject.toml", "[tool.pv]\n", '[tool.pv]\nevidence = "proofs"\n')
    assert project.promote()[0] == 0
    assert len(read(project.root / "proofs" / "x-v1.jsonl").problems) == 0
    assert project.backing().holds
    (project.root / "proofs" / "x-v1.jsonl").rename(project.root / "lost.jsonl")
    project.ledger.unlink()
    assert "5 of 5 evidence lines are nowhere here" in project.backing().remarks[0].text


@pytest.fixture
def promoted(project: Project) -> Project:
    """A project that was promoted, and of which only what is committed is left, as on another machine."""
    assert project.promote()[0] == 0
    project.commit()
    project.ledger.unlink()
    return project


def grave(project: Project) -> str:
    (remark,) = project.backing().remarks
    assert remark.grave
    return remark.text


def test_a_row_of_the_archive_that_was_edited_is_found(promoted: Project) -> None:
    promoted.edit(promoted.archive, '"level":"algorithm"', '"level":"measured"')
    assert "1 of 5 evidence lines are nowhere here" in grave(promoted)


def test_hashes_typed_by_hand_that_name_older_rows_are_found(project: Project) -> None:
    project.edit(project.contract, "they commute", "they commute, always")
    project.commit()
    rows = [one.id[:16] for one in read(project.ledger).entries() if one.row["kind"] == "case"]
    entry = f"{{date: '2999-01-01', from: PROPOSED, to: {REACHED}, evidence: {json.dumps(rows)}}}"
    project.edit(project.contract, "status_history: []", f"status_history: [{entry}]")
    project.edit(project.contract, "status: PROPOSED", f"status: {REACHED}")
    told = project.backing().remarks
    # without a commit, nobody can tell which claims there were: that is said, and what the rows say themselves is enough
    assert [(one.grave, "git does not have the contract" in one.text) for one in told] == [(False, True)]
    project.edit(project.contract, "evidence:", f"commit: {project.git('rev-parse', 'HEAD').strip()}, evidence:")
    assert "supports no more than PARTIAL_ALGORITHM_LEVEL: F-1: inconclusive: not run" in grave(project)


def test_a_claim_that_changes_after_its_promotion_does_not_make_that_unbacked(promoted: Project) -> None:
    promoted.edit(promoted.contract, "they commute", "they commute, always")
    assert promoted.backing().holds
    promoted.edit(promoted.contract, "  - id: F-2", "  - id: F-9")
    assert promoted.backing().holds


def test_a_commit_that_nobody_has_is_said(promoted: Project) -> None:
    commit = promoted.history()[0]["commit"]
    promoted.edit(promoted.contract, commit, "f" * 40)
    assert promoted.backing().holds  # nothing has changed since; git is not needed
    promoted.edit(promoted.contract, "they commute", "they commute, always")
    (remark,) = promoted.backing().remarks
    assert not remark.grave
    assert "git does not have the contract at commit fffffff" in remark.text
