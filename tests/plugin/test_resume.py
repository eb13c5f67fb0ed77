"""`--resume`: what this commit's evidence already says is kept, and the rest is run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from pv.ledger import append

pytest_plugins = ["pytester"]

CLAIMS = (
    "id: F-1, params: {n: [1, 2]}, mutants: [{id: m, stage: s}]",
    "id: F-2, expect: refuted, mutants: [{id: m, stage: s}]",
    "id: F-3, mutants: [{id: m, stage: s}]",
    "id: F-4, params: {n: [1, 2, 3]}, mutants: [{id: m, stage: s}]",
)
FALSIFIERS = """
    import os, time
    def told(evidence): evidence.compared(1, "x")
    @falsifies("x-v1", "F-1")
    def one(mutant, n, evidence):
        told(evidence)
        if mutant: raise Refuted("off", stage="s")
    @falsifies("x-v1", "F-2")
    def two(mutant, evidence):
        told(evidence)
        assert mutant
    @falsifies("x-v1", "F-3")
    def three(mutant, evidence):
        told(evidence)
        if os.path.exists("hang"): time.sleep(600)
        if os.path.exists("lacking"): raise Inconclusive("no oracle")
        if os.path.exists("broken"): raise OSError("broken")
        if os.path.exists("differs") or mutant: raise Refuted("off", stage="s")
    @falsifies("x-v1", "F-4")
    def four(mutant, n, evidence):
        told(evidence)
        if mutant: raise Refuted("off", stage="s")
