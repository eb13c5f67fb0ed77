"""Contracts that are run as they are written: no Python is bound to their claims."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest_plugins = ["pytester"]

CONTRACT = """
metadata: {version: "1", description: d, references: [r]}
equations:
  softmax:
    formula: p
    formal: exp(x - max(x)) / sum(exp(x - max(x)))
    domain: {m: 1..3, x: {dtype: f32, shape: [m, n], n: 1..32, range: [-1e3, 1e3]}}
  told: {formula: it is nice, domain: all that is nice}
proof_obligations:
  - {id: sums, type: conservation, property: the weights sum to one, applies_to: softmax, formal: "abs(sum(y) - 1) <= (n + 3) * u"}
  - {id: positive, type: bound, property: no weight vanishes, applies_to: softmax, formal: y > 0}
  - {id: prose, type: invariant, property: nice, applies_to: told, formal: "forall x: it is nice"}
  - {id: theirs, type: equivalence, property: as theirs, applies_to: softmax, oracle: other, tolerance: 9 * u * f + 9 * smallest}
falsification_tests:
"""
SUMS = """
  - {id: F-1, obligation: sums, prediction: within (n + 3) u, if_fails: the wrong axis, binds_to: softmax,
     mutants: [{id: no-shift, stage: softmax}, {id: of-all, stage: softmax}]}
"""
POSITIVE = "\n  - {id: F-2, obligation: positive, prediction: all above 0, if_fails: underflow, binds_to: softmax}\n"
KERNELS = """
    import numpy as np

    def softmax(x):
        w = np.exp(x - x.max(-1, keepdims=True))
        return w / w.sum(-1, keepdims=True)
"""
FAULTS = """
    import numpy as np
    from types import SimpleNamespace

    def no_shift(x):
        w = np.exp(x)
        return w / w.sum(-1, keepdims=True)

    def of_all(x):
        w = np.exp(x - x.max())
        return w / w.sum()

    MUTANTS = {
        "no-shift": SimpleNamespace(function="softmax", call=no_shift),
        "of-all": SimpleNamespace(function="softmax", call=of_all),
    }
