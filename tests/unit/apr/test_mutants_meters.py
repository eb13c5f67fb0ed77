"""Faults of action traces are planted where they are asked for, everywhere, and taken out again without a trace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from apr.mutants import action_traces, agents, meters, traces
from apr.mutants.swapping import Swap, TraceMutant, load
from given.failing_traces import EXAMPLES, VALID
from given.sessions import STUDENT, Call, lines, session
from given.students import CHEATS

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def claims() -> dict[str, dict[str, Any]]:
    contract = yaml.safe_load((ROOT / "contracts" / "action-trace-parity-v1.yaml").read_text(encoding="utf-8"))
    return {claim["id"]: claim for claim in contract["falsification_tests"]}


def _bound() -> dict[tuple[str, str], Any]:
    """What every name of every module here stands for, names in classes among them."""
    load()
    found = {}
    for name, module in list(sys.modules.items()):
        if name == "apr" or name.startswith("apr."):
            for key, value in list(vars(module).items()):
                found[name, key] = value
                if isinstance(value, type):
                    found.update({(f"{name}.{key}", inner): one for inner, one in list(vars(value).items())})
    return found


def test_what_claims_name_is_planted_and_what_is_planted_is_named(claims: dict[str, dict[str, Any]]) -> None:
    named = {entry["id"]: entry["stage"] for claim in claims.values() for entry in claim["mutants"]}
    assert named == {mutant.name: mutant.stage for mutant in action_traces.MUTANTS.values()}
    assert sum(len(claim["mutants"]) for claim in claims.values()) == len(named), "a fault is named twice"


def test_there_are_more_faulty_meters_than_the_upstream_was_tried_with() -> None:
    assert len(meters.MUTANTS) >= 32
    assert len(meters.MUTANTS) + len(traces.MUTANTS) + len(agents.MUTANTS) == len(action_traces.MUTANTS)


def test_faults_say_what_is_wrong_each_in_its_own_words() -> None:
    said = [mutant.fault for mutant in action_traces.MUTANTS.values()]
    assert len(set(said)) == len(said)
    assert all(text and not text.endswith(".") for text in said)


@pytest.mark.parametrize("name", action_traces.MUTANTS)
def test_a_fault_exchanges_something(name: str) -> None:
    exchanged: list[tuple[Any, str, Any]] = []
    action_traces.MUTANTS[name].plant(lambda owner, what, faulty: exchanged.append((owner, what, faulty)))
    assert len(exchanged) >= len(action_traces.MUTANTS[name].swaps)
    assert all(vars(owner)[what] is not faulty for owner, what, faulty in exchanged)


def test_faults_are_taken_out_again() -> None:
    before = _bound()
    for mutant in action_traces.MUTANTS.values():
        with pytest.MonkeyPatch.context() as patch:
            mutant.plant(patch.setattr)
    after = _bound()
    assert {key for key in before.keys() | after.keys() if before.get(key) is not after.get(key)} == set()


def test_a_fault_is_in_every_module_that_has_the_thing_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    from apr.actions import reading, schema
    from apr.meter import actions, files

    sound = actions.follow
    meters.MUTANTS["hooks-ignored"].plant(monkeypatch.setattr)
    assert vars(files)["follow"] is actions.follow is not sound
    traces.MUTANTS["second-version-passes"].plant(monkeypatch.setattr)
    assert vars(reading)["checker"] is schema.checker
    assert schema.check({**VALID[1], "v": 2}) is None


def test_one_value_is_not_taken_for_another_that_is_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    from apr.meter import compare, report

    fault = TraceMutant("a", "b", "c", (Swap("apr.meter.report", "INDIVIDUAL_MIN", lambda _: 0.5),))
    fault.plant(monkeypatch.setattr)
    assert (report.INDIVIDUAL_MIN, vars(compare)["INDIVIDUAL_MIN"]) == (0.5, 0.8)


def test_what_is_to_be_exchanged_has_to_be_there() -> None:
    fault = TraceMutant("a", "b", "c", (Swap("apr.meter.report", "Report.beauty", lambda _: None),))
    with pytest.raises(KeyError, match="beauty"):
        fault.plant()


def test_every_failing_example_is_listed_and_executed(claims: dict[str, dict[str, Any]]) -> None:
    assert [one["name"] for one in claims["FALSIFY-CCPA-001"]["failing_examples"]] == list(EXAMPLES)
    assert [one["name"] for one in claims["FALSIFY-CCPA-013"]["failing_examples"]] == list(CHEATS)
    texts = [example() for example in EXAMPLES.values()]
    assert len({*texts, lines(VALID)}) == len(EXAMPLES) + 1, "two examples are the same, or one is valid"


def test_the_program_runs_with_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    teacher, student = tmp_path / "teacher.jsonl", tmp_path / "student.jsonl"
    teacher.write_bytes(lines(session([Call("Read", {"file_path": "a"})])))
    student.write_bytes(lines(session([Call("Read", {"file_path": "b"})], session_id=STUDENT)))
    # planted for good in a process of its own; here it is undone
    plant = TraceMutant.plant
    monkeypatch.setattr(TraceMutant, "plant", lambda self: plant(self, monkeypatch.setattr))
    for name, code in (("always-one", 0), ("always-zero", 1)):
        monkeypatch.setattr(sys, "argv", ["x", name, "ccpa", "diff", str(teacher), str(student), "--json"])
        assert action_traces.main() == code
        assert f'"score": {float(1 - code)}' in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["always-one"], ["unheard-of", "ccpa"], ["always-one", "pv", "status"]])
def test_the_program_refuses_what_it_does_not_know(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["x", *arguments])
    assert action_traces.main() == 2
    assert "always-one" in capsys.readouterr().err
