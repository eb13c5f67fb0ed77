"""How what a falsifier does becomes an outcome of pytest and a row of the ledger."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("body", "outcome", "verdict", "reason"),
    [
        ("evidence.compared(1, 'x')", "passed", "discharged", ""),
        ("pass", "skipped", "inconclusive", "vacuous"),
        ("evidence.compared(0, 'x')", "skipped", "inconclusive", "vacuous"),
        ("evidence.compared(1, 'x'); raise Refuted('off')", "failed", "refuted", ""),
        ("assert evidence.total == 7", "failed", "refuted", ""),
        ("raise Inconclusive('no model', 'apr pull')", "skipped", "inconclusive", "no model"),
        ("pytest.skip('later')", "skipped", "inconclusive", "skipped"),
        ("pytest.importorskip('no_such_module_here')", "skipped", "inconclusive", "skipped"),
        ("raise ValueError('broken')", "failed", "error", ""),
        ("pytest.fail('broken')", "failed", "error", ""),
        ("pytest.xfail('known')", "failed", "error", ""),
    ],
)
def test_each_way_out(project: Any, body: str, outcome: str, verdict: str, reason: str) -> None:
    project.contract("id: F-1")
    project.falsifiers(f"@falsifies('x-v1', 'F-1')\ndef one(evidence): {body}\n")
    project.run().assert_outcomes(**{outcome: 1})
    (row,) = project.rows()
    assert (row["verdict"], row["reason"]) == (verdict, reason)
    assert (row["contract"], row["claim"], row["node"]) == ("x-v1", "F-1", "contracts/x-v1.yaml::F-1")


@pytest.mark.parametrize(
    ("body", "outcome", "verdict"),
    [
        ("evidence.compared(1, 'x')", "failed", "discharged"),
        ("raise Refuted('off')", "passed", "refuted"),
        ("assert evidence is None", "passed", "refuted"),
        ("raise Inconclusive('no model')", "skipped", "inconclusive"),
        ("raise ValueError('broken')", "failed", "error"),
    ],
)
def test_expecting_refutation_turns_the_outcome(project: Any, body: str, outcome: str, verdict: str) -> None:
    project.contract("id: F-1, expect: refuted")
    project.falsifiers(f"@falsifies('x-v1', 'F-1')\ndef one(evidence): {body}\n")
    project.run().assert_outcomes(**{outcome: 1})
    assert project.verdicts() == {"F-1": verdict}


@pytest.mark.parametrize("scope", ["function", "module", "session"])
def test_what_a_fixture_raises(project: Any, scope: str) -> None:
    project.contract("id: F-1", "id: F-2")
    project.write(
        "conftest.py",
        f"""
        import pytest
        from pv import Inconclusive
        @pytest.fixture(scope="{scope}")
        def oracle(): raise Inconclusive("no oracle", "install one")
        @pytest.fixture(scope="{scope}")
        def broken(): assert 1 == 2
        """,
    )
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(oracle): pass
        @falsifies("x-v1", "F-2")
        def two(broken): pass
    """)
    result = project.run("-rs")
    result.assert_outcomes(skipped=1, errors=1)
    result.stdout.fnmatch_lines(["*no oracle: install one*"])
    assert project.verdicts() == {"F-1": "inconclusive", "F-2": "error"}
    assert project.rows()[0]["reason"] == "no oracle"


