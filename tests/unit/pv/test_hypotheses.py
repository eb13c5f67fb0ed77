from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pv.fold import Folded, Outcome
from pv.hypotheses import State, bits, seconds_of, tree
from pv.ledger import Ledger
from pv.report.console import Paint
from pv.report.hypotheses import NONE, as_data, as_markdown, as_text
from pv.rules import check
from pv.status import ContractStatus, Report
from pv.types import Severity
from pv.words import Effective

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.hypotheses import Tree
    from pv.parse import Contract
    from pv.types import Diagnostic

CLAIM = "  - {id: %s, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], hypothesis: %s}"
#  W ── B ── K      every leaf with a claim of its own name; W and R have none and two
#  │  └ L
#  R
BLOCK = """\
hypotheses:
  W: {statement: weights}
  B: {statement: biases, parent: W}
  K: {statement: keys, parent: B}
  L: {statement: layer 3, parent: W}
  R: {statement: rotation}
falsification_tests:
""" + "\n".join(CLAIM % pair for pair in (("FB", "B"), ("FK", "K"), ("FL", "L"), ("FR1", "R"), ("FR2", "R")))
UNRUN: dict[str, Any] = {"outcome": Outcome.INCONCLUSIVE, "as_expected": False, "reason": "not run"}
GOOD: dict[str, Any] = {"outcome": Outcome.DISCHARGED, "as_expected": True}
BAD: dict[str, Any] = {"outcome": Outcome.REFUTED, "as_expected": False}


def known(contract: Contract, seconds: dict[str, float] | None = None, **outcomes: dict[str, Any]) -> Tree:
    """The tree where these claims came out so and the others were not run."""
    folded = [Folded(claim=claim, **{**UNRUN, **outcomes.get(claim.id, {})}) for claim in contract.claims]
    made = tree(contract, folded, seconds or {})
    assert made is not None
    return made


def faults(contract: Contract) -> list[Diagnostic]:
    """What the rules say of it, wishes left out."""
    return [one for one in check(contract) if one.severity is not Severity.NOTE]


def states(made: Tree) -> dict[str, str]:
    return {node.hypothesis.name: str(node.state) for node in made.nodes}


@pytest.fixture
def contract(contract_of: Callable[..., Contract]) -> Contract:
    made = contract_of(BLOCK)
    assert faults(made) == []
    return made


def test_a_contract_without_hypotheses_has_no_tree(contract_of: Callable[..., Contract]) -> None:
    assert tree(contract_of(), [], {}) is None


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({}, "W open, B open, K open, L open, R open"),
        ({"FB": BAD}, "W open, B refuted, K moot, L open, R open"),
        ({"FB": {**BAD, "as_expected": True}}, "W open, B refuted, K moot, L open, R open"),
        ({"FB": BAD, "FK": BAD}, "W open, B refuted, K refuted, L open, R open"),
        ({"FB": BAD, "FK": GOOD}, "W open, B refuted, K moot, L open, R open"),
        ({"FK": BAD}, "W open, B open, K refuted, L open, R open"),
        ({"FR1": GOOD}, "W open, B open, K open, L open, R open"),
        ({"FR1": GOOD, "FR2": GOOD}, "W open, B open, K open, L open, R survives"),
        ({"FR1": GOOD, "FR2": BAD}, "W open, B open, K open, L open, R refuted"),
        ({"FR1": {**GOOD, "as_expected": False}, "FR2": GOOD}, "W open, B open, K open, L open, R survives"),
        ({"FL": {"outcome": Outcome.ERROR}}, "W open, B open, K open, L open, R open"),
    ],
)
def test_what_is_known_of_a_hypothesis(contract: Contract, outcomes: dict[str, Any], expected: str) -> None:
    assert ", ".join(f"{name} {state}" for name, state in states(known(contract, **outcomes)).items()) == expected


