"""`pytest --mutants`: claims on their mutants alone, and the kill matrix."""

from __future__ import annotations

from typing import Any

import pytest

pytest_plugins = ["pytester"]

CLAIMS = (
    "id: F-1, params: {n: [4, 5]}, mutants: [{id: a, stage: s, layer: 1}, {id: b, stage: s, layer: 2}]",
    "id: F-2, mutants: [{id: a, stage: s}, {id: c, stage: t}]",
    "id: F-3, expect: refuted, mutants: [{id: d, stage: s}]",
    "id: F-4, mutants: [{id: e, stage: s}]",
    "id: F-5, mutants: [{id: f, stage: s}]",
    "id: F-6, mutants: [{id: g, stage: s}]",
    "id: F-7",
)
FALSIFIERS = """
    @falsifies("x-v1", "F-1")
    def one(mutant, n, evidence):
        evidence.report(passes=2, tokens=[0, 101])
        if mutant: raise Refuted("off", stage="s", layer=1, position=n, distance=0.5, bound=1e-6)
    @falsifies("x-v1", "F-2")
    def two(mutant, evidence): evidence.compared(1, "x")
    @falsifies("x-v1", "F-3")
    def three(mutant, evidence):
        evidence.compared(1, "x")
        assert mutant
    @falsifies("x-v1", "F-4")
    def four(mutant, evidence): raise Inconclusive("no oracle", "install\\x1b[31m one")
    @falsifies("x-v1", "F-5")
    def five(mutant): raise OSError("broken")
    @falsifies("x-v1", "F-7")
    def seven(evidence): evidence.compared(1, "x")
"""
MATRIX = """\
x-v1: 2/8 mutants killed
                   mutant  expected           found
  F-1: 1/2
    ✓ killed       a[4]    s, layer 1         s, layer 1, position 4: 0.5 of 1e-06  (passes 2)
    ≠ mislocalised b[4]    s, layer 2         s, layer 1, position 4: 0.5 of 1e-06  (passes 2)
  F-2: 0/2
    vacuous: it kills none of its mutants: 2 of 2 missed
    ✗ survived     a       s                  not refuted
    ✗ survived     c       t                  not refuted
  F-3: 1/1
    ✓ killed       d       no refutation (s)  not refuted
  F-4: 0/1
    ? inconclusive e       s                  no oracle: install\\u{1b}[31m one
  F-5: 0/1
    ! error        f       s                  OSError: broken
  F-6: 0/1
    - not run      g       s                  unbound: no falsifier is bound to it

not as it should be
  contracts/x-v1.yaml:4:61: F-1: b[4]: mislocalised: expected at stage s, layer 2, found at stage s, layer 1: off
  contracts/x-v1.yaml:5:61: F-2: vacuous: it kills none of its mutants: 2 of 2 missed
  contracts/x-v1.yaml:5:61: F-2: a: survived: the falsifier lets the fault 'a' through
  contracts/x-v1.yaml:5:61: F-2: c: survived: the falsifier lets the fault 'c' through
  contracts/x-v1.yaml:8:61: F-5: f: error: OSError: broken

pv: 8 mutants of 6 claims: 2 killed, 2 survived, 1 mislocalised, 1 inconclusive (1 no oracle), 1 error, 1 not run; 1 claim vacuous
"""


@pytest.mark.parametrize("arguments", [("-p", "no:randomly"), ("-n", "2"), ("-p", "randomly")])
def test_every_way_of_running_prints_the_same_matrix(project: Any, arguments: tuple[str, ...]) -> None:
    project.contract(*CLAIMS)
    project.falsifiers(FALSIFIERS)
    project.write("test_plain.py", "def test_it(): raise OSError('not asked for')\n")
    result = project.run_lean("--mutants", *arguments)
    # F-6 has no falsifier: its only item says so
    result.assert_outcomes(passed=2, failed=4, skipped=2, deselected=0 if "-n" in arguments else 8)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert MATRIX in result.stdout.str().replace("\r", "")
    assert {row["mutant"] for row in project.rows() if row["claim"] != "F-6"} == set("abcdef")
    assert not [row for row in project.rows() if row["claim"] == "F-7"]


def test_rows_of_mutants_say_what_was_expected_and_what_was_found(project: Any) -> None:
    project.contract(*CLAIMS)
    project.falsifiers(FALSIFIERS)
    project.run("contracts/x-v1.yaml::F-1", "contracts/x-v1.yaml::F-3").assert_outcomes(passed=3, failed=1, skipped=2)
    rows = {(row["claim"], row["mutant"]): row for row in project.rows()}
    assert rows["F-1", "b"]["expected"] == {"refuted": True, "stage": "s", "layer": 2}
    assert rows["F-1", "b"]["where"] == {"stage": "s", "layer": 1, "position": 4}
    assert rows["F-3", "d"]["expected"] == {"refuted": False, "stage": "s", "layer": None}
    assert [rows[key]["refuted"] for key in (("F-1", "b"), ("F-3", "d"), ("F-3", ""))] == [True, False, True]
    assert "expected" not in rows["F-3", ""]


def test_what_keeps_a_contract_from_being_run_is_not_left_out(project: Any) -> None:
    project.contract("id: F-1", "id: F-2, mutants: [{id: m, stage: s}]")
    project.falsifiers("@falsifies('x-v1', 'F-9')\ndef one(mutant): pass\n")
    project.write("contracts/y.yaml", "metadata: [\n")
    result = project.run("--mutants", "-rs")
    result.assert_outcomes(failed=2, skipped=1, deselected=1)
    result.stdout.fnmatch_lines(["*one is orphaned*", "*contracts/y.yaml:*error*", "    - not run *"])


def test_one_claim_is_chosen_as_everywhere(project: Any) -> None:
    project.contract(*CLAIMS)
    project.falsifiers(FALSIFIERS)
    result = project.run("--mutants", "-m", "falsify", "-k", "F-3")
    result.assert_outcomes(passed=1, deselected=14)
    result.stdout.fnmatch_lines(["pv: 1 mutant of 1 claim: 1 killed"])


def test_where_there_are_no_contracts_nothing_else_is_run_instead(project: Any) -> None:
    project.write("pyproject.toml", "[tool.other]\n")
    project.write("test_plain.py", "def test_it(): pass\n")
    result = project.run("--mutants")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --mutants: *pyproject.toml has no [[]tool.pv], so no contracts"])


@pytest.mark.parametrize("style", ["auto", "no", "short"])
def test_a_refutation_is_shown_once(project: Any, style: str) -> None:
    project.contract("id: F-1")
    project.falsifiers("@falsifies('x-v1', 'F-1')\ndef one(): raise Refuted('differs', stage='s')\n")
    text = project.run(f"--tb={style}").stdout.str()
    assert text.count("error[refuted]: F-1: differs\n") == 1
    assert text.count("= where: stage s\n") == 1
