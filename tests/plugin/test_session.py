"""The plugin in a session: workers, selection, the ledger, staleness, and its absence."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

pytest_plugins = ["pytester"]

CLAIMS = (
    "id: F-1, params: {n: [1, 2]}, mutants: [{id: m, stage: s, layer: 1}, {id: k, stage: s}]",
    "id: F-2",
    "id: F-3",
    "id: F-4, expect: refuted, mutants: [{id: m, stage: s}]",
    "id: F-5",
    "id: F-6",
)
FALSIFIERS = """
    @falsifies("x-v1", "F-1")
    def one(mutant, n, evidence):
        evidence.compared(n, "x")
        if mutant and mutant.id == "m": raise Refuted("off", stage="s", layer=1)
    @falsifies("x-v1", "F-2")
    def two(): raise Refuted("off", stage="s", distance=1.0, bound=0.5)
    @falsifies("x-v1", "F-3")
    def three(): raise Inconclusive("no oracle")
    @falsifies("x-v1", "F-4")
    def four(mutant, evidence):
        evidence.compared(1, "x")
        assert mutant
    @falsifies("x-v1", "F-5")
    def five(): raise OSError("broken")
"""
EXPECTED = {
    "F-1[1]": "discharged",
    "F-1[2]": "discharged",
    "F-1[1-mutant-m]": "killed",
    "F-1[1-mutant-k]": "survived",
    "F-2": "refuted",
    "F-3": "inconclusive",
    "F-4": "refuted",
    "F-4[mutant-m]": "killed",
    "F-5": "error",
    "F-6": "inconclusive",
}
DISCHARGING = "@falsifies('x-v1', 'F-1')\ndef one(evidence): evidence.compared(1, 'x')\n"


@pytest.mark.parametrize(
    "arguments", [("-p", "no:randomly"), ("-n", "2"), ("-p", "randomly", "-p", "no:cacheprovider")]
)
def test_every_way_of_running_gives_the_same_verdicts(project: Any, arguments: tuple[str, ...]) -> None:
    project.contract(*CLAIMS)
    project.falsifiers(FALSIFIERS)
    result = project.run_apart(*arguments)
    result.assert_outcomes(passed=5, failed=3, skipped=2)
    assert project.verdicts() == EXPECTED
    assert len(project.rows()) == len(EXPECTED)
    assert len({row["run"] for row in project.rows()}) == 1
    counts = (
        "pv: 6 claims: 0 discharged, 2 refuted (1 as expected), 3 inconclusive (1 mutant survived, 1 no oracle, "
        "1 unbound), 1 error, 2/3 mutants killed"
    )
    assert counts in result.stdout.str().splitlines()


def test_a_dead_worker_is_an_error_of_the_claim_it_ran(project: Any) -> None:
    project.contract("id: F-1, params: {n: [7]}", "id: F-2")
    project.falsifiers("""
        import os
        @falsifies("x-v1", "F-1")
        def one(n, evidence): os._exit(1)
        @falsifies("x-v1", "F-2")
        def two(evidence): evidence.compared(1, "x")
    """)
    result = project.run_lean("-n", "1", "--max-worker-restart", "1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.verdicts() == {"F-1[7]": "error", "F-2": "discharged"}
    dead = next(row for row in project.rows() if row["verdict"] == "error")
    assert (dead["claim"], dead["params"], dead["message"]) == ("F-1", '{"n":7}', "the worker that ran it died")
    result.stdout.fnmatch_lines(["pv: 2 claims: 0 discharged, 0 refuted, 1 inconclusive (1 vacuous), 1 error"])


def test_selection(project: Any) -> None:
    project.contract(*CLAIMS)
    project.falsifiers(FALSIFIERS)
    project.write("test_plain.py", "def test_it(): pass\n")
    project.run("-k", "F-2").assert_outcomes(failed=1, deselected=10)
    project.run("-m", "falsify").assert_outcomes(passed=5, failed=3, skipped=2, deselected=1)
    project.run("-m", "not falsify").assert_outcomes(passed=1, deselected=10)
    project.run("contracts/x-v1.yaml::F-1[1-mutant-m]").assert_outcomes(passed=1)


def test_only_what_failed_last_time(project: Any) -> None:
    project.contract(*CLAIMS)
    project.falsifiers(FALSIFIERS)
    project.run_lean("-p", "no:randomly")
    project.run_lean("-p", "no:randomly", "--lf").assert_outcomes(failed=3)


def test_collecting_writes_nothing(project: Any) -> None:
    project.contract(*CLAIMS)
    project.falsifiers(FALSIFIERS)
    project.run("--collect-only")
    assert not project.ledger.exists()


def test_the_ledger_can_be_elsewhere(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers(DISCHARGING)
    project.run("--pv-ledger", "other/l.jsonl").assert_outcomes(passed=1)
    assert (project.root / "other" / "l.jsonl").read_text().count("\n") == 5
    assert not project.ledger.exists()


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_ledger_that_cannot_be_written_fails_the_session_in_one_line(project: Any, workers: tuple[str, ...]) -> None:
    project.contract("id: F-1")
    project.falsifiers(DISCHARGING)
    project.write("file", "x")
    result = project.run_lean("--pv-ledger", "file/ledger.jsonl", *workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["pv: the ledger */file/ledger.jsonl cannot be written: *"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.assert_outcomes(passed=1)


def status(project: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pv", "status", *arguments],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("change", ["prediction", "falsifier", "input", "remark"])
def test_evidence_becomes_stale_with_what_it_rests_on(project: Any, change: str) -> None:
    project.contract("id: F-1, mutants: [{id: m, stage: s}]")
    project.write("data.bin", "abc")
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(mutant, evidence):
            evidence.compared(1, "x")
            evidence.input("data", "data.bin")
            if mutant: raise Refuted("off", stage="s")
    """)
    project.run().assert_outcomes(passed=2)
    assert "1 claim: 1 discharged" in status(project).stdout
    contract = project.root / "contracts" / "x-v1.yaml"
    if change == "prediction":
        contract.write_text(contract.read_text().replace("the prediction", "another prediction"))
    elif change == "falsifier":
        falsifier = project.root / "falsifiers" / "x.py"
        falsifier.write_text(falsifier.read_text() + "# changed\n")
    elif change == "input":
        project.write("data.bin", "abcd")
    else:
        contract.write_text("# a remark\n" + contract.read_text())
    expected = "1 discharged" if change == "remark" else "0 discharged, 0 refuted, 1 inconclusive (1 stale)"
    done = status(project)
    assert f"1 claim: {expected}" in done.stdout
    assert done.returncode == 0