def test_the_reasons_name_claims_and_what_is_above(contract: Contract) -> None:
    made = known(contract, FB=BAD, FK=GOOD, FR1={**GOOD, "as_expected": False}, FR2=GOOD, FL=BAD)
    why = {node.hypothesis.name: node.why for node in made.nodes}
    assert why == {
        "W": "no claim tests it; 2 of the 2 below it refuted",
        "B": "FB",
        "K": "B is refuted; by itself survives: FK discharged",
        "L": "FL",
        "R": "FR1 was expected to be refuted, and was not, FR2 discharged",
    }


def test_bits_are_those_of_a_coin_and_of_nothing() -> None:
    assert bits(1, 1) == 1.0  # the hypothesis, or none
    assert bits(0, 3) == 0.0
    assert bits(1, 3) == pytest.approx(0.25 * 2 + 0.75 * math.log2(4 / 3))


@given(st.integers(1, 200), st.data())
def test_what_splits_evenly_tells_most(live: int, data: st.DataObject) -> None:
    parts = data.draw(st.integers(1, live))
    assert 0 < bits(parts, live) <= bits((live + 1) // 2, live) <= 1.0


def test_the_claim_that_parts_most_comes_first_and_equal_ones_by_their_id(contract: Contract) -> None:
    made = known(contract)
    assert [(one.claim.id, one.parts, one.live) for one in made.next] == [
        ("FB", 2, 5),
        ("FK", 1, 5),
        ("FL", 1, 5),
        ("FR1", 1, 5),
        ("FR2", 1, 5),
    ]
    assert made.next[0].bits == bits(2, 5)


def test_bits_are_weighed_by_seconds_and_unknown_times_are_the_median(contract: Contract) -> None:
    made = known(contract, {"FB": 100.0, "FK": 1.0, "FL": 10.0})
    assert [one.claim.id for one in made.next] == ["FK", "FL", "FR1", "FR2", "FB"]
    assert [one.seconds for one in made.next] == [1.0, 10.0, None, None, 100.0]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({"FB": BAD}, {"FL", "FR1", "FR2"}),
        ({"FR2": GOOD}, {"FB", "FK", "FL", "FR1"}),
        ({"FR1": BAD}, {"FB", "FK", "FL"}),
        ({"FL": {"reason": "stale"}}, {"FB", "FK", "FL", "FR1", "FR2"}),
        ({"FL": {"reason": "unbound"}}, {"FB", "FK", "FR1", "FR2"}),
        ({"FL": {"reason": "vacuous"}}, {"FB", "FK", "FR1", "FR2"}),
        ({"FL": {"pending": ("package torch",)}}, {"FB", "FK", "FR1", "FR2"}),
        ({"FL": {"outcome": Outcome.ERROR}}, {"FB", "FK", "FR1", "FR2"}),
    ],
)
def test_only_what_a_run_can_settle_is_offered(
    contract: Contract, outcomes: dict[str, Any], expected: set[str]
) -> None:
    assert {one.claim.id for one in known(contract, **outcomes).next} == expected


def test_what_is_refuted_or_moot_counts_no_longer(contract: Contract) -> None:
    below = known(contract, FK=BAD).next
    assert next((one.parts, one.live) for one in below if one.claim.id == "FB") == (1, 4)
    made = known(contract, FB=BAD)
    assert {(one.claim.id, one.parts, one.live) for one in made.next} == {("FL", 1, 3), ("FR1", 1, 3), ("FR2", 1, 3)}


CHAIN = "hypotheses:\n  A: {statement: a%s}\n  B: {statement: b, parent: A}\n  C: {statement: c, parent: B}\n"
CHAIN += "falsification_tests:\n" + "\n".join(CLAIM % pair for pair in (("FA", "A"), ("FB", "B"), ("FC", "C")))


def test_what_is_far_below_is_moot_as_well(contract_of: Callable[..., Contract]) -> None:
    made = known(contract_of(CHAIN % ""), FA=BAD)
    assert states(made) == {"A": "refuted", "B": "moot", "C": "moot"}
    lines = as_text(report_of(made), Paint(on=False)).splitlines()
    assert [line.partition(":")[0] for line in lines[1:4]] == ["└── A", "    └── B", "        └── C"]


