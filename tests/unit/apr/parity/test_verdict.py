"""What follows from a measurement, on measurements that are made up."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from apr.parity.null import limit
from apr.parity.result import Cell, Gate, Measurement, View, Vote
from apr.parity.verdict import Bounds, judge
from apr.stages import StageKey

from . import builders

FAULT = builders.FAULT
LATER = StageKey("ffn_out", 2)


def without(made: Measurement, *views: View) -> Measurement:
    return replace(made, cells=[cell for cell in made.cells if cell.view not in views])


def changed(made: Measurement, key: StageKey, view: View, **changes: Any) -> Measurement:
    """The measurement with other tests in one cell: every test's value multiplied, or set."""

    def one(cell: Cell) -> Cell:
        if (cell.key, cell.view) != (key, view):
            return cell
        factor, value = changes.get("factor", 1.0), changes.get("value")
        tests = tuple(replace(t, value=t.value * factor if value is None else value) for t in cell.tests)
        return replace(cell, tests=changes.get("tests", tests))

    return replace(made, cells=[one(cell) for cell in made.cells])


def test_an_honest_run_agrees_and_says_what_it_would_have_caught() -> None:
    made = builders.measurement(fault=None)
    verdict = judge(made)
    assert (verdict.outcome, verdict.comparable, verdict.complete, verdict.first) == ("agrees", True, True, None)
    assert verdict.tests == sum(len(cell.tests) for cell in made.cells)
    assert verdict.power.keys() == {key.stage for key in made.expected}
    assert all(0 < power.gain < 1e-3 and 0 < power.element < 1 for power in verdict.power.values())


def test_the_first_divergence_is_where_the_fault_was_planted_and_the_rest_inherits() -> None:
    verdict = judge(builders.measurement())
    assert verdict.outcome == "diverges"
    first = verdict.first
    assert first is not None
    assert first.key == FAULT
    assert first.position == 5
    assert first.kind is not None
    assert first.kind.name == "gain"
    assert first.excess > 1
    assert [one.key for one in verdict.born] == [FAULT]
    assert verdict.runner_up is None
    assert FAULT not in verdict.inherits
    assert LATER in verdict.inherits
    assert all(key.order > FAULT.order for key in verdict.inherits)
    assert str(FAULT) in verdict.reason


def test_the_first_in_forward_order_is_named_not_the_greatest() -> None:
    made = changed(builders.measurement(), LATER, "isolated", factor=1e9)
    verdict = judge(made)
    assert verdict.first is not None
    assert verdict.first.key == FAULT
    assert verdict.runner_up is not None
    assert verdict.runner_up.key == LATER
    assert LATER not in verdict.inherits


@pytest.mark.parametrize("view", ["isolated", "subject", "oracle"])
def test_not_a_number_is_beyond_every_bound(view: View) -> None:
    verdict = judge(changed(builders.measurement(fault=None), LATER, view, value=math.nan))
    assert verdict.outcome == "diverges"
    assert verdict.first is not None
    assert verdict.first.key == LATER
    assert math.isinf(verdict.first.excess)


@pytest.mark.parametrize(
    ("beyond", "culprit"),
    [(("subject",), "subject"), (("oracle",), "oracle"), (("subject", "oracle"), "both")],
    ids=str,
)
def test_the_judge_accuses_whom_it_does_not_agree_with_on_their_own_inputs(
    beyond: tuple[View, ...], culprit: str
) -> None:
    made = builders.measurement(fault=None)
    for view in (*beyond, "isolated"):
        made = changed(made, LATER, view, factor=1e6)
    first = judge(made).first
    assert first is not None
    assert (first.key, first.culprit) == (LATER, culprit)


def test_without_the_judges_word_the_vote_decides_and_without_a_vote_nobody_is_accused() -> None:
    made = without(builders.measurement(), "subject", "oracle")
    first = judge(made).first
    assert first is not None
    assert first.culprit == "subject"
    assert first.culprit_because == made.votes[0, FAULT].because
    made.votes[0, FAULT] = Vote("undecided", "two camps")
    first = judge(made).first
    assert first is not None
    assert (first.culprit, first.culprit_because) == ("undecided", "two camps")
    made.votes.clear()
    first = judge(made).first
    assert first is not None
    assert first.culprit == "undecided"


