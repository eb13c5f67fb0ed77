"""Verdicts on measurements of a few cells, each made by hand: every number and every sentence."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from apr.parity.metrics.difference import Difference
from apr.parity.null import ALPHA, limit, power
from apr.parity.null.base import Test as Statistic
from apr.parity.result import Cell, Divergence, Gate, Kind, Measurement, Party, Verdict, View, Vote
from apr.parity.verdict import Bounds, judge
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDE = Party("numpy", "numpy", "1", "f64", None, "m.gguf", "0" * 64, "0" * 64, 1)
FIRST, SECOND, THIRD = StageKey("attn_norm", 0), StageKey("attn_out", 0), StageKey("ffn_out", 0)
APART = Difference(
    count=8,
    bit_identical=False,
    n_different=3,
    max_abs_diff=0.25,
    max_abs_diff_index=1,
    rms_diff=0.1,
    relative_rms=2e-4,
    nmse=4e-8,
    cosine=1.0,
    worst_position=2,
    worst_position_relative_rms=5e-4,
    nan_a=0,
    nan_b=0,
    inf_a=0,
    inf_b=0,
    nonfinite_mismatches=0,
)
SAME = replace(APART, bit_identical=True, n_different=0)
GAIN = Kind("gain", "twice", 1.0)


def statistic(name: Any = "element", value: float = 1.0, *places: int | None, **more: Any) -> Statistic:
    unit, reach = more.get("unit", 2e-7), more.get("reach", 1e-7)
    position, channel = (*places, None, None)[:2]
    return Statistic(name, value, 1, 10, unit, position, channel, reach)


def cell(key: StageKey, view: View = "isolated", *tests: Statistic, **more: Any) -> Cell:
    difference = more.pop("difference", APART)
    return Cell(more.pop("prompt", 0), key, view, difference, (), tests or (statistic(),), ("why",), **more)


def made(*cells: Cell, prompts: int = 1, **more: Any) -> Measurement:
    """A measurement of these cells, in which every stage of theirs was expected."""
    expected = more.pop("expected", tuple(sorted({one.key for one in cells}, key=lambda key: key.order)))
    tokens = tuple((1, 2, 3) for _ in range(prompts))
    return Measurement(SIDE, SIDE, tokens, expected, list(cells), **more)


def first_of(*cells: Cell, bounds: Bounds | None = None, **more: Any) -> Divergence:
    first = judge(made(*cells, **more), bounds).first
    assert first is not None
    return first


def allowed(test: Statistic, count: int) -> float:
    return limit(test, ALPHA / count)


def test_a_verdict_holds_all_that_it_rests_on() -> None:
    one = cell(FIRST, "isolated", statistic("gain"))
    reach = {"attn_norm": power(one.tests, ALPHA)}
    assert judge(made(one)) == Verdict(
        "agrees",
        "every stage is within what rounding explains",
        comparable=True,
        complete=True,
        alpha=ALPHA,
        tests=1,
        power=reach,
    )


def test_what_must_not_be_compared_keeps_the_bounds_it_was_asked_with() -> None:
    bounds = Bounds(alpha=1e-3, by_hand={"ffn_out": 0.5, "all": 0.25}, because="see 12")
    notes = ("bound of all set by hand to 0.25: see 12", "bound of ffn_out set by hand to 0.5: see 12")
    assert judge(made(cell(FIRST), incomparable="not comparable: x"), bounds) == Verdict(
        "incomparable",
        "not comparable: x",
        comparable=False,
        complete=False,
        alpha=1e-3,
        notes=notes,
        by_hand={"ffn_out": 0.5, "all": 0.25},
        because="see 12",
    )
    found = judge(made(cell(FIRST)), bounds)
    assert (found.alpha, found.notes, found.by_hand, found.because) == (1e-3, notes, dict(bounds.by_hand), "see 12")


def test_a_test_beyond_its_bound_is_told_in_its_own_unit() -> None:
    test = statistic("element", 100.0, 4, 7)
    bound = allowed(test, 1)
    found = first_of(cell(FIRST, "isolated", test, kind=GAIN))
    assert found == Divergence(
        0, FIRST, "isolated", 4, 7, "element", 100.0 * 2e-7, bound * 2e-7, 100.0 / bound, GAIN, "undecided",
        "no third party was asked",
    )  # fmt: skip
    plain = first_of(cell(FIRST, "isolated", replace(test, unit=0.0)))
    assert (plain.distance, plain.bound) == (100.0, bound)
    assert judge(made(cell(FIRST, "isolated", replace(test, value=bound)))).outcome == "agrees"
    assert judge(made(cell(FIRST, "isolated", replace(test, value=bound * 1.001)))).outcome == "diverges"


def test_the_bound_of_each_test_is_that_of_all_of_them_together() -> None:
    test = statistic("element", 100.0, 4, 7)
    found = judge(made(cell(FIRST, "isolated", test, statistic()), cell(SECOND)))
    assert found.tests == 3
    assert found.first is not None
    assert found.first.bound == allowed(test, 3) * 2e-7
    assert found.power["attn_out"] == power((statistic(),), ALPHA / 3)


def test_not_a_number_and_bits_that_differ_are_infinitely_far() -> None:
    nan = first_of(cell(FIRST, "isolated", statistic("element", math.nan)))
    assert (math.isnan(nan.distance), nan.excess) == (True, math.inf)
    assert nan.bound == allowed(statistic(), 1) * 2e-7
    bits = first_of(cell(FIRST, "isolated", statistic("element", math.inf)))
    assert (bits.distance, bits.bound, bits.excess) == (0.25, 0.0, math.inf)
    ids = StageKey("moe_router_indices", 0)
    found = judge(made(cell(ids, "isolated", statistic("element", math.inf))))
    assert found.first is not None
    assert (found.first.distance, found.power) == (3.0, {})
    assert isinstance(found.first.distance, float)


@pytest.mark.parametrize(
    ("tests", "position", "channel"),
    [
        ([statistic("stage", 100.0)], 2, None),
        ([statistic("stage", 100.0), statistic("position", 1.0, 5)], 5, None),
        ([statistic("stage", 100.0), statistic("element", 1.0, 6, 8), statistic("position", 1.0, 5)], 5, 8),
        ([statistic("stage", 100.0), statistic("element", 1.0, 6, 8), statistic("channel", 1.0, None, 9)], 6, 9),
        ([statistic("position", 100.0, 3), statistic("element", 1.0, 6, 8)], 3, 8),
        ([statistic("channel", 100.0, None, 0), statistic("element", 1.0, 0, 8)], 0, 0),
        ([statistic("element", 100.0, 6, 8), statistic("position", 1.0, 5), statistic("channel", 1.0, None, 9)], 6, 8),
    ],
)
def test_a_test_without_a_place_takes_that_of_those_that_have_one(
    tests: Sequence[Statistic], position: int, channel: int | None
) -> None:
    found = first_of(cell(FIRST, "isolated", *tests))
    assert (found.position, found.channel) == (position, channel)


def test_the_test_that_is_furthest_beyond_speaks() -> None:
    found = first_of(
        cell(FIRST, "isolated", statistic("stage", 50.0), statistic("gain", 500.0), statistic("bias", 60.0))
    )
    assert found.test == "gain"


def test_a_bound_by_hand_is_over_the_stage_and_over_each_position() -> None:
    def by_hand(bound: float, difference: Difference = APART, name: str = "attn_norm") -> Verdict:
        return judge(made(cell(FIRST, "isolated", difference=difference)), Bounds(by_hand={name: bound}, because="b"))

    assert by_hand(5e-4).outcome == "agrees"
    first = by_hand(4e-4).first
    assert first == Divergence(
        0, FIRST, "isolated", 2, None, "by hand", 5e-4, 4e-4, 5e-4 / 4e-4, None, "undecided", "no third party was asked"
    )
    assert by_hand(1e-4, name="all").first is not None
    assert by_hand(1e-4, name="ffn_out").first is None
    both = judge(made(cell(FIRST)), Bounds(by_hand={"all": 1e-9, "attn_norm": 1.0}))
    assert both.outcome == "agrees"
    zero = by_hand(0.0).first
    assert zero is not None
    assert (zero.excess, zero.distance) == (math.inf, 5e-4)
    assert by_hand(0.0, replace(APART, relative_rms=0.0, worst_position_relative_rms=None)).first is None
    nan = by_hand(1.0, replace(APART, relative_rms=math.nan)).first
    assert nan is not None
    assert (nan.excess, math.isnan(nan.distance)) == (math.inf, True)
    row = by_hand(1.0, replace(APART, worst_position_relative_rms=math.nan)).first
    assert row is not None
    assert math.isnan(row.distance)
    whole = by_hand(1e-4, replace(APART, worst_position_relative_rms=None)).first
    assert whole is not None
    assert whole.distance == 2e-4


def test_what_a_bound_by_hand_would_have_caught_is_not_told_as_derived() -> None:
    found = judge(made(cell(FIRST), cell(SECOND)), Bounds(by_hand={"attn_norm": 1.0}))
    assert list(found.power) == ["attn_out"]
    assert judge(made(cell(FIRST)), Bounds(by_hand={"all": 1.0})).power == {}


BEYOND = statistic("element", 1e3, 1, 1)


@pytest.mark.parametrize(
    ("cells", "culprit", "because"),
    [
        (
            [cell(FIRST, "subject", BEYOND), cell(FIRST, "oracle"), cell(FIRST)],
            "subject",
            "on its own inputs the judge computes something else, and agrees with the oracle on the oracle's",
        ),
        (
            [cell(FIRST, "subject"), cell(FIRST, "oracle", BEYOND), cell(FIRST)],
            "oracle",
            "on its own inputs the judge computes something else, and agrees with the subject on the subject's",
        ),
        (
            [cell(FIRST, "subject", BEYOND), cell(FIRST, "oracle", BEYOND)],
            "both",
            "the judge computes something else than either, on the inputs of each",
        ),
        (
            [cell(FIRST, "subject", BEYOND), cell(FIRST)],
            "subject",
            "on its own inputs the judge computes something else",
        ),
        ([cell(FIRST, "oracle", BEYOND)], "oracle", "on its own inputs the judge computes something else"),
        ([cell(FIRST, "oracle", BEYOND), cell(FIRST)], "undecided", "no third party was asked"),
        ([cell(FIRST, "isolated", BEYOND), cell(FIRST, "subject")], "undecided", "no third party was asked"),
        (
            [cell(FIRST, "isolated", BEYOND), cell(FIRST, "subject"), cell(FIRST, "oracle")],
            "undecided",
            "no third party was asked",
        ),
    ],
)
def test_who_is_accused_and_why(cells: list[Cell], culprit: str, because: str) -> None:
    found = first_of(*cells)
    assert (found.culprit, found.culprit_because) == (culprit, because)


def test_a_vote_decides_where_the_judge_has_not_looked_at_both() -> None:
    vote = {(0, FIRST): Vote("oracle", "two of three agree")}
    for cells in ([cell(FIRST, "subject", BEYOND)], [cell(FIRST, "isolated", BEYOND)]):
        found = first_of(*cells, votes=vote)
        assert (found.culprit, found.culprit_because) == ("oracle", "two of three agree")
    judged = first_of(cell(FIRST, "subject", BEYOND), cell(FIRST, "oracle"), votes=vote)
    assert judged.culprit == "subject"
    other = {(1, FIRST): Vote("oracle", "of another prompt"), (0, SECOND): Vote("oracle", "of another stage")}
    assert first_of(cell(FIRST, "isolated", BEYOND), votes=other).culprit == "undecided"


def test_the_view_that_accuses_one_side_is_the_clearest_and_then_what_is_furthest_off() -> None:
    far, near = statistic("element", 1e6, 9, 9), statistic("element", 1e3, 1, 1)
    assert first_of(cell(FIRST, "isolated", far), cell(FIRST, "oracle", near)).view == "oracle"
    assert first_of(cell(FIRST, "oracle", near), cell(FIRST, "subject", far)).view == "subject"
    assert first_of(cell(FIRST, "subject", near), cell(FIRST, "oracle", far)).view == "oracle"
    found = first_of(cell(FIRST, "isolated", near), cell(FIRST, "isolated", far, prompt=1), prompts=2)
    assert (found.prompt, found.position) == (1, 9)
    free = first_of(cell(FIRST, "accumulated", statistic("element", math.inf)), cell(FIRST, "isolated", near))
    assert free.view == "isolated"
    kinds = first_of(cell(FIRST, "isolated", far, kind=GAIN), cell(FIRST, "subject", near))
    assert (kinds.view, kinds.kind) == ("subject", GAIN)


def test_what_only_a_free_run_shows_is_born_where_nothing_was_before() -> None:
    bits = statistic("element", math.inf)
    found = judge(made(cell(FIRST), cell(SECOND, "accumulated", bits), cell(THIRD, "accumulated", bits)))
    assert [one.key for one in found.born] == [SECOND]
    found = judge(
        made(cell(FIRST, "isolated", BEYOND), cell(SECOND, "accumulated", bits), cell(THIRD, "isolated", BEYOND))
    )
    assert [one.key for one in found.born] == [FIRST, THIRD]
    assert found.runner_up is not None
    assert found.runner_up.key == THIRD


def test_stages_are_told_in_forward_order_whatever_they_are_called() -> None:
    upper, norm, last = StageKey("attn_norm", 1), StageKey("ffn_norm", 0), StageKey("lm_head", None)
    forward = (SECOND, norm, THIRD, upper, last)
    assert sorted(forward[:4]) != list(forward[:4])
    found = judge(made(*(cell(key, "isolated", BEYOND) for key in (upper, THIRD, SECOND, last, norm))))
    assert tuple(one.key for one in found.born) == forward
    free = [replace(cell(key, "accumulated", difference=APART), tests=()) for key in (upper, THIRD, last, norm)]
    found = judge(made(cell(SECOND, "isolated", BEYOND), *free))
    assert found.inherits == forward[1:]


def test_stages_that_differ_after_the_first_and_are_sound_inherit() -> None:
    free = [cell(key, "accumulated", difference=APART) for key in (FIRST, SECOND, THIRD)]
    free = [replace(one, tests=()) for one in free]
    found = judge(made(*free, cell(FIRST), cell(SECOND, "isolated", BEYOND), cell(THIRD)))
    assert found.inherits == (THIRD,)
    last = StageKey("lm_head", None)
    found = judge(made(*free, *(cell(key, "isolated", BEYOND) for key in (FIRST, THIRD)), cell(SECOND),
                       replace(cell(last, "accumulated", difference=SAME), tests=()), cell(last)))  # fmt: skip
    assert found.inherits == (SECOND,)
    assert judge(made(*free, cell(FIRST), cell(SECOND), cell(THIRD))).inherits == ()


def test_where_the_sides_part_is_said_and_that_they_do_not_where_every_bit_agrees() -> None:
    assert judge(made(cell(FIRST, "isolated", BEYOND))).reason == f"the sides part at {FIRST} at position 1"
    nowhere = cell(FIRST, "isolated", replace(BEYOND, position=None), difference=replace(APART, worst_position=None))
    assert judge(made(nowhere)).reason == f"the sides part at {FIRST}"
    accused = cell(FIRST, "subject", BEYOND)
    free = replace(cell(FIRST, "accumulated", difference=SAME), tests=())
    agree = f"the sides agree in every bit of {FIRST} at position 1, and the judge contradicts both"
    assert judge(made(accused, free)).reason == agree
    for other in (replace(free, difference=APART), replace(free, prompt=1), replace(free, view="isolated")):
        assert (
            judge(made(accused, other, prompts=1 + other.prompt)).reason == f"the sides part at {FIRST} at position 1"
        )
    elsewhere = replace(cell(SECOND, "accumulated", difference=SAME), tests=())
    assert judge(made(accused, elsewhere)).reason == f"the sides part at {FIRST} at position 1"


def test_agreement_says_what_it_rests_on() -> None:
    free = replace(cell(FIRST, "accumulated", difference=SAME), tests=())
    assert judge(made(free)).reason == "every stage agrees in every bit"
    assert judge(made(free)).tests == 0
    bits = cell(FIRST, "accumulated", statistic("element", 0.0))
    found = judge(made(bits))
    assert found.outcome == "agrees"
    assert found.reason == "both sides, each running free from the tokens, agree in every bit of every stage"
    assert judge(made(cell(FIRST), free)).reason == "every stage is within what rounding explains"
    assert judge(made(cell(FIRST), bits)).reason.startswith("both sides, each running free")


NO_MODEL = "be judged: without a model no stage can be computed from given inputs"


@pytest.mark.parametrize(
    ("cells", "more", "why", "complete"),
    [
        (
            [cell(FIRST)],
            {"gates": [Gate("oracle", "harmless", True, "x"), Gate("oracle", "deterministic", False, "two runs differ")]},
            "the oracle is not deterministic: two runs differ",
            True,
        ),
        ([cell(FIRST)], {"missing": [("subject", SECOND, "was not captured")]}, f"{SECOND} of the subject was not captured", False),
        (
            [cell(FIRST)],
            {"missing": [("subject", SECOND, "has another shape"), ("oracle", THIRD, "x"), ("oracle", SECOND, "x")]},
            f"{SECOND} of the subject has another shape, and 2 more",
            False,
        ),
        (
            [cell(FIRST)],
            {"expected": (FIRST, SECOND)},
            f"{SECOND} was expected and is not among the measurements",
            False,
        ),
        (
            [cell(FIRST)],
            {"expected": (FIRST, SECOND, THIRD)},
            f"{SECOND} was expected and is not among the measurements, nor are 1 more",
            False,
        ),
        ([cell(FIRST)], {"prompts": 2}, f"{FIRST} was expected and is not among the measurements", False),
        (
            [cell(FIRST, "isolated", difference=replace(APART, nan_a=1, nan_b=1))],
            {},
            f"{FIRST} holds numbers that are not finite on both sides, which is no agreement",
            True,
        ),
        (
            [cell(FIRST, "isolated", difference=replace(APART, inf_a=1, nonfinite_mismatches=1))],
            {},
            f"{FIRST} holds numbers that are not finite on one side, and there is nothing to judge it by",
            True,
        ),
        ([cell(FIRST), replace(cell(SECOND, "accumulated"), tests=())], {}, f"{SECOND} could not {NO_MODEL}", True),
        ([replace(cell(SECOND, "accumulated"), tests=())], {}, f"nothing could {NO_MODEL}", True),
        (
            [cell(FIRST), replace(cell(FIRST, "accumulated", prompt=1), tests=())],
            {"prompts": 2},
            f"{FIRST} could not {NO_MODEL}",
            True,
        ),
    ],
)  # fmt: skip
def test_doubt_is_told_in_one_sentence(cells: list[Cell], more: dict[str, Any], why: str, complete: bool) -> None:
    found = judge(made(*cells, **more))
    assert (found.outcome, found.reason, found.complete, found.first) == ("inconclusive", why, complete, None)


def test_doubt_about_one_thing_is_told_before_doubt_about_another() -> None:
    gate = [Gate("oracle", "deterministic", False, "x")]
    missing = [("subject", SECOND, "was not captured")]
    blank = cell(FIRST, "isolated", difference=replace(APART, nan_a=1, nan_b=1))
    expected = (FIRST, SECOND, THIRD)
    assert judge(made(blank, gates=gate, missing=missing, expected=expected)).reason.startswith("the oracle is not")
    assert judge(made(blank, missing=missing, expected=expected)).reason.startswith(f"{SECOND} of the subject")
    assert judge(made(blank, expected=(FIRST, THIRD))).reason.startswith(f"{THIRD} was expected")
    told = judge(made(cell(FIRST), missing=missing, expected=(FIRST, SECOND)))
    assert told.reason == f"{SECOND} of the subject was not captured"
    both = judge(made(cell(FIRST), missing=[*missing, ("oracle", SECOND, "x")], expected=(FIRST, SECOND)))
    assert both.reason == f"{SECOND} of the subject was not captured, and 1 more"
    settled = [cell(FIRST), replace(cell(FIRST, "accumulated"), tests=())]
    assert judge(made(*settled)).outcome == "agrees"


def test_what_would_go_unseen_is_said_of_the_blindest_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    blind = cell(SECOND, "isolated", statistic("gain", 1.0, reach=1e-2))
    blinder = cell(THIRD, "isolated", statistic("gain", 1.0, reach=1.0))
    sharp = cell(FIRST, "isolated", statistic("gain", 1.0, reach=1e-7))
    found = judge(made(sharp, replace(blind, because=("rough", "sums")), replace(blinder, because=("tiny", "norms"))))
    gain = found.power["ffn_out"].gain
    note = (
        f"nearly blind at attn_out, ffn_out: a gain below {gain:.2g} would go unseen at ffn_out, so much do honest "
        "engines differ there (tiny; norms); an oracle of the subject's own arithmetic sees more"
    )
    explained = f"the greatest difference that is explained: 0.0005 at {FIRST} at position 2 (why)"
    assert found.notes[0] == note
    assert explained not in found.notes
    found = judge(made(replace(blinder, key=SECOND), replace(blind, key=THIRD)))
    assert "would go unseen at attn_out" in found.notes[0]  # by how blind it is, not by its name
    monkeypatch.setattr("apr.parity.verdict._BLIND", judge(made(blinder)).power["ffn_out"].gain)
    assert not any("blind" in text for text in judge(made(blinder)).notes)  # as much is still seen
    assert judge(made(sharp)).notes == ()


def test_the_greatest_difference_that_is_explained_is_told_where_it_is_great() -> None:
    def of(value: float | None, key: StageKey = FIRST, view: View = "isolated", **more: Any) -> Cell:
        difference = replace(APART, worst_position_relative_rms=value, **more)
        return cell(key, view, statistic("gain"), difference=difference)

    told = "the greatest difference that is explained: {} at {} at position 2 (why)"
    assert judge(made(of(1e-3))).notes == ()
    assert judge(made(of(2e-3))).notes == (told.format(0.002, FIRST),)
    reasons = replace(of(2e-3), because=("rough", "sums"))
    assert judge(made(reasons)).notes == (told.format(0.002, FIRST).replace("why", "rough; sums"),)
    assert judge(made(of(2e-3), of(3e-3, SECOND))).notes == (told.format(0.003, SECOND),)
    assert judge(made(of(2e-3), of(3e-3, SECOND, "subject"))).notes == (told.format(0.002, FIRST),)
    assert judge(made(of(None), of(2e-3, SECOND))).notes == (told.format(0.002, SECOND),)
    assert judge(made(of(None))).notes == ()
    far = replace(APART, worst_position_relative_rms=0.5)
    beyond = cell(SECOND, "isolated", replace(BEYOND, name="gain"), difference=far)
    assert judge(made(of(2e-3), beyond)).notes == (told.format(0.002, FIRST),)
    assert judge(made(of(2e-3, worst_position=None))).notes == (
        f"the greatest difference that is explained: 0.002 at {FIRST} (why)",
    )


def test_power_is_what_every_layer_and_prompt_would_catch() -> None:
    fine, rough = statistic("gain", 1.0, reach=1e-6), statistic("gain", 1.0, reach=1e-4)
    upper = StageKey("attn_norm", 1)

    def gain(*cells: Cell, prompts: int = 1) -> float:
        return judge(made(*cells, prompts=prompts)).power["attn_norm"].gain

    def alone(test: Statistic, count: int) -> float:
        return power((test,), ALPHA / count).gain

    assert gain(cell(FIRST, "isolated", fine), cell(upper, "isolated", rough)) == alone(rough, 2)
    assert gain(cell(FIRST, "isolated", rough), cell(upper, "isolated", fine)) == alone(rough, 2)
    assert gain(cell(FIRST, "isolated", fine), cell(FIRST, "isolated", rough, prompt=1), prompts=2) == alone(rough, 2)
    # an error of one side is caught by any view in which that side is judged
    assert gain(cell(FIRST, "isolated", rough), cell(FIRST, "subject", fine)) == alone(fine, 2)
    assert gain(cell(FIRST, "isolated", fine), cell(FIRST, "subject", rough)) == alone(fine, 2)
    # and of each side, the one that is seen worse counts
    both = (cell(FIRST, "subject", fine), cell(FIRST, "oracle", rough))
    assert gain(*both) == alone(rough, 2)
    assert gain(*both, cell(FIRST, "isolated", fine)) == alone(fine, 3)
    bias = judge(made(cell(FIRST, "isolated", statistic("bias", 1.0, reach=1e-5)))).power["attn_norm"]
    assert (bias.gain, bias.bias) == (math.inf, power((statistic("bias", 1.0, reach=1e-5),), ALPHA).bias)


def test_the_runner_up_is_the_clearest_of_other_places() -> None:
    cells = [cell(key, "isolated", statistic("element", value, 1, 1)) for key, value in
             ((FIRST, 100.0), (SECOND, 200.0), (THIRD, 300.0))]  # fmt: skip
    found = judge(made(*cells))
    assert [one.key for one in found.born] == [FIRST, SECOND, THIRD]
    assert found.runner_up is not None
    assert found.runner_up.key == THIRD
    assert judge(made(cells[0])).runner_up is None
