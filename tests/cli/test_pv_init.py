"""`pv init` as a user runs it, and what the project that it makes is worth."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

FILES = [
    ".github/workflows/contracts.yml",
    ".gitignore",
    "contracts/contract.schema.json",
    "contracts/example-v1.yaml",
    "falsifiers/example_v1.py",
    "pyproject.toml",
]
OWN = """\
metadata: {version: 1.0.0, description: d, references: [r]}
equations: {f: {formula: x, domain: d}}
falsification_tests: [{id: F-1, rule: r, prediction: p, if_fails: q}]
"""


def run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=environment)


def git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git/" not in path.relative_to(root).as_posix()
    }


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    root = tmp_path / "empty"
    git("init", "-q", str(root))
    return root


def test_the_first_claim_is_discharged_and_its_mutant_refuted(empty: Path) -> None:
    done = run(empty, "pv", "init")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(files(empty)) == FILES
    checked = run(empty, "pv", "validate", "--strict", "contracts")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    told = run(empty, "pytest", "-q", "-m", "falsify", "-p", "no:randomly", "-p", "no:cacheprovider")
    assert told.returncode == 0, told.stdout
    assert "1 claim: 1 discharged, 0 refuted, 0 inconclusive, 1/1 mutants killed" in told.stdout
    status = run(empty, "pv", "status", "--format", "json")
    assert status.returncode == 0, status.stderr
    (contract,) = json.loads(status.stdout)["contracts"]
    assert (contract["contract"], contract["effective"]) == ("example-v1", "ACTIVE_ALGORITHM_LEVEL")
    ignored = git("-C", str(empty), "status", "--short", "-uall")
    assert ".pv" not in ignored, "the ledger is made by runs"


def test_the_falsifier_can_fail(empty: Path) -> None:
    """A softmax with the fault in it is refuted where the contract says; a sound one in the mutant's place survives."""
    run(empty, "pv", "init")
    module = empty / "falsifiers/example_v1.py"
    sound = module.read_text()
    line = "subject = softmax_without_the_last if mutant else softmax\n"
    assert line in sound
    module.write_text(sound.replace(line, "subject = softmax_without_the_last\n"))
    told = run(empty, "pytest", "-q", "-m", "falsify")
    assert told.returncode == 1
    assert "1 claim: 0 discharged, 1 refuted" in told.stdout
    module.write_text(sound.replace(line, "subject = softmax\n"))
    told = run(empty, "pytest", "-q", "-m", "falsify")
    assert told.returncode == 1
    assert "0/1 mutants killed" in told.stdout


def test_a_second_time_changes_nothing(empty: Path) -> None:
    run(empty, "pv", "init")
    before = files(empty)
    done = run(empty, "pv", "init")
    assert (done.returncode, files(empty)) == (0, before)
    assert done.stdout.endswith("nothing to do\n")
    assert "wrote" not in done.stdout
    assert re.search(r"^left +pyproject\.toml  \(has \[tool\.pv\] already\)$", done.stdout, re.MULTILINE)


def test_a_dry_run_writes_nothing(empty: Path, tmp_path: Path) -> None:
    for folder in (empty, tmp_path / "new"):
        done = run(tmp_path, "pv", "init", str(folder), "--dry-run", "--name", "softmax-v2")
        assert done.returncode == 0
        assert "would write  falsifiers/softmax_v2.py" in done.stdout
    assert files(empty) == {}
    assert not (tmp_path / "new").exists()


def test_a_folder_is_made_and_named(tmp_path: Path) -> None:
    done = run(tmp_path, "pv", "init", "a b/c", "--name", "attention-scores-v12", "--ci", "none")
    assert done.returncode == 0
    assert sorted(files(tmp_path / "a b/c")) == [
        ".gitignore",
        "contracts/attention-scores-v12.yaml",
        "contracts/contract.schema.json",
        "falsifiers/attention_scores_v12.py",
        "pyproject.toml",
    ]
    contract = yaml.safe_load((tmp_path / "a b/c/contracts/attention-scores-v12.yaml").read_text())
    assert contract["falsification_tests"][0]["id"] == "FALSIFY-ATTENTION-SCORES-001"
    assert run(tmp_path, "pv", "validate", "--strict", "a b/c/contracts").returncode == 0


@pytest.mark.parametrize("text", ['[project]\nname = "x"', '[project]\r\nname = "x"\r\n', "# é\n", "\n", ""])
def test_what_a_pyproject_says_stays_as_it_is(empty: Path, text: str) -> None:
    (empty / "pyproject.toml").write_bytes(text.encode())
    done = run(empty, "pv", "init")
    assert done.returncode == 0
    now = (empty / "pyproject.toml").read_bytes()
    assert now.startswith(text.encode())
    assert tomllib.loads(now.decode()) == {
        **tomllib.loads(text),
        "tool": {
            "pv": {
                "contracts": ["contracts"],
                "schema": "contracts/contract.schema.json",
                "falsifiers": ["falsifiers"],
            }
        },
    }
    assert (b"\r\n" in now) == ("\r" in text)
    assert now.count(b"\n") == now.count(b"\r\n") or "\r" not in text
    assert run(empty, "pv", "validate", "--strict", "contracts").returncode == 0