def test_a_circle_is_taken_apart_and_no_hypothesis_is_lost(contract_of: Callable[..., Contract]) -> None:
    made = known(contract_of(CHAIN % ", parent: C"), FA=BAD)
    assert sorted(states(made)) == ["A", "B", "C"]
    assert len(made.roots) == 3


def test_times_are_the_newest_of_every_case_that_came_to_a_verdict(contract: Contract) -> None:
    def row(claim: str, mutant: str, seconds: float, verdict: str = "discharged") -> dict[str, Any]:
        key = {"kind": "case", "contract": "base-v1", "claim": claim, "params": "{}", "mutant": mutant, "run": "r"}
        falsifier = {"path": "f.py", "sha256": "0" * 64}
        good = {
            "level": "measured",
            "compared": {"x": 1},
            "inputs": [],
            "fingerprint": "0" * 64,
            "falsifier": falsifier,
        }
        return {**key, **good, "verdict": "killed" if mutant else verdict, "duration_s": seconds}

    rows = [row("FB", "", 9.0), row("FB", "", 1.5), row("FB", "", 0.1, "inconclusive"), row("FB", "m", 2.0)]
    ledger = Ledger.of([*rows, row("FK", "", 1.0)])
    assert seconds_of(ledger, contract.claims) == {"FB": 3.5}


def report_of(*made: Tree) -> Report:
    one = [ContractStatus(each.contract, (), Effective.PROPOSED, hypotheses=each) for each in made]
    return Report(tuple(one), Path("ledger"), ledger_exists=True)


def test_the_tree_is_drawn_with_what_the_encoding_has(contract: Contract) -> None:
    report = report_of(known(contract, FB=BAD))
    lines = as_text(report, Paint(on=False), "utf-8").splitlines()
    assert lines[0] == "base-v1 (base-v1.yaml): 5 hypotheses: 1 refuted, 3 open, 1 moot"
    assert [line.partition(":")[0] for line in lines[1:6]] == [
        "├── W",
        "│   ├── B",
        "│   │   └── K",
        "│   └── L",
        "└── R",
    ]
    assert lines[6].startswith(
        "next: FL (L): 0.81 bits, never timed; refuted, it removes 1 of 3 live hypotheses: pytest "
    )
    plain = as_text(report, Paint(on=False), "ascii")
    assert plain.isascii()
    assert plain.splitlines()[3].startswith("|   |   `-- K: moot: keys (B is refuted")


def test_bits_and_seconds_are_told(contract: Contract) -> None:
    text = as_text(report_of(known(contract, {"FB": 2.0})), Paint(on=False))
    assert (
        f"next: FB (B): {bits(2, 5):.2f} bits in 2 s, {bits(2, 5) / 2:.3g} bits/s; refuted, it removes 2 of 5" in text
    )
    done = dict.fromkeys(("FB", "FL", "FR1"), BAD)
    text = as_text(report_of(known(contract, **done)), Paint(on=False))
    assert text.splitlines()[-2:] == [
        "next: nothing to run: each claim of a live hypothesis has a verdict, or waits for more than a run",
        "no claim tests W: write one",
    ]


def test_nothing_drives_the_terminal_or_breaks_out_of_markdown(contract: Contract) -> None:
    made = known(contract)
    evil = made.roots[0].hypothesis._replace(statement="a\x1b[2J <b> |")
    report = report_of(replace(made, roots=(replace(made.roots[0], hypothesis=evil),)))
    assert "\x1b" not in as_text(report, Paint(on=False))
    markdown = as_markdown(report)
    assert "<b>" not in markdown
    assert markdown.splitlines()[3].startswith("  * B: **open**: biases")


