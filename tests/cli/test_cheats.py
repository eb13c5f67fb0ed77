"""Sixteen ways to make a status say more than was seen, each tried on an honest project, and what comes of it.

The rules are those that a harness of claims owes its readers; before each cheat stands the honest project, which the programs
let through.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.programs import LEAN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTRACT = """\
metadata:
  version: 1.0.0
  description: sums and a pipe
  references: [school arithmetic]
status: PROPOSED
out_of_scope: [subtraction]
equations:
  sum: {formula: a + b = b + a}
  pipe: {formula: out = in}
falsification_tests:
  - id: F-SUM
    rule: sums commute
    prediction: both orders agree within 1e-9
    if_fails: the adder
    binds_to: sum
    tolerance: 1e-9
    params: {n: [3, 5]}
    mutants:
      - {id: off-by-one, stage: add}
  - id: F-PIPE
    rule: what goes in comes out
    prediction: every byte
    if_fails: the pipe
    binds_to: pipe
    level: independent
    mutants:
      - {id: drops-a-byte, stage: pipe}
status_history: []
"""
FALSIFIERS = """\
from pathlib import Path

from pv import Refuted, falsifies

DATA = Path(__file__).parent.parent / "data.bin"


@falsifies("x-v1", "F-SUM")
def sums_commute(claim, evidence, mutant, n):
    for value in range(n):
        off = abs((value + 1.5) - (1.5 + value)) + (1.0 if mutant else 0.0)
        evidence.compared(1, "sums")
        evidence.worst(off, bound=claim.tolerance, stage="add")
        if off > claim.tolerance:
            raise Refuted(f"{value} is {off} off", stage="add", distance=off, bound=claim.tolerance)


@falsifies("x-v1", "F-PIPE")
def what_goes_in_comes_out(evidence, mutant):
    evidence.input("model", DATA)
    evidence.engine("subject", "our pipe", "1", producer="us")
    evidence.engine("oracle", "their pipe", "7", producer="them")
    evidence.level("independent")
    sent = DATA.read_bytes()
    came = sent[1:] if mutant else sent
    evidence.compared(len(sent), "bytes")
    if came != sent:
        raise Refuted("a byte is missing", stage="pipe")