def test_the_state_of_the_sources_is_recorded(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers(DISCHARGING)
    identity = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for command in (["init", "-q"], ["add", "contracts", "falsifiers"], ["commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=project.root, check=True, env={**os.environ, **identity})  # noqa: S607  git is where the shell finds it
    project.run()
    project.write("contracts/x-v1.yaml", (project.root / "contracts/x-v1.yaml").read_text() + "# changed\n")
    project.run()
    clean, dirty = project.rows()
    assert len(clean["commit"]) == 40
    assert (clean["dirty"], dirty["dirty"]) == (False, True)


def test_the_plugin_rests_where_it_is_not_wanted(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers(DISCHARGING)
    project.write("pyproject.toml", "[tool.other]\n")
    project.write(
        "test_plain.py",
        "import sys\ndef test_it():\n    assert 'pv.pytest_plugin.collect' not in sys.modules\n"
        "    assert not {'numpy', 'hypothesis', 'yaml', 'jsonschema'} & set(sys.modules)\n",
    )
    result = project.run_apart("-p", "no:randomly")
    result.assert_outcomes(passed=1)
    assert not project.ledger.exists()
    project.run_apart("--fixtures").stdout.no_fnmatch_line("*evidence*")


def test_a_wrong_configuration_is_a_usage_error(project: Any) -> None:
    project.write("pyproject.toml", "[tool.pv]\ncontract = ['contracts']\n")
    result = project.run_apart()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *unknown key 'contract' in [[]tool.pv]; did you mean 'contracts'?"])


def test_importing_the_plugin_loads_nothing_heavy() -> None:
    heavy = "{'yaml', 'jsonschema', 'numpy', 'hypothesis', 'gguf', 'distributed', 'pv.elsewhere'}"
    code = f"import sys, pytest; before = set(sys.modules); import pv.pytest_plugin; print((set(sys.modules) - before) & {heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
