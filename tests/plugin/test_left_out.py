"""Contracts that a session does not run are never passed over in silence."""

from __future__ import annotations

import os
from typing import Any

import pytest

pytest_plugins = ["pytester"]

GOOD = "@falsifies('x-v1', 'F-1')\ndef one(evidence): evidence.compared(1, 'x')\n"


def configure(project: Any, pv: str = "", pytest_options: str = "") -> None:
    project.write("pyproject.toml", f"[tool.pv]\n{pv}\n[tool.pytest.ini_options]\n{pytest_options}\n")


def test_paths_with_detours_are_collected(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers(GOOD)
    configure(project, "contracts = ['falsifiers/../contracts']\nfalsifiers = ['./contracts/../falsifiers']")
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("key", ["contracts", "falsifiers"])
def test_a_folder_that_is_not_there_is_a_usage_error(project: Any, key: str) -> None:
    project.contract("id: F-1")
    project.falsifiers(GOOD)
    for name, words in (("none", "there is no folder"), ("pyproject.toml", "is no folder")):
        configure(project, f"{key} = ['{name}']")
        result = project.run()
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"ERROR: *[[]tool.pv] {key}: *{words}*"])
        result.stderr.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_contracts_that_testpaths_leave_out_are_named(project: Any, workers: tuple[str, ...]) -> None:
    project.contract("id: F-1")
    project.falsifiers(GOOD)
    project.write("tests/test_it.py", "def test_it(): pass\n")
    configure(project, "", "testpaths = ['tests']")
    line = "pv: 1 contract was not collected; run `pytest -m falsify contracts` in *, or add the folder to 'testpaths'"
    run = project.run_apart if workers else project.run
    run("-m", "falsify", *workers).stdout.fnmatch_lines([line])
    if not workers:
        run("-m", "not falsify").stdout.no_fnmatch_line("*not collected*")
        run("-m", "falsify", "tests").stdout.no_fnmatch_line("*not collected*")
    configure(project, "", "testpaths = ['tests', 'contracts']")
    run("-m", "falsify", *workers).stdout.no_fnmatch_line("*not collected*")


def test_contracts_below_another_root_are_named(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers(GOOD)
    inner = project.root / "inner"
    inner.mkdir()
    for name in ("contracts", "falsifiers"):
        (project.root / name).rename(inner / name)
    (inner / "pyproject.toml").write_text("[tool.pv]\n")
    (project.root / "pyproject.toml").unlink()
    project.write("pytest.ini", "[pytest]\n")
    os.chdir(inner)
    result = project.run_lean()
    result.stdout.fnmatch_lines(
        [f"pv: 1 contract was not collected, because pytest's root is {project.root}; run `pytest --rootdir {inner}*"]
    )
    project.run_lean("--rootdir", str(inner), "-m", "falsify").assert_outcomes(passed=1)


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_a_ledger_that_is_no_regular_file_fails_the_session_in_one_line(
    project: Any, kind: str, workers: tuple[str, ...]
) -> None:
    project.contract("id: F-1")
    project.falsifiers(GOOD)
    os.mkfifo(project.root / "fifo")
    ledger = {"fifo": "fifo", "folder": "contracts", "device": "/dev/null"}[kind]
    result = project.run_lean(f"--pv-ledger={ledger}", *workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"pv: the ledger *{ledger} cannot be written: *no regular file*"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("text", ["x = " + "[" * 500 + "]" * 500, "[tool.other]\n", "[tool.pvx]\ny = 1\n"])
def test_the_file_of_a_foreign_project_is_its_own_business(project: Any, text: str) -> None:
    project.write("pyproject.toml", text)
    project.write("test_it.py", "def test_it(): pass\n")
    assert "pv" not in project.run_lean("-c", os.devnull, "--rootdir", ".").stderr.str()


def test_a_broken_contract_is_one_failing_item_and_the_others_run(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers(GOOD)
    project.write("contracts/z.yaml", "a: [\n")
    result = project.run("-m", "falsify", "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "contracts/z.yaml::unreadable FAILED*",
            "contracts/z.yaml:1:5: error?PV003?: *",
            "pv: 1 claim: 0 discharged*1 vacuous*",
        ]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_falsifier_without_a_contract_is_named_even_if_the_first_contract_is_broken(project: Any) -> None:
    project.contract("id: F-1")
    project.write("contracts/a.yaml", "a: [\n")
    project.falsifiers(GOOD + "@falsifies('gone-v1', 'F-1')\ndef two(): pass\n")
    result = project.run()
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["falsifiers/x.py:5: two is orphaned: there is no contract gone-v1"])
