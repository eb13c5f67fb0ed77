"""What a verdict rests on: recorded as it was when it was imported, looked at again when the run ends."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

pytest_plugins = ["pytester"]

CLAIM = "id: F-1, mutants: [{id: m, stage: s}]"
GOOD = """
@falsifies('x-v1', 'F-1')
def one(evidence, mutant):
    evidence.compared(1, 'x')
    if mutant: raise Refuted('off', stage='s')
"""


def status(project: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pv", "status", *arguments]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("conftest.py", "# changed\n", "conftest conftest.py has changed since"),
        ("contracts/conftest.py", "# new\n", "conftest contracts/conftest.py was not there when it ran"),
        ("falsifiers/_help.py", "HELP = 2\n", "falsifiers falsifiers has changed since"),
        ("falsifiers/table.json", "{}", "falsifiers falsifiers has changed since"),
    ],
)
def test_code_beside_the_falsifier_counts(project: Any, name: str, text: str, words: str) -> None:
    project.contract(CLAIM)
    project.write("conftest.py", "# mine\n")
    project.write("falsifiers/_help.py", "HELP = 1\n")
    project.falsifiers(GOOD)
    project.run().assert_outcomes(passed=2)
    row, _ = project.rows()
    assert [(entry["kind"], entry["path"]) for entry in row["inputs"]] == [
        ("conftest", "conftest.py"),
        ("falsifiers", "falsifiers"),
    ]
    assert "1 discharged" in status(project).stdout
    project.write(name, text)
    assert words in status(project).stdout
    assert "0 discharged" in status(project).stdout


@pytest.mark.parametrize(
    "body", ["evidence.compared(1, 'x')", "raise Refuted('off')", "raise Inconclusive('no model')"]
)
@pytest.mark.parametrize("name", ["lib/code.py", "conftest.py", "falsifiers/_help.py"])
def test_a_source_that_changes_while_it_is_in_use_makes_a_run_inconclusive(project: Any, body: str, name: str) -> None:
    project.contract("id: F-1")
    project.write("lib/code.py", "x = 1\n")
    project.write("conftest.py", "import pv\npv.watch('lib')\n")
    project.write("falsifiers/_help.py", "\n")
    project.falsifiers(f"""
        from pathlib import Path
        @falsifies("x-v1", "F-1")
        def one(evidence):
            evidence.input("source", "lib")
            Path("{name}").write_text("x = 2")
            {body}
    """)
    result = project.run("-rs")
    result.assert_outcomes(skipped=1)
    (row,) = project.rows()
    assert (row["verdict"], row["reason"]) == ("inconclusive", "source changed")
    named = {"lib/code.py": "source lib", "conftest.py": "conftest conftest.py"}.get(name, "falsifiers falsifiers")
    result.stdout.fnmatch_lines([f"*source changed: {named}: not what was there*"])


def test_evidence_carries_the_digest_from_before_the_import(project: Any) -> None:
    project.contract(CLAIM)
    project.write("lib/code.py", "x = 1\n")
    project.write(
        "conftest.py", "import pv\nfrom pathlib import Path\npv.watch('lib')\nPath('lib/code.py').write_text('x = 2')\n"
    )
    project.falsifiers(GOOD.replace("    if", "    evidence.input('source', 'lib')\n    if"))
    project.run().assert_outcomes(skipped=2)
    assert "0 discharged" in status(project).stdout
    project.write("conftest.py", "import pv\npv.watch('lib')\n")
    project.run().assert_outcomes(passed=2)
    assert "1 discharged" in status(project).stdout


def test_falsifiers_are_looked_at_before_they_are_imported(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers("from pathlib import Path\nPath(__file__).write_text(Path(__file__).read_text() + '#')\n" + GOOD)
    project.run().assert_outcomes(skipped=1)


CRASH = """
    import os
    @falsifies("x-v1", "F-1")
    def one(evidence, n, mutant):
        evidence.compared(1, "x")
        if mutant: raise Refuted("off", stage="s")
        if os.environ.get("CRASH"): os._exit(1)
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1", "--max-worker-restart", "0")])
def test_a_crash_leaves_no_older_evidence_standing(
    project: Any, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    project.contract("id: F-1, params: {n: [é∂]}, mutants: [{id: m, stage: s}]")
    project.falsifiers(CRASH)
    project.run_lean(*workers).assert_outcomes(passed=2)
    assert "1 discharged" in status(project).stdout
    monkeypatch.setenv("CRASH", "1")
    assert project.run_lean(*workers).ret != 0
    done = status(project)
    assert done.returncode == 1
    assert "0 discharged, 0 refuted, 0 inconclusive, 1 error" in done.stdout
    assert ("the worker that ran it died" if workers else "began and did not end") in done.stdout
    monkeypatch.delenv("CRASH")
    project.run_lean(*workers).assert_outcomes(passed=2)
    assert "1 discharged" in status(project).stdout


@pytest.mark.parametrize("body", ["raise KeyboardInterrupt", "pytest.exit('enough')"])
def test_an_interrupted_run_is_inconclusive_and_older_evidence_does_not_count(project: Any, body: str) -> None:
    project.contract("id: F-1", "id: F-2")
    bodies = ("evidence.compared(1, 'x')", body)
    for text in bodies:
        project.falsifiers(f"@falsifies('x-v1', 'F-1', 'F-2')\ndef one(evidence): {text}\n")
        project.run_lean("-p", "no:randomly")
    done = status(project)
    assert done.returncode == 0
    assert "2 claims: 0 discharged, 0 refuted, 2 inconclusive (1 interrupted, 1 stale)" in done.stdout


def test_a_run_that_ended_is_not_kept_as_begun_when_its_evidence_goes_stale(project: Any) -> None:
    project.contract("id: F-1")
    project.write("data.bin", "a")
    project.falsifiers(
        "@falsifies('x-v1', 'F-1')\ndef one(evidence): evidence.compared(1, 'x'); evidence.input('data', 'data.bin')\n"
    )
    project.run().assert_outcomes(passed=1)
    assert [row["kind"] for row in project.all_rows()] == ["run", "begin", "environment", "case", "end"]
    project.write("data.bin", "b")
    done = status(project)
    assert (done.returncode, "1 stale" in done.stdout) == (0, True)


def test_evidence_of_a_file_outside_the_folders_of_falsifiers_is_stale(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers(GOOD)
    project.run().assert_outcomes(passed=1)
    project.ledger.write_text(project.ledger.read_text().replace('"falsifiers/x.py"', '"falsifiers/../other/x.py"'))
    project.write("other/x.py", (project.root / "falsifiers" / "x.py").read_text())
    assert "falsifier falsifiers/../other/x.py is in no folder of falsifiers" in status(project).stdout


@pytest.mark.parametrize("change", ["unlink", "twice"])
def test_evidence_of_a_claim_that_is_no_longer_bound_to_one_falsifier_is_stale(project: Any, change: str) -> None:
    project.contract("id: F-1")
    project.falsifiers(GOOD)
    project.run().assert_outcomes(passed=1)
    if change == "twice":
        project.falsifiers(GOOD, name="y")
    else:
        (project.root / "falsifiers" / "x.py").unlink()
    assert "0 discharged, 0 refuted, 1 inconclusive (1 stale)" in status(project).stdout


def test_no_two_combinations_of_parameters_share_evidence(project: Any) -> None:
    claim = "id: F-1, params: {a: [1, '1+2'], b: ['2+3', 3]}"
    project.contract(claim)
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(a, b, evidence):
            evidence.compared(1, "x")
            assert (a, b) != (1, "2+3")
    """)
    project.run().assert_outcomes(passed=3, failed=1)
    assert len({row["params"] for row in project.rows()}) == 4
    project.contract(claim.replace("+", "-"))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*error?PV307?: two combinations of the parameters of claim 'F-1' read '1-2-3'"])