def test_a_stricter_alpha_lets_more_through() -> None:
    made = builders.measurement(fault=None)
    cell = next(cell for cell in made.cells if (cell.key, cell.view) == (LATER, "isolated"))
    element = next(test for test in cell.tests if test.name == "element")
    count = judge(made).tests
    between = (limit(element, 1e-3 / count) + limit(element, 1e-9 / count)) / 2
    at_the_edge = changed(made, LATER, "isolated", tests=(replace(element, value=between),))
    assert judge(at_the_edge, Bounds(alpha=1e-3)).outcome == "diverges"
    assert judge(at_the_edge, Bounds(alpha=1e-9)).outcome == "agrees"


def test_a_bound_set_by_hand_replaces_the_derived_one_and_is_told() -> None:
    loose = judge(builders.measurement(), Bounds(by_hand={"attn_out": 1.0}, because="known, see 12"))
    assert loose.outcome == "agrees"
    assert any("attn_out" in note and "known, see 12" in note for note in loose.notes) or loose.by_hand
    tight = judge(builders.measurement(fault=None), Bounds(by_hand={"ffn_out": 0.0}, because="must be exact"))
    assert tight.first is not None
    assert tight.first.key == StageKey("ffn_out", 0)
    assert tight.first.test == "by hand"


def test_what_is_missing_is_not_agreement() -> None:
    made = builders.measurement(fault=None)
    made.missing.append(("subject", LATER, "was not captured"))
    verdict = judge(made)
    assert (verdict.outcome, verdict.complete) == ("inconclusive", False)
    assert str(LATER) in verdict.reason
    found = builders.measurement()
    found.missing.append(("subject", LATER, "was not captured"))
    verdict = judge(found)
    assert (verdict.outcome, verdict.complete) == ("diverges", False)


def test_what_must_not_be_compared_is_said_before_anything_else() -> None:
    made = replace(builders.measurement(), incomparable="not comparable: 7 tokens against 1")
    verdict = judge(made)
    assert (verdict.outcome, verdict.comparable, verdict.first) == ("incomparable", False, None)
    assert verdict.reason == "not comparable: 7 tokens against 1"


@pytest.mark.parametrize("passed", [True, None, False])
def test_an_engine_that_fails_its_gate_is_not_believed(passed: bool | None) -> None:
    made = builders.measurement(fault=None)
    made.gates.append(Gate("oracle", "deterministic", passed, "two runs"))
    verdict = judge(made)
    assert verdict.outcome == ("inconclusive" if passed is False else "agrees")
    assert ("not deterministic" in verdict.reason) == (passed is False)


def test_alpha_is_that_of_the_whole_run() -> None:
    """A value that a single test would call too great is not: there are many."""
    made = builders.measurement(fault=None)
    count = judge(made).tests
    cell = next(cell for cell in made.cells if (cell.key, cell.view) == (LATER, "isolated"))
    element = next(test for test in cell.tests if test.name == "element")
    value = (limit(element, 1e-6) + limit(element, 1e-6 / count)) / 2
    once = changed(made, LATER, "isolated", tests=(replace(element, value=value), *cell.tests[1:]))
    assert judge(once, Bounds(alpha=1e-6)).outcome == "agrees"


def test_the_clearest_test_of_a_cell_speaks_for_it() -> None:
    made = builders.measurement(fault=None)
    cell = next(cell for cell in made.cells if (cell.key, cell.view) == (LATER, "isolated"))
    for name in ("element", "position", "stage", "gain"):
        tests = tuple(replace(test, value=1e4 if test.name == name else 1e2) for test in cell.tests)
        first = judge(changed(made, LATER, "isolated", tests=tests)).first
        assert first is not None
        assert first.test == name


def test_two_sides_that_agree_in_what_the_judge_contradicts_do_not_part() -> None:
    made = builders.measurement(fault=None)
    for view in ("subject", "oracle"):
        made = changed(made, LATER, view, factor=1e6)
    same = [
        replace(cell, difference=replace(cell.difference, bit_identical=True)) if cell.view == "accumulated" else cell
        for cell in made.cells
    ]
    verdict = judge(replace(made, cells=same))
    assert verdict.outcome == "diverges"
    assert "the sides agree in every bit" in verdict.reason
    assert "the judge contradicts both" in verdict.reason


