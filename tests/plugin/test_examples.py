"""Counterexamples are kept beside the ledger and tried first; what is to run the same each time does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

RARE = """
    from pathlib import Path
    from hypothesis import given, settings, strategies as st, seed
    TRIED = Path({tried!r})
    @falsifies("x-v1", "F-1")
    def one(evidence):
        {decorator}
        @given(st.integers(0, 10**6))
        def check(n):
            with TRIED.open("a") as log:
                log.write(f"{{n}}\\n")
            evidence.compared(1, "numbers")
            if {fails}:
                raise Refuted(f"fails for {{n}}", stage="s")
        check()
"""
FAILS = "n % 7 == 3 and n > 1000"
FIXED = "@settings(derandomize=True, database=None)"


@pytest.fixture
def tried(project: Any) -> Path:
    path: Path = project.root / "tried.txt"
    return path


def write(project: Any, tried: Path, fails: str = FAILS, decorator: str = "@settings(max_examples=500)") -> None:
    tried.unlink(missing_ok=True)
    project.falsifiers(RARE.format(tried=str(tried), fails=fails, decorator=decorator))


def before_failure(tried: Path) -> int:
    """How many numbers were tried up to the first that fails."""
    numbers = [int(line) for line in tried.read_text().split()]
    return next(place for place, n in enumerate(numbers, 1) if n % 7 == 3 and n > 1000)


@pytest.mark.parametrize("decorator", ["@settings(max_examples=500)", FIXED, "@settings(database=None)", "@seed(5)"])
def test_a_counterexample_is_tried_first_next_time(project: Any, tried: Path, decorator: str) -> None:
    project.contract("id: F-1")
    write(project, tried, decorator=decorator)
    result = project.run()
    result.assert_outcomes(failed=1)
    (first,) = project.rows()
    result.stdout.fnmatch_lines([f"*= kept: {first['examples']['kept']}, to be tried first next time"])
    assert before_failure(tried) > 1
    kept = project.root / first["examples"]["kept"]
    assert kept.parent == project.ledger.parent / "examples"
    assert any(path.is_file() for path in kept.rglob("*"))
    # the falsifier has been edited since: what is kept is the claim's, not the text's
    write(project, tried, fails=f"{FAILS} and True", decorator=decorator)
    project.run().assert_outcomes(failed=1)
    assert before_failure(tried) == 1
    second = project.rows()[-1]
    assert [len(one["first"]) for one in first["examples"]["properties"]] == [0]
    assert [len(one["first"]) for one in second["examples"]["properties"]] == [1]
    words = [re.search(r"check\(\s*n=\d+", row["counterexample"]) for row in (first, second)]
    assert words[0]
    assert words[1]
    assert words[0][0] == words[1][0]


def test_what_is_mended_is_not_kept(project: Any, tried: Path) -> None:
    project.contract("id: F-1")
    write(project, tried)
    project.run().assert_outcomes(failed=1)
    write(project, tried, fails="False")
    project.run().assert_outcomes(passed=1)
    assert project.rows()[-1]["examples"]["kept"] is None
    project.run().assert_outcomes(passed=1)
    assert project.rows()[-1]["examples"]["properties"][0]["first"] == []


def test_examples_of_one_case_are_not_tried_on_another(project: Any) -> None:
    project.contract("id: F-1, mutants: [{id: m, stage: s}]", "id: F-2")
    project.falsifiers(f"""
        from hypothesis import given, settings, strategies as st
        @falsifies("x-v1", "F-1")
        def one(evidence, mutant):
            @given(st.integers(0, 10**6))
            def check(n):
                evidence.compared(1, "numbers")
                if mutant is not None and {FAILS}:
                    raise Refuted("found", stage="s")
            check()
        @falsifies("x-v1", "F-2")
        def two(evidence):
            @given(st.integers(0, 10**6))
            def check(n): evidence.compared(1, "numbers")
            check()
    """)
    for _ in range(2):
        project.run().assert_outcomes(passed=3)
    first = {row["node"].split("::")[1]: row["examples"]["properties"][0]["first"] for row in project.rows()}
    assert {name: len(examples) for name, examples in first.items()} == {"F-1": 0, "F-1[mutant-m]": 1, "F-2": 0}


@pytest.mark.parametrize("decorator", [FIXED, "@seed(77)"])
def test_a_fixed_run_is_the_same_each_time(project: Any, tried: Path, decorator: str) -> None:
    project.contract("id: F-1")
    seen = []
    for _ in range(2):
        write(project, tried, fails="False", decorator=decorator)
        project.run().assert_outcomes(passed=1)
        seen.append(tried.read_text())
    assert seen[0] == seen[1]
    seeds = {row["examples"]["properties"][0]["seed"] for row in project.rows()}
    assert len(seeds) == 1
    assert decorator == FIXED or seeds == {77}


def test_a_run_with_a_seed_of_its_own_repeats_by_it(project: Any, tried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hypothesis.core.global_force_seed", None)  # where the option below would stay in this process
    project.contract("id: F-1")
    seen = []
    for arguments in ((), (), ("--hypothesis-seed=12",), ("--hypothesis-seed=12",)):
        write(project, tried, fails="False", decorator="@settings(derandomize=False)")
        project.run(*arguments).assert_outcomes(passed=1)
        seen.append(tried.read_text())
    seeds = [row["examples"]["properties"][0]["seed"] for row in project.rows()]
    assert seen[0] != seen[1]
    assert seeds[0] != seeds[1]
    assert seen[2] == seen[3]
    assert seeds[2:] == [12, 12]


def test_several_properties_of_a_falsifier_are_kept_apart(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers("""
        from hypothesis import given, strategies as st
        @falsifies("x-v1", "F-1")
        def one(evidence):
            @given(st.integers())
            def sound(n): evidence.compared(1, "numbers")
            @given(st.text())
            def broken(text):
                evidence.compared(1, "texts")
                assert len(text) < 3
            sound()
            broken()
    """)
    for _ in range(2):
        project.run().assert_outcomes(failed=1)
    properties = project.rows()[-1]["examples"]["properties"]
    assert [len(one["first"]) for one in properties] == [0, 1]
    assert properties[0]["seed"] != properties[1]["seed"]


def test_a_given_falsifier_is_kept_as_well_and_tests_are_left_alone(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers("""
        from hypothesis import given, strategies as st
        @falsifies("x-v1", "F-1")
        @given(n=st.integers())
        def one(evidence, n):
            evidence.compared(1, "numbers")
            assert n < 1000
    """)
    project.write(
        "test_other.py",
        "import hypothesis.core as core\nfrom hypothesis.internal.conjecture.engine import ConjectureRunner\n"
        "def test_it(): assert core.ConjectureRunner is ConjectureRunner\n",
    )
    project.run("contracts", "test_other.py").assert_outcomes(failed=1, passed=1)
    (row,) = project.rows()
    assert row["examples"]["kept"]
    assert "n=1000" in row["counterexample"]


def test_a_claim_without_properties_names_none(project: Any) -> None:
    project.contract('id: "F/../1"')
    project.falsifiers('@falsifies("x-v1", "F/../1")\ndef one(evidence): evidence.compared(1, "x")\n')
    project.run().assert_outcomes(passed=1)
    assert project.rows()[0]["examples"] is None
    assert not (project.ledger.parent / "examples").exists()


def test_names_of_folders_hold_nothing_of_a_path(project: Any) -> None:
    project.contract('id: "F/../../1"')
    project.falsifiers("""
        from hypothesis import given, strategies as st
        @falsifies("x-v1", "F/../../1")
        def one(evidence):
            @given(st.integers())
            def check(n): assert n < 5
            check()
    """)
    project.run().assert_outcomes(failed=1)
    name = project.rows()[0]["examples"]["kept"].split("/")[-1]
    assert re.fullmatch(r"x-v1\.F-\.\.-\.\.-1\.[0-9a-f]{12}", name)


def test_workers_keep_them_beside_the_ledger_that_was_asked_for(project: Any, tried: Path) -> None:
    project.contract("id: F-1")
    write(project, tried)
    for first in (0, 1):
        result = project.run_lean("-n", "2", "--pv-ledger", "deep/l.jsonl", "-p", "no:randomly")
        result.assert_outcomes(failed=1)
        rows = [json.loads(line) for line in (project.root / "deep" / "l.jsonl").read_text().splitlines()]
        row = next(row for row in reversed(rows) if row["kind"] == "case")
        assert row["examples"]["kept"].startswith("deep/examples/x-v1.F-1.")
        assert len(row["examples"]["properties"][0]["first"]) == first
