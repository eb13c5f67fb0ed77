from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pv.report.lacking import lacking, promotion
from pv.report.summary import State, state, state_of, trend_words
from pv.trend import Trend
from pv.words import Effective

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.status import Report

INDEPENDENT = {"*": {"level": "independent"}}


@pytest.mark.parametrize(
    ("change", "claim", "lacks"),
    [
        ({"PARITY-002": None}, "PARITY-002", ["not run"]),
        ({"PARITY-001/128": None}, "PARITY-001", ["not run: 128"]),
        ({"PARITY-001/16-mutant-norm-gain": None}, "PARITY-001", ["1 mutant not run: norm-gain"]),
        (
            {"PARITY-002": {"stale": "model m.gguf has changed since"}},
            "PARITY-002",
            ["stale: model m.gguf has changed since"],
        ),
        (
            {"PARITY-001/16-mutant-norm-gain": {"stale": "falsifier f has changed since"}},
            "PARITY-001",
            ["stale: [16-mutant-norm-gain] falsifier f has changed since", "1 mutant stale: norm-gain"],
        ),
        ({"PARITY-002": {"level": "measured"}}, "PARITY-002", ["level measured reached, independent asked"]),
        ({"PARITY-001/128": {"level": "authored"}}, "PARITY-001", ["level authored reached, measured asked"]),
        (
            {
                "PARITY-001/16-mutant-norm-gain": {"verdict": "survived"},
                "PARITY-001/16-mutant-rope-halves": {"verdict": "mislocalised"},
            },
            "PARITY-001",
            [
                "vacuous: it kills none of its mutants: 2 of 2 missed: [16-mutant-rope-halves] ",
                "1 mutant survived: norm-gain",
                "1 mutant mislocalised: rope-halves",
            ],
        ),
        (
            {"PARITY-001/16-mutant-norm-gain": {"verdict": "survived"}},
            "PARITY-001",
            ["1 mutant survived: norm-gain"],
        ),
        (
            {"PARITY-002": {"verdict": "inconclusive", "reason": "no model", "message": "it is not here"}},
            "PARITY-002",
            ["no model: it is not here"],
        ),
        ({"PARITY-002": {"verdict": "error", "message": "it broke"}}, "PARITY-002", ["error: it broke"]),
        ({"PARITY-002": {"verdict": "refuted", "message": "off"}}, "PARITY-002", ["refuted: off"]),
        (
            {"PARITY-003": {"verdict": "discharged"}},
            "PARITY-003",
            ["discharged although its author expects that it is refuted"],
        ),
    ],
)
def test_each_claim_is_named_with_what_it_lacks(
    of_rows: Callable[..., Report], change: dict[str, Any], claim: str, lacks: list[str]
) -> None:
    (one,) = of_rows(INDEPENDENT | change).contracts
    assert one.overstated
    assert lacking(one) == [(claim, lacks)]


def test_nothing_is_lacking_where_no_more_is_declared_than_is_effective(of_rows: Callable[..., Report]) -> None:
    (one,) = of_rows(INDEPENDENT).contracts
    assert one.effective is Effective.ACTIVE_RUNTIME
    assert lacking(one) == []
    assert promotion(one) == ""


def test_a_refuted_claim_alone_is_named_below_a_low_rung(maker: Any) -> None:
    one = maker.status(
        maker.format, "x-v1", {"FORMAT-001": {"verdict": "refuted", "message": "off"}, "FORMAT-002": None}
    )
    assert one.effective is Effective.REFUTED
    assert lacking(one) == [("FORMAT-001", ["refuted: off"])]


def test_a_status_typed_on_a_claim_that_asks_for_nothing_lacks_a_real_run(maker: Any) -> None:
    text = maker.format.replace("PARTIAL_ALGORITHM_LEVEL", "ACTIVE_RUNTIME")
    one = maker.status(text, "x-v1", {"*": {"level": "authored"}})
    assert one.effective is Effective.ACTIVE_ALGORITHM_LEVEL
    assert lacking(one) == [("", ["no claim was seen on a run of a real model (level measured or above)"])]


def test_a_cap_and_a_contract_without_claims_are_what_the_whole_lacks(
    maker: Any, of_rows: Callable[..., Report]
) -> None:
    (capped,) = of_rows(INDEPENDENT, cap="a bound was loosened", effective=Effective.ACTIVE_ALGORITHM_LEVEL).contracts
    assert lacking(capped) == [("", ["a bound was loosened"])]
    head, _, _ = maker.format.partition("falsification_tests")
    assert lacking(maker.status(head, "x-v1")) == [("", ["it has no claim: nothing can be discharged"])]


def test_where_more_is_seen_than_is_declared_the_command_is_named(maker: Any) -> None:
    assert promotion(maker.status(maker.format, "x-v1")) == "pv promote contracts/x-v1.yaml"


@pytest.mark.parametrize(
    ("change", "more", "found"),
    [
        (INDEPENDENT, {}, State.GOOD),
        ({"*": {"level": "authored"}}, {}, State.WRONG),
        (INDEPENDENT | {"PARITY-002": {"verdict": "refuted"}}, {}, State.WRONG),
        (INDEPENDENT, {"effective": Effective.PROPOSED}, State.WRONG),
    ],
)
def test_the_state_of_a_contract(
    of_rows: Callable[..., Report], change: dict[str, Any], more: dict[str, Any], found: State
) -> None:
    report = of_rows(change, **more)
    assert state_of(report.contracts[0]) is found
    assert state(report) is found


def test_the_state_where_less_is_declared(maker: Any) -> None:
    low = maker.format.replace("PARTIAL_ALGORITHM_LEVEL", "PROPOSED")
    absent = {"verdict": "inconclusive", "reason": "no model"}
    assert state_of(maker.status(low, "x-v1", {"FORMAT-001": absent})) is State.OPEN
    assert state_of(maker.status(low, "x-v1", {"*": None})) is State.NOTHING
    good = maker.status(low, "x-v1")
    assert state(maker.report(good)) is State.GOOD
    assert state(maker.report(good, problems=("line 3 is torn",))) is State.OPEN
    assert state(maker.report(good, unusable=("a.yaml is none",))) is State.OPEN
    assert state(maker.report(good, broken=True)) is State.WRONG
    assert state(maker.report()) is State.NOTHING


def test_a_trend_names_what_moved_and_which_way() -> None:
    assert trend_words(None) == trend_words(Trend()) == ""
    assert trend_words(Trend(discharged=-2, refuted=1, killed=3)) == "discharged ↓2, refuted ↑1, killed ↑3"
    assert trend_words(Trend(error=1), up="+", down="-") == "error +1"
