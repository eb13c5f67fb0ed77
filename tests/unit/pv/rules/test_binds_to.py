"""Claims bound to what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV301"
EQUATIONS = "equations: {softmax: {formula: f}}\n"
CLAIM = EQUATIONS + "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "binds_to: softmax}",
        # a list, and a criterion that this contract does not list
        CLAIM + "binds_to: [softmax, AC-SHIP-003]}",
        CLAIM + "binds_to: GATE-M3}",
        CLAIM + "binds_to: GATE-M3}\ngates: [{id: GATE-M3}]",
        CLAIM + "binds_to: first}\nacceptance_criteria: {first: the sum is 1}",
        CLAIM + "binds_to: 'other-v1:O-1'}",
        # of another shape, which the schema tells
        CLAIM + "binds_to: {a: b}}",
        CLAIM + "binds_to: null}",
        CLAIM + "binds_to: [1, [softmax]]}\ngates: [5, {id: [a]}]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("equations: {}\nfalsification_tests: [{id: F-1, prediction: p, binds_to: §zz}]", "the equations are: none"),
        (CLAIM + "binds_to: §softmx}", "did you mean 'softmax'?"),
        (CLAIM + "binds_to: §zz}", "the equations are: softmax"),
        (CLAIM + "binds_to: [softmax, §relu]}", "binds to 'relu'"),
        (CLAIM + "binds_to: §' '}", "the equations are: softmax"),
        (CLAIM + "binds_to: §GATE-M33}\ngates: [{id: GATE-M3}]", "did you mean 'GATE-M3'?"),
        (CLAIM + "binds_to: §Softmax}", "did you mean 'softmax'?"),
        ("falsification_conditions: [{id: G-1, assertion: a, binds_to: §gone}]", "'gone'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


def test_each_equation_of_a_list_is_part_of_what_the_claim_says(rule: Tried) -> None:
    def fingerprint(first: str, second: str, binds_to: str) -> str:
        equations = f"equations: {{a: {{formula: {first}}}, b: {{formula: {second}}}}}\n"
        contract = rule.read(
            f"{equations}falsification_tests: [{{id: F-1, prediction: p, binds_to: {binds_to}}}]"
        ).contract
        assert contract is not None
        return contract.claims[0].fingerprint

    assert fingerprint("x", "y", "[a, AC-1]") == fingerprint("x", "z", "[a, AC-1]")
    assert len({fingerprint("x", "y", "[a, b]"), fingerprint("x", "z", "[a, b]"), fingerprint("z", "y", "[a, b]")}) == 3