def test_a_report_without_hypotheses_says_how_to_name_them() -> None:
    empty = Report((), Path("ledger"), ledger_exists=True)
    assert as_text(empty, Paint(on=False)) == as_markdown(empty) == NONE
    assert as_data(None) is None


def test_data_is_what_the_published_schema_says(contract: Contract) -> None:
    from importlib import resources

    from jsonschema import Draft7Validator

    schema = json.loads(resources.files("pv").joinpath("schema/status.schema.json").read_text("utf-8"))
    part = {"$ref": "#/definitions/hypotheses", "definitions": schema["definitions"]}
    data = json.loads(json.dumps(as_data(known(contract, {"FL": 1.0}, FB=BAD))))
    assert list(Draft7Validator(part).iter_errors(data)) == []
    assert data["tree"][0]["below"][0]["below"][0]["state"] == State.MOOT
    assert data["next"][0] == {
        "claim": "FL",
        "hypothesis": "L",
        "bits": bits(1, 3),
        "seconds": 1.0,
        "removes": 1,
        "live": 3,
    }


TESTS = "falsification_tests:\n" + CLAIM % ("FA", "H1")


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("hypotheses: {H2: {statement: s}}\n" + TESTS.replace("H1", "§H3"), "the block 'hypotheses' has H2"),
        (TESTS.replace("H1", "§' '"), "has no name"),
        (TESTS.replace("hypothesis: H1", "parent: §H1"), "names a parent and no hypothesis"),
        (TESTS.replace("H1}", "H1, parent: §H9}"), "the parent 'H9' of 'H1' is no hypothesis here"),
        ("hypotheses:\n  H1: {statement: s, parent: §H1}\n" + TESTS, "circle: H1 is a case of H1"),
        (
            "hypotheses:\n  H1: {statement: s, parent: §H2}\n  H2: {statement: s, parent: H1}\n" + TESTS,
            "circle: H1 is a case of H2 is a case of H1",
        ),
        (
            "hypotheses:\n  H1: {statement: s, parent: H2}\n  H2: {statement: s}\n  H3: {statement: s}\n"
            + TESTS.replace("H1}", "H1, parent: §H3}"),
            "two parents, 'H2' and 'H3'",
        ),
    ],
)
def test_hypotheses_that_make_no_tree_are_found_where_they_stand(
    contract_of: Callable[..., Contract], fragment: str, words: str
) -> None:
    plain = fragment.replace("§", "")
    made = contract_of(plain)
    source = made.document.source
    expected = source.locate(source.text.index(plain) + fragment.index("§"))
    (found,) = faults(made)
    assert (found.code, found.span.line, found.span.col) == ("PV316", expected.line, expected.col)
    assert words in f"{found.message} {found.help}"


def test_a_chain_that_nobody_could_read_is_found_once(contract_of: Callable[..., Contract]) -> None:
    entries = ["  H0: {statement: s}", *(f"  H{n}: {{statement: s, parent: H{n - 1}}}" for n in range(1, 3000))]
    made = contract_of("hypotheses:\n" + "\n".join(entries) + "\n" + TESTS)
    (found,) = faults(made)
    assert "'H64' is nested 64 levels deep" in found.message


def test_claims_alone_make_a_tree(contract_of: Callable[..., Contract]) -> None:
    made = contract_of(
        "falsification_tests:\n"
        + (CLAIM % ("FA", "H1"))
        + "\n"
        + (CLAIM % ("FB", "H2")).replace("H2}", "H2, parent: H1}")
    )
    assert faults(made) == []
    assert [(one.name, one.parent) for one in made.hypotheses.values()] == [("H1", ""), ("H2", "H1")]


def test_another_shape_is_no_tree_and_is_said(contract_of: Callable[..., Contract]) -> None:
    made = contract_of(
        "hypotheses: [1]\nfalsification_tests:\n  - {id: A, prediction: p, if_fails: q, hypothesis: [1]}"
    )
    assert made.hypotheses == {}
    assert {"PV103"} <= {one.code for one in check(made)}