"""
SETTINGS = """
[tool.pv.subjects]
kernels = {module = "NAME_kernels", mutants = "NAME_faults"}
[tool.pytest.ini_options]
filterwarnings = ["error"]
addopts = ["--strict-markers", "--import-mode=importlib"]
"""


@pytest.fixture
def kernels(project: Any, request: pytest.FixtureRequest) -> Any:
    """A project with kernels under names that no other test imports: modules stay in this process."""
    name = f"k{abs(hash(request.node.name))}"
    project.name = name
    project.write("pyproject.toml", "[tool.pv]\n" + SETTINGS.replace("NAME", name))
    project.write(f"{name}_kernels.py", KERNELS)
    project.write(f"{name}_faults.py", FAULTS)
    return project


def write(project: Any, *claims: str) -> None:
    project.write("contracts/x-v1.yaml", CONTRACT + "".join(claims))


def test_a_claim_is_run_as_its_obligation_says(kernels: Any) -> None:
    write(kernels, SUMS)
    result = kernels.run_apart("-p", "no:randomly", "--hypothesis-profile=ci")  # the same examples each time
    result.assert_outcomes(passed=3)
    rows = kernels.rows()
    assert [row["verdict"] for row in rows] == ["discharged", "killed", "killed"]
    assert rows[0]["falsifier"]["path"] == "pv.properties"
    assert 1000 <= rows[0]["reported"]["examples"] <= 1200
    assert rows[0]["inputs"][0]["path"] == f"{kernels.name}_kernels.py"
    assert rows[0]["compared"]["values"] > 1000


def test_a_counterexample_is_shrunk_and_the_formula_has_its_numbers(kernels: Any) -> None:
    write(kernels, POSITIVE)
    result = kernels.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*F-2: y > 0 is false at [[]0, ?]: 0.0 > 0", "*= counterexample: m = 1; n = *; x = *", "*= suspect: underflow"]
    )


def test_prose_is_never_run_and_never_discharged(kernels: Any) -> None:
    write(kernels, "\n  - {id: F-3, obligation: prose, prediction: p, if_fails: s, binds_to: told}\n")
    result = kernels.run("-rs")
    assert kernels.verdicts() == {"F-3": "inconclusive"}
    result.stdout.fnmatch_lines(["*unbound: no falsifier is bound to it*"])


def test_an_obligation_that_cannot_be_read_makes_its_contract_unusable(kernels: Any) -> None:
    kernels.write("contracts/x-v1.yaml", CONTRACT.replace("(n + 3) * u", "(n + 3) times u") + SUMS)
    result = kernels.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["contracts/x-v1.yaml:*: error[[]PV242[]]*"])


def test_a_falsifier_in_python_goes_before_the_obligation(kernels: Any) -> None:
    write(kernels, SUMS)
    kernels.falsifiers(
        """
        @falsifies("x-v1", "F-1")
        def one(evidence, mutant):
            evidence.compared(1, "thing")
            if mutant is not None:
                raise Refuted("seen", stage="softmax")
        """
    )
    kernels.run().assert_outcomes(passed=3)
    assert kernels.rows()[0]["falsifier"]["path"] == "falsifiers/x.py"


def test_another_subject_has_a_ledger_of_its_own(kernels: Any) -> None:
    write(kernels, SUMS)
    kernels.write(
        "theirs.py", "import numpy as np\ndef softmax(x):\n    w = np.exp(x)\n    return w / w.sum(-1, keepdims=True)\n"
    )
    result = kernels.run("--subject", "kernels=theirs")
    result.assert_outcomes(passed=2, failed=1)  # its faults are still planted in what is ours
    assert not kernels.ledger.exists()
    (other,) = kernels.ledger.parent.glob("*.jsonl")
    assert other.name == "ledger.kernels=theirs.jsonl"
    refuted = [json.loads(line) for line in other.read_text().splitlines()]
    assert [row["verdict"] for row in refuted if row["kind"] == "case"] == ["refuted", "killed", "killed"]


@pytest.mark.parametrize("given", ["theirs", "kernels=", "=theirs", "kernels=a b", "kernels=a..b"])
def test_a_subject_that_is_written_otherwise_is_refused(kernels: Any, given: str) -> None:
    write(kernels, SUMS)
    result = kernels.run_apart("--subject", given)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--subject*"])


def test_without_a_project_a_subject_is_refused(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--subject", "kernels=theirs")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--subject*has no [[]tool.pv[]]*"])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("", "nothing is called 'kernels' in [[]tool.pv.subjects[]]*--subject kernels=package.module"),
        ('[tool.pv.subjects]\nkernels = "not_there"\n', "not_there cannot be imported: there is no not_there"),
        ('[tool.pv.subjects]\nkernels = "math"\n', "math has no function 'softmax'"),
    ],
)
def test_what_is_not_there_is_inconclusive(kernels: Any, settings: str, says: str) -> None:
    write(kernels, POSITIVE)
    kernels.write(
        "pyproject.toml", f'[tool.pv]\n{settings}[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\n'
    )
    result = kernels.run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines([f"*{says}*"])


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("def softmax(x: return\n", "odd cannot be imported: *odd.py:1: SyntaxError: invalid syntax"),
        ("import sys\nsys.exit(4)\n", "odd cannot be imported: *odd.py:2: SystemExit: 4"),
        ("\nraise RuntimeError('at import')\n", "odd cannot be imported: *odd.py:2: RuntimeError: at import"),
    ],
)
def test_a_module_that_is_broken_is_an_error_with_its_place(kernels: Any, module: str, said: str) -> None:
    write(kernels, POSITIVE)
    kernels.write("odd.py", module)
    result = kernels.run("--subject", "kernels=odd")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*error[[]error[]]: *{said}"])
    result.stdout.no_fnmatch_line("*refute(claim*")  # and nothing of how we came there


def test_a_fault_that_is_not_there_is_an_error(kernels: Any) -> None:
    write(kernels, SUMS.replace("of-all", "of-none"))
    result = kernels.run()
    assert [row["verdict"] for row in kernels.rows()] == ["discharged", "killed", "error"]
    result.stdout.fnmatch_lines(["*none called 'of-none'*"])


@pytest.mark.parametrize(("profile", "count"), [("ci", 1000), ("dev", 1000)])
def test_profiles_say_how_many_examples_there_are(kernels: Any, profile: str, count: int) -> None:
    write(kernels, SUMS.split("mutants", maxsplit=1)[0].rstrip().rstrip(",") + "}\n")
    small = CONTRACT.replace("m: 1..3", "m: 1..1").replace("n: 1..32", "n: 1..4")
    kernels.write("contracts/x-v1.yaml", small + SUMS.split("mutants", maxsplit=1)[0].rstrip().rstrip(",") + "}\n")
    result = kernels.run_apart(f"--hypothesis-profile={profile}")
    result.assert_outcomes(passed=1)
    assert count <= kernels.rows()[0]["reported"]["examples"] <= 1.2 * count


def test_evidence_goes_stale_with_the_obligation(kernels: Any) -> None:
    write(kernels, SUMS)
    kernels.run()
    before = kernels.rows()[0]["fingerprint"]
    kernels.write("contracts/x-v1.yaml", CONTRACT.replace("(n + 3) * u", "(n + 4) * u") + SUMS)
    kernels.run()
    changed = kernels.rows()[-1]["fingerprint"]
    kernels.write("contracts/x-v1.yaml", CONTRACT.replace("the weights sum to one", "as one") + SUMS)
    kernels.run()
    assert before != changed
    assert kernels.rows()[-1]["fingerprint"] == before  # how it is said to people decides nothing
