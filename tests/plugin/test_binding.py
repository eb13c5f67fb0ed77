"""Claims without falsifiers, falsifiers without claims, and what else does not fit."""

from __future__ import annotations

from typing import Any

import pytest

pytest_plugins = ["pytester"]

GOOD = "@falsifies('x-v1', 'F-1')\ndef one(evidence): evidence.compared(1, 'x')\n"


def test_an_unbound_claim_is_an_item_that_says_so(project: Any) -> None:
    project.contract("id: F-1", "id: F-2, params: {n: [1, 2]}")
    project.falsifiers(GOOD)
    result = project.run("-v")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(
        ["contracts/x-v1.yaml::F-2?1? SKIPPED*unbound*", "pv: 2 claims: 0 discharged*1 unbound*1 vacuous*"]
    )
    assert project.verdicts() == {"F-1": "discharged", "F-2[1]": "inconclusive", "F-2[2]": "inconclusive"}


def test_a_falsifier_without_a_claim_fails_with_its_place(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers(GOOD + "@falsifies('x-v1', 'F-9')\ndef nine(): pass\n")
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["falsifiers/x.py:5: nine is orphaned: x-v1 has no claim F-9"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_falsifier_without_a_contract_fails_once(project: Any) -> None:
    project.contract("id: F-1")
    project.contract("id: F-1", name="y-v1")
    project.falsifiers(GOOD + "@falsifies('gone-v1', 'F-1', 'F-2')\ndef nine(): pass\n")
    result = project.run()
    result.assert_outcomes(passed=1, skipped=1, failed=2)
    result.stdout.fnmatch_lines(["falsifiers/x.py:5: nine is orphaned: there is no contract gone-v1"])


def test_two_falsifiers_of_one_claim_fail_with_both_places(project: Any) -> None:
    project.contract("id: F-1", "id: F-2")
    project.falsifiers(GOOD)
    project.falsifiers(GOOD + "@falsifies('x-v1', 'F-2')\ndef two(evidence): evidence.compared(1, 'x')\n", name="z")
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["F-1 has 2 falsifiers: falsifiers/x.py:3, falsifiers/z.py:3; keep one"])
    assert project.verdicts() == {"F-1": "error", "F-2": "discharged"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_module\n", "falsifiers/broken.py:3: *ModuleNotFoundError: No module named 'no_such_module'"),
        ("x = = 1\n", "falsifiers/broken.py:3: *SyntaxError*"),
        ("pytest.skip('not now', allow_module_level=True)\n", "falsifiers/broken.py:3: *not now*"),
        ("falsifies('x-v1')\n", "falsifiers/broken.py:3: *names no claim*"),
    ],
)
def test_falsifiers_that_cannot_be_imported_are_named(project: Any, text: str, words: str) -> None:
    project.contract("id: F-1")
    project.falsifiers(text, name="broken")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([words])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_a_broken_module_is_reported_even_if_every_claim_is_bound(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers(GOOD)
    project.falsifiers("raise OSError\n", name="broken")
    project.run().assert_outcomes(errors=1)


def test_modules_may_share_helpers_and_define_fixtures(project: Any) -> None:
    project.contract("id: F-1")
    project.contract("id: F-1", name="y-v1")
    project.write("falsifiers/_help.py", "def help_with(n):\n    assert n == 2\n")
    project.falsifiers("""
        from falsifiers._help import help_with
        pytestmark = pytest.mark.slow
        @pytest.fixture
        def two(): return 2
        @falsifies("x-v1", "F-1")
        @falsifies("y-v1", "F-1")
        def one(two, evidence):
            evidence.compared(1, "x")
            help_with(two)
    """)
    marked = '\nmarkers = ["slow"]\n'
    project.write("pyproject.toml", (project.root / "pyproject.toml").read_text() + marked)
    project.run_lean("-p", "no:randomly", "-m", "slow").assert_outcomes(passed=2)
    project.run_lean("-p", "no:randomly", "-m", "not slow").assert_outcomes(deselected=2)


def test_parameters_become_arguments(project: Any) -> None:
    project.contract("id: F-1, params: {n: [16, 128], kind: [a]}")
    project.write("conftest.py", "import pytest\n@pytest.fixture\ndef text(kind): return kind * 3\n")
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(n, text, evidence):
            evidence.compared(n, "x")
            assert text == "aaa"
    """)
    project.run().assert_outcomes(passed=2)
    assert project.verdicts() == {"F-1[16-a]": "discharged", "F-1[128-a]": "discharged"}
    assert [row["compared"] for row in project.rows()] == [{"x": 16}, {"x": 128}]
    project.run("contracts/x-v1.yaml::F-1[128-a]").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("claim", "body", "words"),
    [
        ("id: F-1, params: {n: [1]}", "def one(evidence): pass", "*x.py:3: one does not take 'n', which F-1 names"),
        (
            "id: F-1",
            "@pytest.mark.parametrize('n', [1, 2])\ndef one(n): pass",
            "*one is parametrized; name the values under 'params' of F-1 instead",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_errors(project: Any, claim: str, body: str, words: str) -> None:
    project.contract(claim)
    project.falsifiers(f"@falsifies('x-v1', 'F-1')\n{body}\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([words])
    assert {row["verdict"] for row in project.rows()} == {"error"}


MUTANTS = "mutants: [{id: theta, stage: q, layer: 3}, {id: eps, stage: norm}, {id: gelu, stage: ffn}]"


def test_mutants_are_killed_survive_or_are_mislocalised(project: Any) -> None:
    project.contract(f"id: F-1, params: {{n: [16, 128]}}, {MUTANTS}")
    project.write("conftest.py", "import pytest\n@pytest.fixture\ndef subject(mutant): return mutant\n")
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(subject, n, evidence):
            evidence.compared(1, "x")
            if subject is None: return
            assert n == 16
            if subject.id == "theta": raise Refuted("off", stage="q", layer=3)
            if subject.id == "eps": raise Refuted("off", stage="q", layer=0)
    """)
    result = project.run()
    result.assert_outcomes(passed=3, failed=2)
    assert project.verdicts() == {
        "F-1[16]": "discharged",
        "F-1[128]": "discharged",
        "F-1[16-mutant-theta]": "killed",
        "F-1[16-mutant-eps]": "mislocalised",
        "F-1[16-mutant-gelu]": "survived",
    }
    result.stdout.fnmatch_lines(
        [
            "*error?mislocalised?: F-1?16-mutant-eps?: expected at stage norm, found at stage q, layer 0: off",
            "*error?survived?: F-1?16-mutant-gelu?: the falsifier lets the fault 'gelu' through",
            "pv: 1 claim: 0 discharged, 0 refuted, 1 inconclusive (1 mutant mislocalised), 1/3 mutants killed",
        ]
    )


