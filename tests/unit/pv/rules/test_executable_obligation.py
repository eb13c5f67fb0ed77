"""Obligations of executable equations that cannot be executed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV243"


EQUATION = "equations:\n  f: {formula: y, domain: {n: 1..4, x: {dtype: f32, shape: [n], range: [0, 1]}}}\n"


def obligation(said: str, claims: str = "") -> str:
    return f"{EQUATION}proof_obligations:\n  - {{id: O-1, applies_to: f, property: p, {said}}}\n{claims}"


def claim(more: str) -> str:
    return f"falsification_tests:\n  - {{id: F-1, prediction: p, if_fails: q, obligation: O-1{more}}}\n"


@pytest.mark.parametrize(
    "good",
    [
        obligation("type: invariant, formal: y >= 0"),
        obligation("formal: y >= 0"),  # an invariant where no type is said
        obligation("type: termination, formal: y >= 0"),
        obligation("type: bound, between: [0, null]"),
        obligation("type: roundtrip, through: y / 2, tolerance: u, in: x"),
        obligation("type: symmetry, under: shift, in: x, axis: -1, result: invariant, notes: why, x-more: 1"),
        obligation("type: independence, along: n"),
        obligation("type: termination", claim(", test: falsifiers.a.b")),
        obligation("type: frame, na_reason: never, na_owner: me").replace(
            "applies_to: f", "applies_to: not_applicable"
        ),
        obligation("type: roundtrip").replace("applies_to: f", "applies_to: g"),  # about nothing that runs
        obligation("type: symetry"),  # a word that is none: PV103
        obligation("type: frame, formaly: x"),  # a key that is none: PV101
        "equations: {f: {formula: y, domain: x > 0}}\nproof_obligations: [{type: roundtrip, property: p, applies_to: f}]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (obligation("type: §termination"), "nothing executes an obligation of type 'termination'"),
        (obligation("type: §termination", claim("")), "without 'formal'"),
        (obligation("type: invariant").replace("- {", "- §{"), "needs 'formal'"),
        (obligation("type: bound").replace("- {", "- §{"), "needs 'between'"),
        (obligation("type: roundtrip").replace("- {", "- §{"), "the way back"),
        (obligation("type: symmetry").replace("- {", "- §{"), "needs 'under'"),
        (obligation("type: independence").replace("- {", "- §{"), "needs 'along'"),
        (obligation("type: equivalence").replace("- {", "- §{"), "say what y is held against"),
        (obligation("type: frame, tolerance: §u"), "takes no 'tolerance'"),
        (obligation("type: invariant, formal: y >= 0, to: §x"), "takes no 'to'"),
        (obligation("type: independence, along: §m"), "along names a size: n"),
        (obligation("type: monotonicity, in: §z"), "no input 'z'"),
        (obligation("type: equivalence, oracle: §no name"), "oracle names a subject"),
        (obligation("type: invariant, formal: y >= alpha, alpha: §2.0"), "a probability"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


def test_equations_in_a_list_have_no_names_to_be_called_by(rule: Tried) -> None:
    rule.finds("equations:\n  - §{id: f, formula: y, domain: {x: {dtype: f32, range: [0, 1]}}}", "as a mapping")
    rule.finds("equations:\n  - §{id: f, formally: y, domain: {x: {dtype: f32, range: [0, 1]}}}", "as a mapping")


def test_what_the_schema_says_is_said_once(rule: Tried) -> None:
    text = obligation("type: symmetry, under: permutaton, axis: first, in: {a: b}")
    assert [one.code for one in rule.read(text).findings if one.code in {"PV103", "PV243"}] == ["PV103"] * 3