"""
WHOLE = 11
OLD = "2020-01-01T00:00:00+00:00"


def git(project: Any, *arguments: str) -> None:
    identity = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", *arguments], cwd=project.root, check=True, env={**os.environ, **identity})  # noqa: S607  git is where the shell finds it


def fill(project: Any) -> None:
    project.contract(*CLAIMS)
    project.falsifiers(FALSIFIERS)
    git(project, "init", "-q")
    git(project, "add", "contracts", "falsifiers", "pyproject.toml")
    git(project, "commit", "-qm", "x")


def status(project: Any) -> list[Any]:
    """What `pv status` says of each contract, but for which lines say so, and what was before."""
    command = [sys.executable, "-m", "pv", "status", "--format", "json"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    contracts = [
        {**one, "trend": None, "claims": [_same(claim) for claim in one["claims"]]} for one in report["contracts"]
    ]
    return [report["headline"], *contracts]


def _same(claim: dict[str, Any]) -> dict[str, Any]:
    return {name: claim[name] for name in ("claim", "outcome", "reason", "detail", "mutants_killed", "level_reached")}


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_session_that_was_killed_is_taken_up_where_it_ended(project: Any, workers: tuple[str, ...]) -> None:
    fill(project)
    project.write("hang", "")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-m", "falsify", *workers]
    with subprocess.Popen(command, cwd=project.root, stdout=subprocess.DEVNULL, start_new_session=True) as session:
        wait_for(
            lambda: {("begin", "F-3"), ("case", "F-1")} <= {(row["kind"], row.get("claim")) for row in rows(project)}
        )
        os.killpg(session.pid, signal.SIGKILL)
    (project.root / "hang").unlink()
    done = {row["node"] for row in project.rows()}
    assert 0 < len(done) < WHOLE

    result = project.run_lean("-m", "falsify", "-p", "no:randomly", "--resume", *workers)
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=WHOLE - len(done), deselected=0 if workers else len(done))
    result.stdout.fnmatch_lines(
        [
            f"pv: {len(done)} cases kept from this commit's evidence",
            "pv: 4 claims: 3 discharged, 1 refuted (1 as expected), 0 inconclusive, 4/4 mutants killed",
        ]
    )
    nodes = [row["node"] for row in project.rows()]
    assert len(nodes) == len(set(nodes)) == WHOLE

    resumed = status(project)
    project.ledger.unlink()
    project.run_lean("-m", "falsify")
    assert resumed == status(project)


def rows(project: Any) -> list[dict[str, Any]]:
    if not project.ledger.exists():
        return []
    return [json.loads(line) for line in project.ledger.read_text().splitlines(keepends=True) if line.endswith("\n")]


def wait_for(condition: Any) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("what was waited for did not happen")


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_where_everything_is_known_nothing_is_run(project: Any, workers: tuple[str, ...]) -> None:
    fill(project)
    project.run_lean("-m", "falsify")
    before = project.ledger.read_bytes()
    result = project.run_lean("-m", "falsify", "--resume", *workers)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"pv: {WHOLE} cases kept from this commit's evidence", "pv: 4 claims: 3 discharged*"])
    assert project.ledger.read_bytes() == before


@pytest.mark.parametrize("state", ["lacking", "broken", "differs"])
def test_what_settled_nothing_is_run_again(project: Any, state: str) -> None:
    fill(project)
    project.write(state, "")
    project.run("-m", "falsify", "-k", "F-3 or F-1")
    (project.root / state).unlink()
    result = project.run("-m", "falsify", "--resume", "-k", "F-3 or F-1")
    kept = 4 if state == "differs" else 3  # a mutant that is refuted is killed, so that case is settled
    result.assert_outcomes(passed=5 - kept, deselected=WHOLE - 5 + kept)
    result.stdout.fnmatch_lines([f"pv: {kept} cases kept from this commit's evidence", "pv: 2 claims: 2 discharged*"])


def test_a_newer_run_that_broke_off_lets_no_older_one_stand(project: Any) -> None:
    fill(project)
    project.run("-m", "falsify", "-k", "F-3")
    project.write("broken", "")
    project.run("-m", "falsify", "-k", "F-3")
    (project.root / "broken").unlink()
    project.run("--resume", "-k", "F-3").assert_outcomes(passed=2, deselected=WHOLE - 2)


@pytest.mark.parametrize(
    ("change", "kept"), [("commit", 0), ("contract", 5), ("falsifier", 0), ("plain file", WHOLE), ("fresh", WHOLE)]
)
def test_what_is_kept_is_of_this_commit_and_fresh(project: Any, change: str, kept: int) -> None:
    fill(project)
    project.run("-m", "falsify")
    if change == "commit":
        git(project, "commit", "-qm", "y", "--allow-empty")
    elif change == "contract":
        path = project.root / "contracts" / "x-v1.yaml"
        text = path.read_text()
        path.write_text(text.replace("the prediction, if_fails: the suspect, id: F-4", "another, if_fails: q, id: F-4"))
        path.write_text(
            path.read_text().replace("the prediction, if_fails: the suspect, id: F-3", "x, if_fails: q, id: F-3")
        )
    elif change == "falsifier":
        project.falsifiers(FALSIFIERS + "    # changed\n")
    elif change == "plain file":
        project.write("pyproject.toml", (project.root / "pyproject.toml").read_text() + "# changed\n")
    result = project.run("-m", "falsify", "--resume")
    result.assert_outcomes(passed=WHOLE - kept, deselected=kept)
    dirty = "pv: the tree differs from the commit; what is kept rests on nothing that has changed"
    if kept == 0:
        result.stdout.fnmatch_lines(["pv: nothing is kept: no case has fresh evidence of this commit"])
    elif change == "fresh":
        result.stdout.no_fnmatch_line(dirty)
    else:
        result.stdout.fnmatch_lines([dirty])


def test_without_a_commit_nothing_is_kept(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.root.parent))
    project.contract(*CLAIMS)
    project.falsifiers(FALSIFIERS)
    project.run("-m", "falsify")
    result = project.run("-m", "falsify", "--resume")
    result.assert_outcomes(passed=WHOLE)
    result.stdout.fnmatch_lines(["pv: nothing is kept: git tells of no commit here"])


def test_evidence_that_has_expired_is_made_anew(project: Any) -> None:
    fill(project)
    path = project.root / "contracts" / "x-v1.yaml"
    path.write_text("valid_for: 1h\n" + path.read_text())
    project.run("-m", "falsify")
    rows = [{key: value for key, value in row.items() if key != "prev"} for row in project.all_rows()]
    project.ledger.unlink()
    append(project.ledger, [{**row, **({"started": OLD} if "started" in row else {})} for row in rows])
    result = project.run("-m", "falsify", "--resume")
    result.assert_outcomes(passed=WHOLE)
    result.stdout.fnmatch_lines(["pv: nothing is kept: no case has fresh evidence of this commit"])
    project.run("-m", "falsify", "--resume").assert_outcomes(deselected=WHOLE)


def test_a_ledger_that_was_changed_keeps_nothing(project: Any) -> None:
    fill(project)
    project.run("-m", "falsify")
    project.ledger.write_text(project.ledger.read_text().replace('"compared":{"x":1}', '"compared":{"x":2}', 1))
    result = project.run("-m", "falsify", "--resume")
    result.assert_outcomes(passed=WHOLE)
    result.stdout.fnmatch_lines(["pv: nothing is kept: the ledger was changed after it had been written; *"])


def test_a_shard_is_resumed_as_it_was_cut(project: Any) -> None:
    fill(project)
    project.write("lacking", "")
    for _ in range(2):
        project.run("-m", "falsify", "--resume", "--pv-shard", "1/2")
        (project.root / "lacking").unlink(missing_ok=True)
    project.run("-m", "falsify", "--resume", "--pv-shard", "2/2")
    assert len({row["plan"] for row in project.all_rows() if row["kind"] == "run"}) == 1
    settled = [row["node"] for row in project.rows() if row["verdict"] != "inconclusive"]
    assert len(settled) == len(set(settled)) == WHOLE