def test_a_falsifier_that_cannot_take_mutants_is_an_error(project: Any) -> None:
    project.contract("id: F-1, mutants: [{id: m, stage: s}]")
    project.falsifiers(GOOD)
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*x.py:3: one does not take 'mutant', which F-1 names"])
    assert project.verdicts() == {"F-1": "discharged", "F-1[mutant-m]": "error"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1\n", "contracts/bad.yaml:1:6: error?PV003?: not YAML*"),
        ("metadata: {}\nmetadata: {}\n", "contracts/bad.yaml:2:1: error?PV004?: duplicate key 'metadata'*"),
        ("falsification_tests: []\n", "contracts/bad.yaml:1:1: error?PV010?: not a contract*lacks 'metadata'"),
        ("metadata: {version: 1}\n", "contracts/bad.yaml:1:1: error?PV210?: nothing that could fail*"),
    ],
)
def test_a_contract_that_cannot_be_used_is_one_line_and_hides_no_other(project: Any, text: str, words: str) -> None:
    project.contract("id: F-1")
    project.write("contracts/bad.yaml", text)
    project.falsifiers(GOOD)
    result = project.run("-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["contracts/bad.yaml::unreadable FAILED*"])
    result.stdout.fnmatch_lines([words])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_other_yaml_in_the_folder_is_no_contract(project: Any) -> None:
    project.contract("id: F-1")
    project.write("contracts/binding.yaml", "version: 1\nbindings: []\n")
    project.write("contracts/.hidden.yaml", "a: [\n")
    project.write("elsewhere.yaml", "a: [\n")
    project.falsifiers(GOOD)
    project.run().assert_outcomes(passed=1)


def test_two_contracts_of_one_name_are_refused(project: Any) -> None:
    project.contract("id: F-1")
    (project.root / "contracts" / "old").mkdir()
    project.contract("id: F-1", name="old/x-v1")
    project.falsifiers(GOOD)
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*error?PV009?: *x-v1.yaml is named 'x-v1' as well"])
