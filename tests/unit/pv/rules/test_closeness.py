"""Predictions of closeness that say not how close."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV240"


def predicts(words: str, more: str = "") -> str:
    mark = "§" if words.startswith("§") else ""
    return f"falsification_tests:\n  - {{id: F-1, if_fails: q{more}, prediction: {mark}'{words.lstrip('§')}'}}"


@pytest.mark.parametrize(
    "good",
    [
        "the sum is within 1e-6 of one",
        "sum ≈ 1 within 1e-6",
        "the sum is approximately 1, to 1e-6",
        "|sum - 1| < eps, so sum ≈ 1",
        "close to one, at most 1e-5 away",
        "both sides agree within one ULP",
        "both sides agree to 4 ULP, approximately equal",
        "sizes are approximately equal, ± 20 %",
        "E[x] ≈ p with an error below 0.01",
        "≈ is not used: every bit is the same",
        "y ≈ x, bit-identical for powers of two",
        "relative error of f(x) ≈ g(x) stays ≤ 1e-3",
        "SIMD matches scalar",
        "the rows number 4096, and E(0) = 0",
        "version 1.2.3 is refused, and so is = 1.2.3",
        "the sum = 1.0 within 1e-6",
        "the sum = 1.0, bit for bit",
        "the output is equal to the input",
        "x stays within the bounds of V",
        "accuracy > 0.9",
        "the file is closed to writers",
        "close the file; it is read again",
        "within each block the order holds",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(predicts(good))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("§sum ≈ 1", "'≈'"),
        ("§the sum is approximately 1", "'approximately'"),
        ("§the sum is close to 1", "'close to'"),
        ("§both agree within tolerance", "'within tolerance'"),
        ("§both agree within floating-point tolerance", "tolerance"),
        ("§scalar and vector agree within ULP", "'within ULP'"),
        ("§both are numerically equal", "'numerically equal'"),
        ("§equal up to rounding", "'up to rounding'"),
        ("§for x in [-1000, 1000] the sum ≈ 1 over 128 rows", "give the claim a"),
        ("§mean of up to 1000 samples ≈ 0", "'≈'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(predicts(bad), words, Severity.WARNING)


def test_the_bound_of_the_claim_counts(rule: Tried) -> None:
    rule.accepts(predicts("sum ≈ 1", ", tolerance: 1e-6"))
    rule.accepts(predicts("sum ≈ 1", ", tolerance: {absolute: 1e-6}"))
    rule.finds(predicts("§sum ≈ 1", ", tolerance: null"))


def test_the_bound_of_its_equation_counts(rule: Tried) -> None:
    bound = predicts("§sum ≈ 1", ", binds_to: f")
    rule.accepts("equations:\n  f: {formula: x, tolerance: 1e-6}\n" + bound.replace("§", ""))
    rule.accepts("equations:\n  f: {formula: '|x - 1| < 1e-6'}\n" + bound.replace("§", ""))
    rule.finds("equations:\n  f: {formula: x}\n  g: {formula: y, tolerance: 1e-6}\n" + bound, severity=Severity.WARNING)


def test_the_bound_of_an_obligation_counts(rule: Tried) -> None:
    def owed(applies: str) -> str:
        return f"proof_obligations:\n  - {{id: O-1, type: bound, property: p, tolerance: 1e-6{applies}}}\n"

    plain = predicts("sum ≈ 1", ", binds_to: f")
    rule.accepts(owed(", applies_to: f") + plain)
    rule.accepts(owed(", applies_to: all") + plain)
    rule.accepts(owed("") + predicts("sum ≈ 1", ", obligation: O-1"))
    rule.accepts(owed("") + predicts("sum ≈ 1", ", obligation: [O-1]"))
    rule.finds(owed(", applies_to: g") + predicts("§sum ≈ 1", ", binds_to: f"), severity=Severity.WARNING)
    rule.finds(owed("") + predicts("§sum ≈ 1", ", obligation: O-2"), severity=Severity.NOTE)


def test_a_bound_that_may_be_meant_makes_it_a_note(rule: Tried) -> None:
    owed = "proof_obligations:\n  - {type: bound, property: p, formal: '|s - 1| < eps'}\n"
    rule.finds(owed + predicts("§sum ≈ 1"), "name it with 'binds_to'", Severity.NOTE)


def test_odd_values_are_no_bounds(rule: Tried) -> None:
    odd = "equations: [1, {formula: [2]}]\nproof_obligations: [3, {property: null, applies_to: [f], id: []}]\n"
    rule.finds(odd + predicts("§sum ≈ 1", ", obligation: {a: 1}"), "≈")


@pytest.mark.parametrize("words", ["§the weights sum = 1.0", "§the ratio equals -3.25 at rest", "§NDCG is 1.0"])
def test_a_fraction_without_bound_or_domain_is_a_note(rule: Tried, words: str) -> None:
    rule.finds(predicts(words), "not how close", Severity.NOTE)
    rule.accepts(predicts(words.lstrip("§"), ", tolerance: 1e-6"))
    rule.accepts(predicts(words.lstrip("§"), ", domain: rows of powers of two"))
