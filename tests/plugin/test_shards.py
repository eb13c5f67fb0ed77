"""`--pv-shard`: every claim in one shard, the same with and without workers, and what the ledger says of it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

pytest_plugins = ["pytester"]

CLAIMS = (
    "id: F-1, params: {n: [1, 2]}, mutants: [{id: m, stage: s}, {id: k, stage: s}]",
    "id: F-2, mutants: [{id: m, stage: s}]",
    "id: F-3",
    'id: F-4, params: {word: ["ü", b]}',
    "id: F-5",
)
FALSIFIERS = """
    @falsifies("x-v1", "F-1")
    def one(mutant, n, evidence):
        evidence.compared(n, "x")
        if mutant: raise Refuted("off", stage="s")
    @falsifies("x-v1", "F-2")
    def two(mutant, evidence):
        evidence.compared(1, "x")
        if mutant: raise Refuted("off", stage="s")
    @falsifies("x-v1", "F-3")
    def three(evidence): evidence.compared(1, "x")
    @falsifies("x-v1", "F-4")
    def four(word, evidence): evidence.compared(1, "x")
"""
WHOLE = {
    "F-1[1]",
    "F-1[2]",
    "F-1[1-mutant-m]",
    "F-1[1-mutant-k]",
    "F-2",
    "F-2[mutant-m]",
    "F-3",
    "F-4[\\xfc]",
    "F-4[b]",
    "F-5",
}


def fill(project: Any) -> None:
    project.contract(*CLAIMS)
    project.falsifiers(FALSIFIERS)


def cases(project: Any) -> list[str]:
    return [row["node"].split("::")[1] for row in project.rows()]


def runs(project: Any) -> list[dict[str, Any]]:
    return [row for row in project.all_rows() if row["kind"] == "run"]


@pytest.mark.parametrize("count", range(1, 8))
def test_every_case_runs_in_exactly_one_shard(project: Any, count: int) -> None:
    fill(project)
    for number in range(1, count + 1):
        result = project.run("-m", "falsify", "--pv-shard", f"{number}/{count}")
        assert result.ret == pytest.ExitCode.OK
    assert sorted(cases(project)) == sorted(WHOLE)
    assert len({run["plan"] for run in runs(project)}) == 1
    homes = {(row["claim"], row["run"]) for row in project.rows() if not row["mutant"]}
    assert len(homes) == len(CLAIMS)


def test_workers_run_what_the_controller_chose_also_after_one_has_died(project: Any) -> None:
    fill(project)
    project.write(
        "conftest.py",
        """
        import os, pytest
        @pytest.fixture(autouse=True)
        def once(request):
            if "F-3" in request.node.name and not os.path.exists("died"):
                open("died", "w").close()
                os._exit(1)
        """,
    )
    for number in (1, 2, 3):
        project.run_lean("-m", "falsify", "-n", "2", "--pv-shard", f"{number}/3")
    assert sorted(cases(project)) == sorted(WHOLE)
    apart = {run["plan"] for run in runs(project)}
    project.ledger.unlink()
    project.run("-m", "falsify", "--pv-shard", "1/3")
    assert {run["plan"] for run in runs(project)} == apart


def test_the_ledger_and_the_summary_name_the_shard_and_its_plan(project: Any) -> None:
    fill(project)
    result = project.run("-m", "falsify", "--pv-shard", "2/3")
    (run,) = runs(project)
    assert run["shard"] == "2/3"
    assert len(run["plan"]) == 64
    result.stdout.fnmatch_lines([f"pv: shard 2/3 of plan {run['plan'][:12]}"])


def test_measured_durations_decide(project: Any) -> None:
    project.contract(*(f"id: F-{number}, params: {{n: [1]}}" for number in range(1, 5)))
    seconds = {"F-1[1]": 60, "F-2[1]": 20, "F-3[1]": 20}  # F-4 takes their median, 20
    project.write("d.json", json.dumps({f"contracts/x-v1.yaml::{name}": took for name, took in seconds.items()}))
    for number in (1, 2):
        project.run("--pv-shard", f"{number}/2", "--pv-durations", "d.json")
    first, second = (run["run"] for run in runs(project))
    assert {row["claim"]: row["run"] for row in project.rows()} == {
        "F-1": first,
        "F-2": second,
        "F-3": second,
        "F-4": second,
    }


def test_a_ledger_of_another_machine_says_how_long_cases_take(project: Any) -> None:
    fill(project)
    project.run()
    project.ledger.rename(project.root / "other.jsonl")
    rows = [json.loads(line) for line in (project.root / "other.jsonl").read_text().splitlines()]
    known = {row["node"]: row["duration_s"] for row in rows if row["kind"] == "case"}
    project.write("d.json", json.dumps(known))
    project.run("--pv-shard", "1/3", "--pv-durations", "other.jsonl")
    project.run("--pv-shard", "1/3", "--pv-durations", "d.json")
    one, other = runs(project)
    assert one["plan"] == other["plan"]


def test_items_that_are_no_claims_go_to_the_first_shard(project: Any) -> None:
    fill(project)
    project.falsifiers("@falsifies('x-v1', 'F-9')\ndef nine(): pass\n", name="z")
    project.write("contracts/bad.yaml", "a: [\n")
    project.write("test_plain.py", "def test_it(): pass\n")
    project.run("--pv-shard", "1/2").assert_outcomes(failed=2, passed=6, deselected=5)
    project.run("--pv-shard", "2/2").assert_outcomes(passed=4, skipped=1, deselected=8)
    assert sorted(cases(project)) == sorted(WHOLE)


def test_mutants_alone_are_cut_by_themselves_and_claims_without_falsifiers_go_to_the_first_shard(project: Any) -> None:
    project.contract(*CLAIMS[:4], "id: F-5, mutants: [{id: m, stage: s}]")
    project.falsifiers(FALSIFIERS)
    for number in (1, 2):
        project.run("--mutants", "--pv-shard", f"{number}/2")
        if number == 1:
            assert "F-5" in cases(project)
    assert sorted(cases(project)) == ["F-1[1-mutant-k]", "F-1[1-mutant-m]", "F-2[mutant-m]", "F-5"]


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_shard_without_claims_is_no_failure_and_a_choice_of_nothing_is(
    project: Any, workers: tuple[str, ...]
) -> None:
    project.contract("id: F-1")
    result = project.run_lean("-m", "falsify", "--pv-shard", "2/2", *workers)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["pv: shard 2/2 of plan *", "pv: 0 claims: 0 discharged*"])
    assert [(row["kind"], row.get("shard"), row.get("cases")) for row in project.all_rows()] == [
        ("run", "2/2", None),
        ("end", None, 0),
    ]
    project.ledger.unlink()
    assert project.run_lean("-k", "nothing", "--pv-shard", "2/2", *workers).ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert project.run_lean("--collect-only", "--pv-shard", "2/2", *workers).ret == pytest.ExitCode.OK
    assert not project.ledger.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--pv-shard", "0/5"), "--pv-shard: '0/5' is no shard: write the second of five as 2/5"),
        (("--pv-shard", "6/5"), "--pv-shard: '6/5' is no shard*"),
        (("--pv-shard", "a/b"), "--pv-shard: 'a/b' is no shard*"),
        (("--pv-shard", ""), "--pv-shard: '' is no shard*"),
        (("--pv-durations", "d.json"), "--pv-durations says how shards are cut; use it with --pv-shard"),
        (("--pv-shard", "1/2", "--pv-durations", "none.json"), "*none.json: the durations cannot be read*"),
        (("--pv-shard", "1/2", "--pv-durations", "pyproject.toml"), "*pyproject.toml: neither a ledger nor JSON*"),
    ],
)
def test_what_cannot_be_cut_is_a_usage_error(project: Any, arguments: tuple[str, ...], words: str) -> None:
    fill(project)
    result = project.run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {words}"])
    assert not project.ledger.exists()


@pytest.mark.parametrize("option", ["--resume", "--pv-shard=1/2"])
def test_where_there_are_no_contracts_there_are_no_shards(project: Any, option: str) -> None:
    project.write("pyproject.toml", "[tool.other]\n")
    project.write("test_plain.py", "def test_it(): pass\n")
    result = project.run(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --*: *pyproject.toml has no [[]tool.pv], so no contracts"])


def test_shards_that_run_one_after_another_are_cut_alike(project: Any) -> None:
    """What the first one measured must not move claims between the others."""
    fill(project)
    identity = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for command in (["init", "-q"], ["add", "contracts", "falsifiers"], ["commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=project.root, check=True, env={**os.environ, **identity})  # noqa: S607  git is where the shell finds it
    project.run("-m", "falsify", "-k", "F-3")
    for number in (1, 2):
        project.run("-m", "falsify", "--pv-shard", f"{number}/2")
    _, one, other = runs(project)
    assert one["plan"] == other["plan"]