def test_a_project_with_a_configuration_keeps_it_and_its_folders(empty: Path) -> None:
    (empty / "claims").mkdir()
    (empty / "checks").mkdir()
    text = '[tool.pv]\ncontracts = ["claims"]\nfalsifiers = ["checks"]\nledger = "runs.jsonl"\n'
    (empty / "pyproject.toml").write_text(text)
    done = run(empty, "pv", "init", "--ci", "none")
    assert done.returncode == 0
    assert sorted(files(empty)) == ["checks/example_v1.py", "claims/example-v1.yaml", "pyproject.toml"]
    assert (empty / "pyproject.toml").read_text() == text
    assert run(empty, "pv", "validate", "--strict", "claims").returncode == 0


def test_a_project_with_contracts_gets_no_other_unless_it_is_asked_for(empty: Path) -> None:
    (empty / "contracts").mkdir()
    (empty / "contracts/own-v1.yaml").write_text(OWN)
    done = run(empty, "pv", "init")
    assert "left   contracts  (has contracts already" in done.stdout
    assert sorted(files(empty)) == sorted([*(one for one in FILES if "example" not in one), "contracts/own-v1.yaml"])
    assert run(empty, "pv", "list").returncode == 0, "the configuration names no folder that is not there"
    run(empty, "pv", "init", "--name", "more-v1")
    assert {"contracts/more-v1.yaml", "falsifiers/more_v1.py"} <= set(files(empty))


def test_no_file_is_replaced(empty: Path) -> None:
    own = {name: f"own {name}\n".encode() for name in FILES if name != "pyproject.toml"}
    own["contracts/example-v1.yaml"] = b"metadata: {}\n"
    for name, content in own.items():
        (empty / name).parent.mkdir(parents=True, exist_ok=True)
        (empty / name).write_bytes(content)
    done = run(empty, "pv", "init", "--name", "example-v1")
    assert done.returncode == 0
    now = files(empty)
    ignored = own.pop(".gitignore")
    assert {name: now[name] for name in own} == own
    assert now[".gitignore"].startswith(ignored)
    assert b".pv/*" in now[".gitignore"]
    assert done.stdout.count("is there already, with another text") == 4


@pytest.mark.parametrize("line", [".pv/", "/.pv/*", "!.pv/evidence/", ".pv"])
def test_a_gitignore_that_speaks_of_the_ledger_is_left(empty: Path, line: str) -> None:
    (empty / ".gitignore").write_text(f"build/\n{line}\n")
    run(empty, "pv", "init")
    assert (empty / ".gitignore").read_text() == f"build/\n{line}\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("pyproject.toml", b"[tool\n", "pyproject.toml: not TOML"),
        ("pyproject.toml", b"\xff", "not UTF-8"),
        ("pyproject.toml", b"tool = {black = {line-length = 1}}\n", "write it in by hand"),
        ("pyproject.toml", b'[tool.pv]\ncontract = ["x"]\n', "unknown key 'contract'"),
        ("contracts", b"a file\n", "contracts: a folder is needed here"),
        (".gitignore", b"\xff", ".gitignore: cannot be read: not UTF-8"),
    ],
)
def test_what_stands_in_the_way_is_said_before_anything_is_written(
    empty: Path, name: str, content: bytes, words: str
) -> None:
    (empty / name).write_bytes(content)
    done = run(empty, "pv", "init")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert files(empty) == {name: content}


@pytest.mark.parametrize("name", ["Softmax-v1", "softmax", "softmax-1", "../x-v1", "a b-v1", "-v1", "x-v1.yaml", ""])
def test_a_bad_name_is_refused(empty: Path, name: str) -> None:
    done = run(empty, "pv", "init", f"--name={name}")
    assert (done.returncode, files(empty)) == (2, {})
    assert "no name for a contract" in done.stderr


def test_the_workflow_runs_what_the_project_has(empty: Path) -> None:
    run(empty, "pv", "init")
    workflow = yaml.safe_load((empty / ".github/workflows/contracts.yml").read_text())
    scripts = [step["run"] for step in workflow["jobs"]["contracts"]["steps"] if "run" in step]
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("${{" in script for script in scripts)
    commands = [script.removeprefix("python -m ").split() for script in scripts]
    assert [command[:2] for command in commands] == [
        ["pip", "install"],
        ["pv", "validate"],
        ["pytest", "-m"],
        ["pv", "status"],
    ]
    for command in commands[2:]:
        assert run(empty, *command).returncode == 0, command
    from pv.arguments import parser

    for command in commands:
        if command[0] == "pv":
            parser().parse_args(command[1:])
