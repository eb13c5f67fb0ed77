from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pv.parse import fingerprint
from pv.words import Expect, Level

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.parse import Contract

FULL = """\
status: ACTIVE_RUNTIME
equations:
  f: {formula: "f(x) = x"}
  g: {formula: "g(x) = 2x"}
proof_obligations:
  - {type: bound, property: close to f, applies_to: f, tolerance: 1e-3}
  - {type: bound, property: close to g, applies_to: g, tolerance: 1e-4}
falsification_tests:
  - id: FALSIFY-B-001
    rule: r
    prediction: p
    if_fails: q
    test: t
    binds_to: f
    expect: refuted
    level: measured
    tolerance: 1e-6
    domain: "x in R"
    params: {tokens: [16, 128], kind: [a, b]}
    mutants:
      - {id: theta, stage: q_rope, layer: 3, note: n}
      - {id: eps, stage: norm}
  - {id: FALSIFY-B-002, prediction: p2, if_fails: q2}
"""


def test_a_claim_says_what_the_file_says(contract_of: Callable[..., Contract]) -> None:
    contract = contract_of(FULL, "x-v1")
    claim, other = contract.claims
    assert (contract.name, contract.status, claim.contract) == ("x-v1", "ACTIVE_RUNTIME", "x-v1")
    assert (claim.id, claim.rule, claim.prediction, claim.if_fails, claim.test) == ("FALSIFY-B-001", "r", "p", "q", "t")
    assert (claim.equation, claim.expect, claim.level) == ("f", Expect.REFUTED, Level.MEASURED)
    assert (claim.tolerance, claim.domain) == (1e-6, "x in R")
    assert [(one.id, one.stage, one.layer, one.note) for one in claim.mutants] == [
        ("theta", "q_rope", 3, "n"),
        ("eps", "norm", None, ""),
    ]
    assert (other.expect, other.level, other.params, other.mutants) == (Expect.DISCHARGED, Level.ALGORITHM, {}, ())
    assert (claim.span.line, claim.span.col) == (10, 9)


def test_cases_are_all_parameters_then_each_mutant_at_the_first(contract_of: Callable[..., Contract]) -> None:
    first, second = contract_of(FULL).claims
    assert [case.label for case in first.cases()] == [
        "16-a",
        "16-b",
        "128-a",
        "128-b",
        "16-a-mutant-theta",
        "16-a-mutant-eps",
    ]
    assert first.cases()[-1].params == {"tokens": 16, "kind": "a"}
    assert first.cases()[-1].key == '{"kind":"a","tokens":16}'
    assert [case.label for case in second.cases()] == [""]


def test_equations_may_be_a_list(contract_of: Callable[..., Contract]) -> None:
    contract = contract_of("equations:\n  - {id: f, formula: a}\n  - {formula: b}\n")
    assert {name: one.formula for name, one in contract.equations.items()} == {"f": "a", "equation_1": "b"}


def test_status_may_stand_under_metadata(contract_of: Callable[..., Contract]) -> None:
    assert contract_of('metadata: {version: "1", description: d, status: DRAFT}').status == "DRAFT"
    assert contract_of().status is None


CHANGES = [
    ("prediction: p\n", "prediction: other\n"),
    ("tolerance: 1e-6", "tolerance: 1e-5"),
    ("layer: 3", "layer: 4"),
    ("{id: eps, stage: norm}", "{id: eps, stage: residual}"),
    ("[16, 128]", "[16]"),
    ("expect: refuted", "expect: discharged"),
    ("level: measured", "level: authored"),
    ('f: {formula: "f(x) = x"}', 'f: {formula: "f(x) = -x"}'),
    ("binds_to: f", "binds_to: g"),
    ("applies_to: f, tolerance: 1e-3", "applies_to: f, tolerance: 1e-2"),
    ("applies_to: f, tolerance: 1e-3", "applies_to: scalar, tolerance: 1e-3"),
]
SAME = [
    ("    rule: r\n    prediction: p\n", "    prediction: p   # a remark\n\n    rule: 'r'\n"),
    ("tolerance: 1e-6", "tolerance: 0.000001"),
    ("prediction: p2", "prediction: other"),
    ('g: {formula: "g(x) = 2x"}', 'g: {formula: "g(x) = 3x"}'),
    ("status: ACTIVE_RUNTIME\n", "status: PROPOSED\n"),
    ("applies_to: g, tolerance: 1e-4", "applies_to: g, tolerance: 1e-2"),
    ("property: close to f", "property: near f"),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_the_fingerprint_follows_what_the_claim_says(contract_of: Callable[..., Contract], old: str, new: str) -> None:
    assert old in FULL
    assert contract_of(FULL.replace(old, new)).claims[0].fingerprint != contract_of(FULL).claims[0].fingerprint


@pytest.mark.parametrize(("old", "new"), SAME)
def test_the_fingerprint_ignores_the_rest(contract_of: Callable[..., Contract], old: str, new: str) -> None:
    assert old in FULL
    assert contract_of(FULL.replace(old, new)).claims[0].fingerprint == contract_of(FULL).claims[0].fingerprint


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
claims = st.dictionaries(st.text(max_size=5), values, max_size=5)


def backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in reversed(list(value))}
    return [backwards(one) for one in value] if isinstance(value, list) else value


