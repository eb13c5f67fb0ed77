"""`pv status` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pv.corpus import read
from pv.digest import sha256
from pv.ledger import append

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
metadata: {version: "1", description: d, references: [r]}
status: %s
equations: {f: {formula: x}}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s, layer: 1}]}
  - {id: F-2, prediction: p, if_fails: q, mutants: [{id: m, stage: s, layer: 1}]}
"""


def pv(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pv", "status", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.pv]\n")
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "x-v1.yaml").write_text(CONTRACT % "ACTIVE_RUNTIME")
    return tmp_path


def record(project: Path, verdicts: dict[str, str], **more: Any) -> None:
    contract = read(project / "contracts" / "x-v1.yaml").contract
    assert contract
    falsifiers = project / "falsifiers"
    falsifiers.mkdir(exist_ok=True)
    (falsifiers / "f.py").write_text("x")
    inputs = [{"kind": "falsifiers", "path": "falsifiers", "sha256": sha256(falsifiers)}]
    key = {
        "kind": "case",
        "run": "1" * 32,
        "contract": "x-v1",
        "params": "{}",
        "mutant": "",
        "level": "measured",
        "engines": [
            {"role": "subject", "name": "ours", "build": "1", "producer": "us"},
            {"role": "oracle", "name": "theirs", "build": "1", "producer": "them"},
        ],
        "compared": {"x": 1},
        "inputs": inputs,
    }
    key["falsifier"] = {"path": "falsifiers/f.py", "sha256": sha256(falsifiers / "f.py")}
    killed = {"mutant": "m", "verdict": "killed", "where": {"stage": "s", "layer": 1}}
    rows = [
        {**key, "claim": claim.id, "fingerprint": claim.fingerprint, **case}
        for claim in contract.claims
        if claim.id in verdicts
        for case in ({"verdict": verdicts[claim.id], **more}, killed)
    ]
    append(project / ".pv" / "ledger.jsonl", rows)


