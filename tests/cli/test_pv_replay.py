"""`pv replay` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
metadata: {version: "1", description: d, references: [r]}
equations: {f: {formula: x}}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, params: {n: [1, 2]}, mutants: [{id: m, stage: s}]}
  - {id: F-2, prediction: p, if_fails: q}
  - {id: F-3, prediction: p, if_fails: q}
"""
FALSIFIERS = """\
import os, random
from pathlib import Path
from hypothesis import given, settings, strategies as st
from helping import ONE
from pv import Inconclusive, Refuted, falsifies

HERE = Path(__file__).parent

@falsifies("x-v1", "F-1")
def one(evidence, n, mutant):
    evidence.compared(n, "x")
    evidence.report(threads=os.environ.get("OPENBLAS_NUM_THREADS", "-"))
    if mutant:
        raise Refuted("found", stage="s")

@falsifies("x-v1", "F-2")
def two(evidence, tmp_path):
    evidence.report(drawn=random.random(), made_in=str(tmp_path / "a"))
    seen = []
    @settings(max_examples=60)
    @given(st.integers(0, 10**9))
    def check(n):
        seen.append(n)
        evidence.compared(1, "numbers")
        if n > 10**6:
            raise Refuted("too much", stage="s")
    try:
        check()
    finally:
        evidence.report(sum=sum(seen), asked=len(seen))

@falsifies("x-v1", "F-3")
def three(evidence):
    evidence.input("data", HERE.parent / "data.txt")
    evidence.compared(1, "x")
    evidence.worst(float((HERE.parent / "data.txt").read_text()), stage="q", layer=3)
"""


def call(cwd: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
        encoding="utf-8",
    )