@given(claims, values)
def test_the_order_of_keys_does_not_matter(claim: dict[str, Any], equation: Any) -> None:
    assert fingerprint(claim, equation) == fingerprint(backwards(claim), backwards(equation))


@given(claims, claims)
def test_different_claims_have_different_fingerprints(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (fingerprint(one, None) == fingerprint(other, None)) is same


@given(claims, st.text(max_size=3), st.text(max_size=3))
def test_adding_a_word_changes_the_fingerprint(claim: dict[str, Any], key: str, value: str) -> None:
    changed = copy.deepcopy(claim)
    changed[key + "_new"] = value
    if key + "_new" not in claim:
        assert fingerprint(changed, None) != fingerprint(claim, None)


@pytest.mark.parametrize(
    "fragment",
    [
        "equations: 3",
        "equations: [1, null]",
        "falsification_tests: {a: b}",
        "falsification_tests: [1, {id: [x], params: 3, mutants: {a: 1}, binds_to: [f], expect: [], level: {}}]",
        "metadata: text",
        "status: [a]",
        "status_history: 7",
    ],
)
def test_wrong_shapes_never_break_the_parser(contract_of: Callable[..., Contract], fragment: str) -> None:
    contract = contract_of(fragment)
    assert all(isinstance(claim.id, str) for claim in contract.claims)


def fingerprint_of(contract: Contract) -> str:
    return contract.claims[0].fingerprint


def test_what_a_claim_waits_for_is_not_what_it_says(contract_of: Callable[..., Contract]) -> None:
    claim = "falsification_tests:\n  - {id: F-1, prediction: p%s}\n"
    plain = contract_of(claim % "")
    waiting = contract_of(claim % ", pending: [{package: torch, note: n}, {model: smollm2}]")
    assert fingerprint_of(plain) == fingerprint_of(waiting)
    assert waiting.claims[0].pending == ({"package": "torch", "note": "n"}, {"model": "smollm2"})
    assert plain.claims[0].pending == ()
    assert fingerprint_of(plain) != fingerprint_of(contract_of(claim % ", note: n"))


def test_how_long_evidence_counts_is_said_by_the_claim_or_else_by_its_contract(
    contract_of: Callable[..., Contract],
) -> None:
    claims = "falsification_tests:\n  - {id: F-1, prediction: p, valid_for: 2w}\n  - {id: F-2, prediction: p}\n"
    assert [claim.valid_for for claim in contract_of(claims).claims] == ["2w", None]
    assert [claim.valid_for for claim in contract_of("valid_for: 30d\n" + claims).claims] == ["2w", "30d"]


def test_a_contract_that_lets_evidence_count_for_longer_revives_none(contract_of: Callable[..., Contract]) -> None:
    claims = "falsification_tests:\n  - {id: F-1, prediction: p%s}\n"
    month, year = (contract_of(f"valid_for: {span}\n" + claims % "") for span in ("30d", "52w"))
    assert len({fingerprint_of(one) for one in (month, year, contract_of(claims % ""))}) == 3
    assert fingerprint_of(month) == fingerprint_of(contract_of(claims % ", valid_for: 30d"))
    other = contract_of("valid_for: 52w\n" + claims % ", valid_for: 30d")
    assert fingerprint_of(month) == fingerprint_of(other)
