"""Older names of a claim's fields, and older blocks of claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.parse import Contract

PRESENT = {"rule": "r", "prediction": "p", "test": "t", "if_fails": "f"}
OLDER = {"description": "r", "expected": "p", "command": "t", "fails_if": "f"}


def claims(fields: dict[str, str]) -> str:
    told = ", ".join(f"{key}: {value}" for key, value in fields.items())
    return f"falsification_tests: [{{id: F-1, {told}}}]"


def test_older_names_say_the_same(contract_of: Callable[[str], Contract]) -> None:
    one, other = (contract_of(claims(fields)).claims[0] for fields in (PRESENT, OLDER))
    assert (one.rule, one.prediction, one.test, one.if_fails) == ("r", "p", "t", "f")
    assert (other.rule, other.prediction, other.test, other.if_fails) == ("r", "p", "t", "f")
    assert one.fingerprint == other.fingerprint
    assert one.said == other.said
    assert [other.key(field) for field in PRESENT] == list(OLDER)
    assert [one.key(field) for field in PRESENT] == list(PRESENT)


@pytest.mark.parametrize("field", PRESENT)
def test_where_both_names_stand_the_present_one_counts(contract_of: Callable[[str], Contract], field: str) -> None:
    older = list(OLDER)[list(PRESENT).index(field)]
    claim = contract_of(claims({**PRESENT, older: "other"})).claims[0]
    assert getattr(claim, field) == PRESENT[field]
    assert claim.key(field) == field
    assert claim.fingerprint != contract_of(claims(PRESENT)).claims[0].fingerprint  # the other one is still said


def test_a_rule_spelt_anew_is_no_other_rule(contract_of: Callable[[str], Contract]) -> None:
    plain = contract_of(claims(PRESENT)).claims[0]
    assert plain.fingerprint != contract_of(claims({**PRESENT, "rule": "s"})).claims[0].fingerprint


BLOCKS = """\
invariants:
  - {id: F-1, name: a, summary: one}
  - {id: F-2, name: b, summary: two}
  - no claim, since it has no id
falsification_conditions:
  - {id: F-2, name: b, assertion: two in full, test_harness: tests/b.rs}
  - {id: F-3, assertion: three}
falsification_tests:
  - {id: F-3, prediction: three in full, if_fails: q}
"""


def test_a_claim_that_several_blocks_tell_of_is_told_by_the_most_explicit(
    contract_of: Callable[[str], Contract],
) -> None:
    contract = contract_of(BLOCKS)
    assert [(claim.id, claim.at, claim.prediction) for claim in contract.claims] == [
        ("F-3", ("falsification_tests", 0), "three in full"),
        ("F-2", ("falsification_conditions", 0), "two in full"),
        ("F-1", ("invariants", 0), "one"),
    ]
    two = contract.claims[1]
    assert (two.rule, two.test) == ("b", "tests/b.rs")
    assert (two.key("rule"), two.key("prediction"), two.key("test")) == ("name", "assertion", "test_harness")
    assert contract.document.source.line(two.span.line).strip().startswith("- {id: F-2, name: b, assertion")


def test_an_id_that_stands_twice_in_one_block_is_two_claims(contract_of: Callable[[str], Contract]) -> None:
    contract = contract_of("falsification_conditions: [{id: F-9, assertion: a}, {id: F-9, assertion: b}]")
    assert [claim.id for claim in contract.claims].count("F-9") == 2