"""
NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


class Project:
    """A project in a folder of its own, and the real programs run in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.contract = root / "contracts" / "x-v1.yaml"
        self.falsifiers = root / "falsifiers" / "x.py"
        self.ledger = root / ".pv" / "ledger.jsonl"

    def program(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        left_out = {"GITHUB_ACTIONS", "CI", "BUILD_NUMBER", "PYTEST_ADDOPTS"}
        environment = {name: value for name, value in os.environ.items() if name not in left_out}
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.root,
            env=environment | NOBODY | LEAN,
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

    def falsify(self, *arguments: str) -> tuple[int, str]:
        done = self.program("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-m", "falsify", *arguments)
        return done.returncode, done.stdout + done.stderr

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments],  # noqa: S607  git is found the way the user's shell finds it
            env=os.environ | NOBODY,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text("utf-8")
        assert old in text, (old, text)
        path.write_text(text.replace(old, new, 1), "utf-8")

    def status(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = self.program("pv", "status", "--format", "json", *arguments)
        (contract,) = json.loads(done.stdout)["contracts"]
        return done.returncode, contract

    def claims(self) -> dict[str, dict[str, Any]]:
        return {one["claim"]: one for one in self.status()[1]["claims"]}

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ledger.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The honest project: everything was run at a commit, and the contract was promoted to what was seen."""
    project = Project(tmp_path_factory.mktemp("honest") / "project")
    for path, text in (
        (
            project.root / "pyproject.toml",
            '[tool.pv]\n[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\n',
        ),
        (project.root / ".gitignore", ".pv/*\n!.pv/evidence/\n__pycache__/\n.hypothesis/\n"),
        (project.contract, CONTRACT),
        (project.falsifiers, FALSIFIERS),
        (project.root / "data.bin", "abc"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    project.git("init", "--quiet", "--initial-branch", "main")
    project.commit("the claims")
    code, told = project.falsify()
    assert code == 0, told
    code, told = project.pv("promote", "contracts/x-v1.yaml")
    assert code == 0, told
    project.commit("promoted")
    code, told = project.pv("gate")
    assert code == 0, told
    return project.root


@pytest.fixture
def project(promoted: Path, tmp_path: Path) -> Project:
    """A copy of the honest project; the files that evidence rests on keep their times, so nothing else differs."""
    shutil.copytree(promoted, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def refused(project: Project, *needed: str) -> str:
    """The gate does not let the project through and the status is red; together they say each of these."""
    code, told = project.pv("gate")
    assert code == 1, told
    code, more = project.pv("status")
    assert code == 1, more
    for text in needed:
        assert text in told + more, told + more
    return told + more


def test_the_honest_project_passes(project: Project) -> None:
    code, contract = project.status()
    assert (code, contract["declared"], contract["effective"]) == (0, "ACTIVE_RUNTIME", "ACTIVE_RUNTIME")
    assert project.pv("verify")[0] == 0


def test_1_a_status_typed_by_hand(project: Project) -> None:
    typed = CONTRACT.replace("status: PROPOSED", "status: ACTIVE_RUNTIME").replace("id: F-", "id: F-TYPED-")
    (project.root / "contracts" / "y-v1.yaml").write_text(typed, "utf-8")
    told = refused(project, "declared ACTIVE_RUNTIME", "F-TYPED-SUM", "F-TYPED-PIPE", "not run")
    assert "F-SUM" not in told


def test_1_nor_does_it_hold_where_nothing_was_measured(project: Project) -> None:
    project.ledger.unlink()
    assert project.pv("gate")[0] == 2
    assert project.pv("status")[0] == 1


def test_2_a_word_outside_the_vocabulary(project: Project) -> None:
    project.edit(project.contract, "to: ACTIVE_RUNTIME", "to: FUNCTIONALLY_DISCHARGED")
    code, told = project.pv("validate", "contracts")
    assert code == 1, told
    assert "FUNCTIONALLY_DISCHARGED" in told


def test_3_a_promotion_whose_evidence_nobody_has(project: Project) -> None:
    text = project.contract.read_text("utf-8")
    (first, *_) = re.findall(r"\b[0-9a-f]{16}\b", text)
    project.edit(project.contract, first, "0123456789abcdef")
    refused(project, "evidence")


def test_4_evidence_of_another_fingerprint(project: Project) -> None:
    project.edit(project.contract, "prediction: every byte", "prediction: every byte, in order")
    refused(project, "F-PIPE", "the claim has changed since")


def test_4_evidence_relabelled_as_that_of_another_claim(project: Project) -> None:
    text = project.ledger.read_text("utf-8")
    assert '"claim":"F-SUM"' in text
    project.ledger.write_text(text.replace('"claim":"F-SUM"', '"claim":"F-PIPE"'), "utf-8")
    code, told = project.pv("verify")
    assert code == 1, told
    refused(project)


def test_5_a_falsifier_that_compares_nothing(project: Project) -> None:
    project.edit(project.falsifiers, 'evidence.compared(len(sent), "bytes")', "evidence.compared(0, 'bytes')")
    project.falsify()
    assert project.claims()["F-PIPE"]["reason"] == "vacuous"
    refused(project, "F-PIPE", "vacuous")


def test_5_no_contract_at_all(project: Project) -> None:
    project.contract.unlink()
    assert project.pv("gate")[0] == 2
    assert project.pv("status")[0] == 2


def test_6_both_sides_from_one_producer(project: Project) -> None:
    project.edit(project.falsifiers, 'producer="them"', 'producer="us"')
    code, told = project.falsify()
    assert code == 1, told
    assert project.claims()["F-PIPE"]["outcome"] == "error"
    refused(project, "F-PIPE", "independent")


def test_7_a_crash_does_not_count_as_having_caught_the_fault(project: Project) -> None:
    project.edit(project.falsifiers, 'raise Refuted("a byte is missing", stage="pipe")', 'raise OSError("broken pipe")')
    project.falsify()
    refused(project, "F-PIPE", "broken pipe")


def test_7_neither_does_finding_the_fault_elsewhere(project: Project) -> None:
    project.edit(project.falsifiers, 'stage="pipe")', 'stage="tap")')
    project.falsify()
    refused(project, "F-PIPE", "drops-a-byte")


def test_8_an_equation_is_covered_only_by_a_claim_that_can_fail(project: Project) -> None:
    code, told = project.pv("trace", "--strict")
    assert code == 0, told
    project.edit(project.falsifiers, "came = sent[1:] if mutant else sent", "came = sent")
    project.falsify()
    code, told = project.pv("trace", "--strict")
    assert code == 1, told
    assert "pipe" in told
    assert "1 of 2 equations covered" in told


def test_9_a_claim_that_nothing_runs(project: Project) -> None:
    before, _, _ = FALSIFIERS.partition('@falsifies("x-v1", "F-PIPE")')
    project.falsifiers.write_text(before, "utf-8")
    project.falsify()
    refused(project, "F-PIPE", "unbound")


def test_9_a_gate_renamed(project: Project) -> None:
    project.edit(project.contract, "id: F-PIPE", "id: F-HOSE")
    refused(project, "F-PIPE", "F-HOSE")
    code, told = project.falsify()  # the falsifier has lost its claim, which is an error of its own
    assert code == 1, told
    assert "orphaned" in told


def test_10_a_skipped_test_is_no_pass(project: Project) -> None:
    project.edit(
        project.falsifiers,
        "    sent = DATA.read_bytes()",
        '    import pytest\n    pytest.skip("no time")\n    sent = b""',
    )
    _, told = project.falsify()
    assert "1 inconclusive" in told, told
    assert "2 claims" in told
    refused(project, "F-PIPE", "skipped")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("tolerance: 1e-9", "tolerance: 1e-3", "F-SUM: tolerance"),
        ("level: independent", "level: measured", "F-PIPE: level"),
        ("      - {id: off-by-one, stage: add}", "      - {id: off-by-two, stage: add}", "F-SUM: mutant off-by-one"),
        ("out_of_scope: [subtraction]", "out_of_scope: [subtraction, carrying]", "out_of_scope: carrying"),
        ("params: {n: [3, 5]}", "params: {n: [3]}", "F-SUM"),
    ],
    ids=["bound", "level", "mutant", "scope", "cases"],
)
def test_11_a_bar_lowered_without_a_trace(project: Project, old: str, new: str, named: str) -> None:
    project.edit(project.contract, old, new)
    project.commit("wording")
    project.edit(project.contract, "description: sums and a pipe", "description: sums, and a pipe")
    project.commit("more wording")  # one commit later it is still there
    project.falsify()
    told = refused(project, named)
    assert "ACTIVE_ALGORITHM_LEVEL" in told  # one rung less than the evidence would support


def test_11_a_bar_lowered_with_its_own_entry_counts_again_once_newer_evidence_exists(project: Project) -> None:
    project.edit(project.contract, "tolerance: 1e-9", "tolerance: 1e-3")
    code, told = project.pv("demote", "contracts/x-v1.yaml", "--reason", "float16 is enough")
    assert code == 0, told
    assert "F-SUM: tolerance" in project.contract.read_text("utf-8")
    project.commit("a lower bar, as the history says")
    project.falsify()
    code, told = project.pv("gate")
    assert code == 0, told
    code, told = project.pv("promote", "contracts/x-v1.yaml")
    assert code == 0, told
    project.commit("promoted again")
    assert project.status()[1]["effective"] == "ACTIVE_RUNTIME"
    assert project.pv("gate")[0] == 0


def test_12_a_history_rewritten(project: Project) -> None:
    text = project.contract.read_text("utf-8")
    head = text[: text.index("status_history:")]
    today = dt.datetime.now(dt.UTC).date().isoformat()
    history = (
        f'status_history:\n  - {{date: "{today}", from: PROPOSED, to: ACTIVE_RUNTIME, reason: it was always so}}\n'
    )
    project.contract.write_text(head + history, "utf-8")
    refused(project, "history")


def test_13_a_pin_hashed_again_locally(project: Project, tmp_path: Path) -> None:
    upstream = tmp_path / "upstream"
    upstream.mkdir()
    theirs = Project(upstream)
    theirs.git("init", "--quiet", "--initial-branch", "main")
    shutil.copy(project.contract, upstream / "x-v1.yaml")
    theirs.commit("the contract")
    pinned = ("contracts/x-v1.yaml", "--source", str(upstream), "--branch", "main", "--path", "x-v1.yaml")
    code, told = project.pv("pin", "add", *pinned)
    assert code == 0, told
    assert project.pv("pin", "check")[0] == 0
    assert project.pv("pin", "roundtrip")[0] == 0
    lock = project.root / "pv.lock"
    old = _sha256(project.contract)
    project.edit(project.contract, "description: sums and a pipe", "description: pipes")
    assert project.pv("pin", "check")[0] == 1
    project.edit(lock, old, _sha256(project.contract))
    assert project.pv("pin", "check")[0] == 0  # the lock and the file agree, as they did for six revisions upstream
    code, told = project.pv("pin", "roundtrip")
    assert code == 1, told
    upstream.rename(tmp_path / "gone")
    code, told = project.pv("pin", "roundtrip")
    assert code == 2, told
    assert "not run" in told


def test_14_evidence_of_something_else_than_what_is_there_now(project: Project) -> None:
    (project.root / "data.bin").write_text("abd", "utf-8")
    refused(project, "F-PIPE", "data.bin has changed since")


def test_14_evidence_that_is_too_old(project: Project) -> None:
    project.edit(project.contract, "    rule: what goes in", "    valid_for: 30d\n    rule: what goes in")
    project.falsify()
    assert project.pv("gate")[0] == 0
    project.edit(project.contract, "valid_for: 30d", "valid_for: PT0S")
    assert project.pv("validate", "contracts")[0] == 1  # what is never valid is no claim
    project.edit(project.contract, "valid_for: PT0S", "valid_for: PT1S")
    project.falsify()
    time.sleep(1.1)
    refused(project, "expired")


def test_15_a_table_that_was_typed(project: Project) -> None:
    readme = project.root / "README.md"
    readme.write_text("# us\n\n<!-- pv status -->\n<!-- /pv status -->\n", "utf-8")
    assert project.pv("status", "--into", "README.md")[0] == 0
    assert "| x-v1 |" in readme.read_text("utf-8")
    assert project.pv("status", "--check", "README.md")[0] == 0
    project.edit(readme, "2/2", "3/3")
    code, told = project.pv("status", "--check", "README.md")
    assert code == 1, told


@pytest.mark.parametrize("cheat", ["changed", "gap", "reordered", "unknown field", "typed row"])
def test_16_a_ledger_that_was_worked_on(project: Project, cheat: str) -> None:
    assert project.pv("verify")[0] == 0
    lines = project.ledger.read_text("utf-8").splitlines(keepends=True)
    lines = WORKED_ON[cheat](lines)
    project.ledger.write_text("".join(lines), "utf-8")
    code, told = project.pv("verify")
    assert code == 1, told
    refused(project)


def _typed(lines: list[str]) -> list[str]:
    row = next(json.loads(line) for line in lines if json.loads(line)["kind"] == "case")
    return [*lines, json.dumps(row, separators=(",", ":")) + "\n"]


WORKED_ON: dict[str, Callable[[list[str]], list[str]]] = {
    "changed": lambda lines: [line.replace('"compared":{"bytes":3}', '"compared":{"bytes":9}') for line in lines],
    "gap": lambda lines: [*lines[:3], *lines[4:]],
    "reordered": lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
    "unknown field": lambda lines: [*lines[:-2], lines[-2].replace('{"prev"', '{"x":1,"prev"'), lines[-1]],
    "typed row": _typed,
}


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