def test_a_fixture_that_breaks_afterwards_takes_the_verdict_back(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers("""
        @pytest.fixture
        def leaky():
            yield
            raise OSError("cannot be closed")
        @falsifies("x-v1", "F-1")
        def one(leaky, evidence): evidence.compared(1, "x")
    """)
    project.run().assert_outcomes(passed=1, errors=1)
    assert project.verdicts() == {"F-1": "error"}
    assert len(project.rows()) == 1


@pytest.mark.parametrize(
    ("body", "outcome"),
    [("evidence.compared(1, 'x')", "passed"), ("raise Inconclusive('no model')", "skipped"), ("assert 0", "failed")],
)
def test_a_mark_cannot_excuse_a_falsifier(project: Any, body: str, outcome: str) -> None:
    project.contract("id: F-1")
    project.falsifiers(f"@falsifies('x-v1', 'F-1')\n@pytest.mark.xfail(strict=True)\ndef one(evidence): {body}\n")
    project.run().assert_outcomes(**{outcome: 1})


def test_a_refutation_is_shown_without_a_traceback_and_with_everything_known(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(evidence):
            evidence.counterexample([0, 101])
            raise Refuted("differs", stage="ffn_gate", layer=3, position=7, distance=0.5, bound=1e-6)
    """)
    text = project.run().stdout.str()
    assert "Traceback" not in text
    assert "def one" not in text
    for line in (
        "contracts/x-v1.yaml:4:61: error[refuted]: F-1: differs",
        "= prediction: the prediction",
        "= where: stage ffn_gate, layer 3, position 7",
        "= distance: 0.5, bound 1e-06",
        "= counterexample: [0, 101]",
        "= suspect: the suspect",
        "= falsifier: falsifiers/x.py:4 one",
        "pv: 1 claim: 0 discharged, 1 refuted, 0 inconclusive",
    ):
        assert line in text


def test_assertions_are_rewritten(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers("@falsifies('x-v1', 'F-1')\ndef one():\n    seen = [1, 2]\n    assert seen == [1, 3]\n")
    project.run()
    assert "assert [1, 2] == [1, 3]" in project.rows()[0]["message"]


def test_an_error_keeps_its_traceback(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers("@falsifies('x-v1', 'F-1')\ndef one():\n    raise ValueError('broken')\n")
    project.run().stdout.fnmatch_lines(["*raise ValueError('broken')", "*x.py:*ValueError"])


def test_a_property_test_can_be_a_falsifier(project: Any) -> None:
    project.contract("id: F-1", "id: F-2")
    project.falsifiers("""
        from hypothesis import given, settings, strategies as st
        @falsifies("x-v1", "F-1")
        @settings(database=None, max_examples=20)
        @given(n=st.integers())
        def one(evidence, n):
            evidence.compared(1, "integers")
            assert n < 100
        @given(n=st.integers())
        @settings(database=None, max_examples=20)
        @falsifies("x-v1", "F-2")
        def two(evidence, n):
            evidence.compared(1, "integers")
    """)
    project.run().assert_outcomes(failed=1, passed=1)
    one, two = project.rows()
    assert (one["verdict"], two["verdict"]) == ("refuted", "discharged")
    assert "n=100" in one["counterexample"]
    assert two["compared"]["integers"] == 20


def test_strict_makes_inconclusive_red(project: Any) -> None:
    project.contract("id: F-1", "id: F-2")
    project.falsifiers("@falsifies('x-v1', 'F-1')\ndef one(): raise Inconclusive('no model')\n")
    result = project.run("--pv-strict")
    result.assert_outcomes(failed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.run().ret == pytest.ExitCode.OK


def test_only_falsifiers_can_use_the_fixtures(project: Any) -> None:
    project.contract("id: F-1")
    project.write("test_other.py", "def test_it(evidence): pass\n")
    project.run("test_other.py").stdout.fnmatch_lines(["*'evidence' is a fixture of pv*"])


def test_the_row_says_what_was_seen(project: Any) -> None:
    project.contract("id: F-1, binds_to: f, tolerance: 1e-6")
    project.write("data.bin", "abc")
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(claim, evidence):
            evidence.compared(3, "stages")
            evidence.level("measured")
            evidence.skipped(2, "stages", "not in the graph")
            evidence.input("model", "data.bin")
            evidence.engine("oracle", "llama.cpp", "b1")
            evidence.worst(claim.tolerance / 2, bound=claim.tolerance, stage="q", layer=1)
            evidence.report(cosine=0.5)
    """)
    project.run()
    (row,) = project.rows()
    assert row["schema"] == "pv-ledger-v2"
    assert (row["level"], row["compared"], row["reported"]) == ("measured", {"stages": 3}, {"cosine": 0.5})
    assert row["inputs"][0]["path"] == "data.bin"
    assert row["skipped"] == [{"n": 2, "what": "stages", "why": "not in the graph"}]
    assert row["engines"] == [{"role": "oracle", "name": "llama.cpp", "build": "b1", "producer": "ggml-org"}]
    assert row["worst"] == {"distance": 5e-7, "bound": 1e-6, "where": {"stage": "q", "layer": 1}}
    assert (row["falsifier"]["path"], row["falsifier"]["qualname"]) == ("falsifiers/x.py", "one")
    assert len(row["falsifier"]["sha256"]) == len(row["fingerprint"]) == 64
    (where,) = [one for one in project.all_rows() if one["kind"] == "environment"]
    assert row["environment"] == where["environment"]
    assert where["data"]["python"]
    assert row["started"].endswith("+00:00")
    assert row["duration_s"] >= 0
    assert row["run"]


def test_what_was_skipped_is_told_and_a_run_that_skipped_everything_is_vacuous(project: Any) -> None:
    project.contract("id: F-1", "id: F-2, mutants: [{id: m, stage: s}]")
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(evidence): evidence.skipped(7, "stages", "no oracle")
        @falsifies("x-v1", "F-2")
        def two(evidence, mutant):
            evidence.compared(1, "stages")
            evidence.skipped(2, "stages", "not in the graph")
            if mutant: raise Refuted("found", stage="s")
    """)
    project.run().assert_outcomes(passed=2, skipped=1)
    first, second, _ = project.rows()
    assert (first["verdict"], first["reason"]) == ("inconclusive", "vacuous")
    assert first["message"] == "nothing was compared; skipped: 7 stages (no oracle)"
    assert (second["verdict"], second["compared"]) == ("discharged", {"stages": 1})
    assert "skipped: 2 stages (not in the graph)" in status_of(project)


def status_of(project: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pv", "status"], cwd=project.root, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("independent", "says independent, but both sides come from ggml-org"),
        ("measured", "says measured, but no model file was recorded"),
    ],
)
def test_a_level_that_was_not_recorded_is_an_error(project: Any, said: str, words: str) -> None:
    project.contract("id: F-1", "id: F-2, expect: refuted", "id: F-3")
    project.falsifiers(f"""
        def sides(evidence):
            evidence.level("{said}")
            evidence.compared(1, "x")
            evidence.engine("subject", "ggml", "b1")
            evidence.engine("oracle", "llama.cpp", "b2")
        @falsifies("x-v1", "F-1")
        def one(evidence): sides(evidence)
        @falsifies("x-v1", "F-2")
        def two(evidence):
            sides(evidence)
            raise Refuted("as expected")
        @falsifies("x-v1", "F-3")
        def three(evidence):
            sides(evidence)
            raise Refuted("by surprise")
    """)
    result = project.run()
    result.assert_outcomes(failed=3)
    assert project.verdicts() == {"F-1": "error", "F-2": "error", "F-3": "refuted"}
    assert {row["message"] for row in project.rows()} == {f"the falsifier {words}" + _rest(words), "by surprise"}
    result.stdout.fnmatch_lines([f"*the falsifier {words}*"])


def _rest(words: str) -> str:
    return ": evidence.input('model', path)" if words.endswith("recorded") else ""


def test_only_a_run_that_broke_is_written_out(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    real = pytest.Function.repr_failure

    def repr_failure(item: pytest.Function, excinfo: Any) -> Any:
        written.append(item.name)
        return real(item, excinfo)

    monkeypatch.setattr(pytest.Function, "repr_failure", repr_failure)
    project.contract("id: F-1, mutants: [{id: m, stage: s}]", "id: F-2, mutants: [{id: m, stage: s}]", "id: F-3")
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(evidence, mutant):
            evidence.compared(1, "x")
            if mutant: raise Refuted("off", stage="s")
        @falsifies("x-v1", "F-2")
        def two(evidence, mutant): raise OSError("broken") if mutant else Inconclusive("no model")
        @falsifies("x-v1", "F-3")
        def three(evidence): raise Refuted("off")
    """)
    result = project.run()
    assert written == ["F-2[mutant-m]"]
    result.stdout.fnmatch_lines(["*def two(evidence, mutant): raise OSError*", "*OSError: broken"])
    result.stdout.no_fnmatch_line("*def three*")