@pytest.mark.parametrize(
    ("verdicts", "arguments", "code", "effective"),
    [
        ({}, [], 1, "PROPOSED (overstated)"),
        ({}, ["--strict"], 1, "PROPOSED (overstated)"),
        ({"F-1": "discharged"}, [], 1, "PARTIAL_ALGORITHM_LEVEL (overstated)"),
        ({"F-1": "discharged", "F-2": "discharged"}, ["--strict"], 0, "ACTIVE_RUNTIME"),
        ({"F-1": "discharged", "F-2": "refuted"}, [], 1, "REFUTED (overstated)"),
        ({"F-1": "discharged", "F-2": "error"}, [], 1, "PARTIAL_ALGORITHM_LEVEL (overstated)"),
        ({"F-1": "discharged", "F-2": "inconclusive"}, [], 1, "PARTIAL_ALGORITHM_LEVEL (overstated)"),
    ],
)
def test_the_exit_code_follows_the_status(
    project: Path, verdicts: dict[str, str], arguments: list[str], code: int, effective: str
) -> None:
    record(project, verdicts)
    done = pv(project, *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert f"  {effective}  " in done.stdout
    assert ("nothing has been run" in done.stdout) is (not verdicts)


def test_it_works_from_a_folder_below_and_for_chosen_contracts(project: Path) -> None:
    record(project, {"F-1": "discharged", "F-2": "discharged"})
    (project / "contracts" / "y-v1.yaml").write_text(CONTRACT % "PROPOSED")
    below = project / "contracts"
    assert "4 claims: 2 discharged" in pv(below).stdout
    assert "2 claims: 2 discharged" in pv(below, "x-v1.yaml").stdout
    moved = project / "moved.jsonl"
    (project / ".pv" / "ledger.jsonl").rename(moved)
    assert "4 claims: 0 discharged" in pv(project).stdout
    assert "4 claims: 2 discharged" in pv(project, "--ledger", "moved.jsonl").stdout


def test_json_names_what_is_lacking(project: Path) -> None:
    record(project, {"F-1": "discharged"})
    report = json.loads(pv(project, "--format", "json").stdout)
    (contract,) = report["contracts"]
    assert (contract["declared"], contract["effective"]) == ("ACTIVE_RUNTIME", "PARTIAL_ALGORITHM_LEVEL")
    assert contract["lacking"] == [{"claim": "F-2", "lacks": ["not run", "1 mutant not run: m"]}]
    assert [(one["claim"], one["outcome"], one["reason"]) for one in contract["claims"]] == [
        ("F-1", "discharged", ""),
        ("F-2", "inconclusive", "not run"),
    ]
    assert [(one["claim"], one["mutant"], one["verdict"]) for one in contract["matrix"]] == [
        ("F-1", "m", "killed"),
        ("F-2", "m", "not run"),
    ]


def test_markdown_is_a_table(project: Path) -> None:
    record(project, {"F-1": "discharged"})
    lines = pv(project, "--format", "markdown").stdout.splitlines()
    assert lines[0] == "**2 claims: 1 discharged, 0 refuted, 1 inconclusive (1 not run), 1/2 mutants killed**"
    assert lines[2].count("|") == lines[3].count("|") == lines[4].count("|") == 13
    assert lines[4].startswith("| x-v1 | ACTIVE_RUNTIME | PARTIAL_ALGORITHM_LEVEL (overstated) | 1/2 |")
    start = lines.index("<details><summary>x-v1: 1/2 mutants killed</summary>")
    assert lines[start + 1 :] == [
        "",
        "| claim | mutant |  | expected | found | reported |",
        "| --- | --- | --- | --- | --- | --- |",
        "| F-1 | m | killed | s, layer 1 | s, layer 1 |  |",
        "| F-2 | m | not run | s, layer 1 |  |  |",
        "",
        "</details>",
    ]


def test_a_torn_ledger_is_reported_and_the_rest_counts(project: Path) -> None:
    record(project, {"F-1": "discharged", "F-2": "discharged"})
    ledger = project / ".pv" / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-20])
    done = pv(project)
    assert done.returncode == 1  # it declares more than what is left supports
    assert "ledger.jsonl:4: the last line is torn; left aside" in done.stdout
    assert "2 claims: 1 discharged, 0 refuted, 1 inconclusive (1 not run), 1/2 mutants killed" in done.stdout


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("contracts/z.yaml", "a: [\n", "contracts/z.yaml:1:5: error[PV003]"),
        ("contracts/x-v1.yaml", CONTRACT % "NOPE", "contracts/x-v1.yaml:2:9: error[PV302]"),
        ("contracts/x-v1.yaml", "a: 1\n", "no contract found"),
        ("pyproject.toml", "[tool.pv]\nledgr = 1\n", "did you mean 'ledger'?"),
        ("pyproject.toml", "[tool.pv]\ncontracts = 'x'\n", "must be a list of folders"),
        ("pyproject.toml", "[tool.pv\n", "not TOML"),
    ],
)
def test_what_cannot_be_used_is_named(project: Path, name: str, text: str, words: str) -> None:
    (project / name).write_text(text)
    done = pv(project)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert (done.stdout == "") is (name != "contracts/z.yaml")


def test_a_missing_contract_is_named(project: Path) -> None:
    done = pv(project, "none.yaml")
    assert (done.returncode, done.stderr) == (2, "pv: none.yaml: no such file or folder\n")


def test_figures_that_are_told_and_not_judged_are_shown(project: Path) -> None:
    verdicts = {"F-1": "discharged", "F-2": "discharged"}
    record(project, verdicts, reported={"free_run": {"min_cosine": 0.99512, "positions": 128}})
    line = "F-1: free run: min cosine 0.9951, positions 128"
    assert f"reported, not judged\n  {line}" in pv(project).stdout
    assert f"* {line}" in pv(project, "--format", "markdown").stdout
    claims = json.loads(pv(project, "--format", "json").stdout)["contracts"][0]["claims"]
    assert claims[0]["reported"] == {"": {"free_run": {"min_cosine": 0.99512, "positions": 128}}}
    record(project, verdicts, reported={"passes": 2, "tests": 186})
    assert "reported, not judged\n  F-1: passes: 2; tests: 186\n" in pv(project).stdout
    record(project, verdicts)
    assert "not judged" not in pv(project).stdout
