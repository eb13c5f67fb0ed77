"""Ways in which a run could look better than it was."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

pytest_plugins = ["pytester"]

GOOD = "@falsifies('x-v1', 'F-1')\ndef one(evidence): evidence.compared(1, 'x')\n"


@pytest.mark.parametrize("arguments", [("-k", "not mutant"), ("contracts/x-v1.yaml::F-1[1]",)])
def test_a_part_of_a_claim_is_not_the_claim(project: Any, arguments: tuple[str, ...]) -> None:
    project.contract("id: F-1, params: {n: [1]}, mutants: [{id: m, stage: s}]")
    project.falsifiers("@falsifies('x-v1', 'F-1')\ndef one(evidence, n, mutant): evidence.compared(1, 'x')\n")
    result = project.run(*arguments)
    result.assert_outcomes(passed=1, deselected=int("-k" in arguments))
    result.stdout.fnmatch_lines(
        ["pv: 1 claim: 0 discharged, 0 refuted, 1 inconclusive*0/1 mutants killed; only 1 of their 2 cases were run"]
    )


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        (
            "def one(evidence):\n    evidence.compared(1, 'x')\n    return False",
            "returned False; raise Refuted or assert",
        ),
        (
            "def one(evidence):\n    evidence.compared(1, 'x')\n    return True",
            "returned True; raise Refuted or assert",
        ),
        ("def one(evidence):\n    yield evidence.compared(1, 'x')", "one is a generator function, which"),
        ("async def one(evidence): evidence.compared(1, 'x')", "one is a coroutine function, which"),
        ("async def one(evidence): yield evidence.compared(1, 'x')", "one is an async generator function, which"),
        (
            """@(lambda f: __import__('functools').wraps(f)(lambda evidence: f(evidence)))
def one(evidence): yield evidence.compared(1, 'x')""",
            "one is a generator function, which",
        ),
        (
            "def one(evidence):\n    async def inner(): pass\n    evidence.compared(1, 'x')\n    return inner()",
            "returned <coroutine*; raise Refuted or assert",
        ),
    ],
)
def test_what_a_falsifier_returns_is_an_error(project: Any, definition: str, words: str) -> None:
    project.contract("id: F-1")
    project.falsifiers(f"@falsifies('x-v1', 'F-1')\n{definition}\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{words}*"])
    assert project.verdicts() == {"F-1": "error"}


@pytest.mark.parametrize("arguments", [(), ("--assert=plain",)])
def test_without_assertions_nothing_is_run(project: Any, arguments: tuple[str, ...]) -> None:
    project.contract("id: F-1")
    project.falsifiers(GOOD)
    project.write("pyproject.toml", "[tool.pv]\n")
    done = subprocess.run(
        [sys.executable, "-O", "-m", "pytest", *arguments],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "python -O drops assertions" in done.stderr
    assert not project.ledger.exists()


@pytest.mark.parametrize(
    ("worst", "verdict"),
    [
        ("2.0, bound=1.0", "error"),
        ("float('nan'), bound=1.0", "error"),
        ("float('nan')", "error"),
        ("1.0, bound=float('nan')", "error"),
        ("1.0, bound=1.0", "discharged"),
        ("2.0", "discharged"),
    ],
)
def test_a_distance_beyond_its_bound_must_be_raised(project: Any, worst: str, verdict: str) -> None:
    project.contract("id: F-1")
    project.falsifiers(f"""
        @falsifies("x-v1", "F-1")
        def one(evidence):
            evidence.compared(1, "x")
            evidence.worst({worst})
            evidence.worst(3.0, bound=4.0)
    """)
    result = project.run()
    assert project.verdicts() == {"F-1": verdict}
    if verdict == "error":
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["recorded a distance beyond its bound but returned: *; raise Refuted or assert"])


@pytest.mark.parametrize(
    "fixture",
    ["@pytest.fixture(params=[1, 2])", "@pytest.fixture(params=[1])", "@pytest.fixture(params=[])"],
)
@pytest.mark.parametrize("claim", ["id: F-1", "id: F-1, params: {k: [a, b]}", "id: F-1, params: {n: [1]}"])
def test_a_parametrized_fixture_is_refused(project: Any, fixture: str, claim: str) -> None:
    project.contract(claim, "id: F-2")
    asks = ", k" if "k:" in claim else ""
    project.falsifiers(f"""
        {fixture}
        def n(request): return 1
        @falsifies("x-v1", "F-1")
        def one(n, evidence{asks}): evidence.compared(1, "x")
        @falsifies("x-v1", "F-2")
        def two(evidence): evidence.compared(1, "x")
    """)
    result = project.run()
    result.assert_outcomes(passed=1, failed=2 if asks else 1)
    result.stdout.fnmatch_lines(["*one uses a parametrized fixture (n); name the values under 'params' of F-1 instead"])


def test_an_empty_value_is_refused_by_name(project: Any) -> None:
    project.contract("id: F-1, params: {n: ['']}")
    project.falsifiers(GOOD)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*error?PV307?: parameter 'n' of claim 'F-1' has an empty value"])


@pytest.mark.parametrize("claim", ['id: "F\\e[31m"', 'id: F-1, "k\\e[31m": 1', 'id: F-1, params: {"\\e[31m": [1]}'])
def test_control_characters_of_a_contract_reach_no_terminal(project: Any, claim: str) -> None:
    project.contract(claim)
    project.falsifiers(
        "@falsifies('x-v1', 'F\\x1b[31m')\ndef one(): pass\n@falsifies('\\x1b[3m', 'F')\ndef two(): pass\n"
    )
    result = project.run("-v")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "\x1b[3" not in result.stdout.str()
    assert "PV" in result.stdout.str()


def test_control_characters_of_a_reason_reach_no_terminal(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers("@falsifies('x-v1', 'F-1')\ndef one(): raise Inconclusive('no\\x1b[31m', 'really\\x1b[32m')\n")
    for strict in ((), ("--pv-strict",)):
        assert "\x1b" not in project.run("-rs", *strict).stdout.str()