def test_what_was_expected_and_is_not_there_is_not_agreement() -> None:
    made = builders.measurement(fault=None, prompts=2)
    for gone in (
        [cell for cell in made.cells if cell.key != LATER],
        [cell for cell in made.cells if (cell.key, cell.prompt) != (LATER, 1)],
        [cell for cell in made.cells if cell.key.stage == "embedding"],
        [],
    ):
        verdict = judge(replace(made, cells=gone))
        assert (verdict.outcome, verdict.complete) == ("inconclusive", False)
        assert "was expected and is not among the measurements" in verdict.reason
    unjudged = [replace(cell, tests=()) if cell.key == LATER else cell for cell in made.cells]
    verdict = judge(replace(made, cells=unjudged))
    assert (verdict.outcome, verdict.complete) == ("inconclusive", True)
    assert f"{LATER} could not be judged" in verdict.reason


def test_numbers_that_are_not_finite_on_both_sides_are_no_agreement() -> None:
    made = builders.measurement(fault=None)
    cells = [
        replace(cell, difference=replace(cell.difference, nan_a=1, nan_b=1)) if cell.key == LATER else cell
        for cell in made.cells
    ]
    verdict = judge(replace(made, cells=cells))
    assert verdict.outcome == "inconclusive"
    assert f"{LATER} holds numbers that are not finite on both sides" in verdict.reason
    only = [
        replace(cell, difference=replace(cell.difference, nan_a=1, nonfinite_mismatches=1), tests=())
        for cell in made.cells
    ]
    verdict = judge(replace(made, cells=[cell for cell in only if cell.view == "accumulated"]))
    assert verdict.outcome == "inconclusive"
    assert "on one side" in verdict.reason


def test_where_every_bit_must_agree_the_distance_is_one_and_the_bound_is_none() -> None:
    made = changed(builders.measurement(fault=None), LATER, "isolated", value=math.inf)
    (cell,) = (cell for cell in made.cells if (cell.key, cell.view) == (LATER, "isolated"))
    first = judge(made).first
    assert first is not None
    assert (first.distance, first.bound, first.excess) == (cell.difference.max_abs_diff, 0.0, math.inf)
    ids = StageKey("moe_router_indices", 2)
    renamed = replace(made, cells=[replace(c, key=ids) if c.key == LATER else c for c in made.cells],
                      expected=tuple(ids if key == LATER else key for key in made.expected))  # fmt: skip
    verdict = judge(renamed)
    assert verdict.first is not None
    assert verdict.first.distance == cell.difference.n_different
    assert "moe_router_indices" not in verdict.power


def test_the_runner_up_is_the_clearest_of_the_others() -> None:
    made = builders.measurement()
    clear, faint = StageKey("ffn_up", 2), StageKey("ffn_gate", 2)
    made = changed(changed(made, clear, "isolated", factor=1e8), faint, "isolated", factor=1e4)
    verdict = judge(made)
    assert [one.key for one in verdict.born] == [FAULT, faint, clear]
    assert verdict.runner_up is not None
    assert verdict.runner_up.key == clear


def test_power_is_that_of_the_weakest_layer() -> None:
    made = builders.measurement(fault=None)
    rough = replace(
        made,
        cells=[
            replace(cell, tests=tuple(replace(test, reach=1e-3) for test in cell.tests)) if cell.key == LATER else cell
            for cell in made.cells
        ],
    )
    before, after = judge(made).power["ffn_out"], judge(rough).power["ffn_out"]
    assert after.gain > 100 * before.gain


def test_nothing_compared_is_no_agreement() -> None:
    made = builders.measurement(fault=None)
    free = without(made, "isolated", "subject", "oracle")
    assert judge(free).outcome == "inconclusive"
    same = [replace(c, difference=replace(c.difference, bit_identical=True)) for c in free.cells]
    assert judge(replace(free, cells=same)).outcome == "agrees"


def test_a_free_run_that_must_agree_in_every_bit_is_a_finding_of_its_own() -> None:
    made = builders.measurement(fault=None)
    judged = next(cell for cell in made.cells if cell.key == LATER and cell.view == "isolated")
    tests = tuple(replace(test, value=math.inf) for test in judged.tests)
    free = [
        replace(cell, tests=tests if cell.key.order >= LATER.order else tuple(replace(t, value=0.0) for t in tests))
        for cell in made.cells
        if cell.view == "accumulated"
    ]
    alone = judge(replace(made, cells=free))
    assert alone.first is not None
    assert (alone.first.key, alone.first.view) == (LATER, "accumulated")
    assert [one.key for one in alone.born] == [LATER], "what comes after may merely inherit"
    isolated = [cell for cell in made.cells if cell.view == "isolated"]
    sound = judge(replace(made, cells=[*free, *isolated]))
    assert sound.outcome == "diverges", "something differs though no stage by itself does"