def replay(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return call(cwd, "pv", "replay", *arguments, **environment)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has been run once, with three threads."""
    folder = tmp_path_factory.mktemp("replay")
    (folder / "pyproject.toml").write_text('[tool.pv]\n[tool.pytest.ini_options]\npythonpath = ["lib"]\n')
    (folder / "lib").mkdir()
    (folder / "lib" / "helping.py").write_text("ONE = 1\n")
    for name in ("contracts", "falsifiers"):
        (folder / name).mkdir()
    (folder / "contracts" / "x-v1.yaml").write_text(CONTRACT)
    (folder / "falsifiers" / "x.py").write_text(FALSIFIERS)
    (folder / "data.txt").write_text("0.5")
    done = call(folder, "pytest", "-q", OPENBLAS_NUM_THREADS="3")
    assert done.returncode == 1, done.stdout + done.stderr
    return folder


@pytest.fixture
def project(ran: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    import shutil

    target = tmp_path / "project"
    shutil.copytree(ran, target)
    return target


def rows(project: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (project / ".pv" / "ledger.jsonl").read_text().splitlines()]


def line_of(project: Path, node: str) -> int:
    """The number of the line that says how a case came out."""
    found = [n for n, row in enumerate(rows(project), 1) if row["kind"] == "case" and row["node"].endswith(node)]
    return found[-1]


@pytest.mark.parametrize("name", ["F-1[2]", "x-v1:F-1[1]", "F-1[1-mutant-m]", "F-2", "F-3"])
def test_a_run_comes_out_the_same(ran: Path, name: str) -> None:
    before = (ran / ".pv" / "ledger.jsonl").read_bytes()
    done = replay(ran, name, "--json", OPENBLAS_NUM_THREADS="5")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["same"], said["differs"], said["inputs"]) == (True, [], [])
    node = name.removeprefix("x-v1:")
    assert said["line"] == line_of(ran, f"::{node}")
    assert done.stderr == f"replaying x-v1:{node}@{said['line']}\n"
    assert {one["field"] for one in said["beside"]} >= {"started", "run"}
    assert (ran / ".pv" / "ledger.jsonl").read_bytes() == before


def test_without_a_label_the_newest_without_a_mutant_is_meant(ran: Path) -> None:
    said = json.loads(replay(ran, "F-1", "--json").stdout)
    newest = max((line_of(ran, f"F-1[{label}]"), label) for label in ("1", "2"))  # they run in any order
    assert (said["line"], said["label"]) == newest


def test_a_line_is_meant_by_its_number(project: Path) -> None:
    first = line_of(project, "::F-3")
    (project / "data.txt").write_text("0.25")
    assert call(project, "pytest", "-q", "contracts/x-v1.yaml::F-3").returncode == 0
    newest = replay(project, "F-3", "--json")
    assert newest.returncode == 0, newest.stderr
    old = replay(project, f"F-3@{first}", "--json")
    assert old.returncode == 1
    said = json.loads(old.stdout)
    assert said["line"] == first
    assert [one["field"] for one in said["inputs"]] == ["data data.txt"]
    assert [(one["field"], one["then"], one["now"]) for one in said["differs"]] == [("worst.distance", 0.5, 0.25)]


def test_what_differs_is_told_in_a_table_and_changed_inputs_first(project: Path) -> None:
    (project / "data.txt").write_text("0.25")
    done = replay(project, "F-3")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == f"x-v1:F-3@{line_of(project, '::F-3')}: differs"
    words = done.stdout.split()
    assert words.index("data") < words.index("worst.distance") < words.index("started")
    assert "0.5" in done.stdout
    assert "0.25" in done.stdout


def test_code_that_has_changed_without_effect_is_a_difference_all_the_same(project: Path) -> None:
    falsifiers = project / "falsifiers" / "x.py"
    falsifiers.write_text(falsifiers.read_text() + "# nothing\n")
    done = replay(project, "F-3")
    assert done.returncode == 1
    assert "the same: discharged, but not from the same files" in done.stdout
    assert "falsifier falsifiers/x.py" in done.stdout


def test_a_refutation_found_by_an_example_that_was_kept_is_found_again(project: Path) -> None:
    assert call(project, "pytest", "-q", "contracts/x-v1.yaml::F-2").returncode == 1
    row = rows(project)[line_of(project, "::F-2") - 1]
    assert len(row["examples"]["properties"][0]["first"]) == 1
    kept = project / row["examples"]["kept"]
    for path in sorted(kept.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    done = replay(project, "F-2", "--json")
    assert done.returncode == 0, done.stdout
    assert not any(path.is_file() for path in kept.rglob("*"))  # a replay keeps nothing


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("F-9", "no claim has the id 'F-9'; did you mean"),
        ("F-1[7]", "the claim has no such case; it has [1], [2], [1-mutant-m]"),
        ("F-3@999", "no run of F-3: there is no such line"),
        ("F-3@1", "no run of F-3: it is a line of kind 'run', which says of no case how it came out"),
        ("F-3@LINE", "no run of F-3: it is about x-v1:F-1[2]"),
    ],
)
def test_a_row_that_is_not_there_is_named(ran: Path, name: str, words: str) -> None:
    done = replay(ran, name.replace("LINE", str(line_of(ran, "F-1[2]"))))
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_claim_of_several_contracts_is_not_guessed(project: Path) -> None:
    (project / "contracts" / "y-v1.yaml").write_text(CONTRACT)
    done = replay(project, "F-3")
    assert done.returncode == 2
    assert "2 contracts have it; name one of x-v1:F-3, y-v1:F-3" in done.stderr
    assert "nothing has been run of it" in replay(project, "y-v1:F-3").stderr


def test_a_case_that_is_gone_cannot_be_replayed(project: Path) -> None:
    contract = project / "contracts" / "x-v1.yaml"
    contract.write_text(CONTRACT.replace("n: [1, 2]", "n: [1]").replace("id: F-3", "id: F-4"))
    for name in ("F-1[2]", "F-3", "x-v1:F-3"):
        done = replay(project, name)
        assert done.returncode == 2
        assert "no contract has this case any more" in done.stderr


def test_what_pytest_says_is_shown_where_it_could_not_run_and_where_it_is_asked_for(project: Path) -> None:
    shown = replay(project, "-v", "F-3")
    assert shown.returncode == 0
    assert "1 passed" in shown.stderr
    assert "1 passed" not in shown.stdout
    (project / "falsifiers" / "x.py").write_text("import nothing_of_that_name\n")
    broken = replay(project, "F-3")
    assert broken.returncode == 2
    assert "cannot be replayed: pytest could not run it" in broken.stderr
    assert "nothing_of_that_name" in broken.stderr


def test_no_ledger_is_no_run(project: Path) -> None:
    (project / ".pv" / "ledger.jsonl").unlink()
    done = replay(project, "F-3")
    assert done.returncode == 2
    assert "no ledger" in done.stderr
