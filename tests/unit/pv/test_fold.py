"""What the rows of one claim come to together, and the words in which it is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pv.fold import CaseEvidence, Folded, Outcome, fold
from pv.load import Document, load
from pv.parse import Claim, parse
from pv.source import Source
from pv.words import Level

INVERTED = ", expect: refuted"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def claim_of(more: str = "") -> Claim:
    """A claim of two cases, whose first one has two mutants."""
    mutants = "[{id: m, stage: s}, {id: k, stage: t}]"
    text = f"metadata: {{}}\nfalsification_tests:\n- {{id: F-1, params: {{n: [1, 2]}}, mutants: {mutants}{more}}}\n"
    document = load(Source("c.yaml", text))
    assert isinstance(document, Document)
    return parse(document, "c").claims[0]


def folded(*rows: dict[str, Any] | None, more: str = "", stale: tuple[str, ...] = ("", "", "", "")) -> Folded:
    """The fold of a row for each case: both plain ones, then both mutants; those left out are good."""
    claim = claim_of(more)
    good = "refuted" if more == INVERTED else "discharged"
    rest = [{"verdict": good}, {"verdict": good}, {"verdict": "killed"}, {"verdict": "killed"}][len(rows) :]
    seen = [CaseEvidence(*one) for one in zip(claim.cases(), [*rows, *rest], stale, strict=True)]
    return fold(claim, seen)


GOOD = {"verdict": "discharged"}
KILLED = {"verdict": "killed"}


def said(one: Folded) -> tuple[str, bool, str, str]:
    return (str(one.outcome), one.as_expected, one.reason, one.detail)


def off(verdict: str, message: str = "why", **more: Any) -> dict[str, Any]:
    return {"verdict": verdict, "message": message, **more}


@pytest.mark.parametrize(
    ("rows", "outcome", "reason", "detail"),
    [
        ((), "discharged", "", ""),
        ((GOOD, off("refuted")), "refuted", "", "[2] why"),
        ((GOOD, {"verdict": "refuted"}), "refuted", "", "[2] "),
        ((off("refuted"), off("error", "broke")), "error", "", "[2] broke"),
        ((GOOD, GOOD, KILLED, off("error")), "error", "", "[1-mutant-k] why"),
        ((GOOD, GOOD, KILLED, {"verdict": "error"}), "error", "", "[1-mutant-k] "),
        ((off("refuted"), GOOD, off("error")), "refuted", "", "[1] why"),
        ((GOOD, GOOD, KILLED, off("survived")), "inconclusive", "mutant survived", "[1-mutant-k] why"),
        ((GOOD, GOOD, {"verdict": "survived"}), "inconclusive", "mutant survived", "[1-mutant-m] "),
        ((GOOD, GOOD, KILLED, off("mislocalised")), "inconclusive", "mutant mislocalised", "[1-mutant-k] why"),
        (
            (GOOD, GOOD, off("survived"), off("survived", "too")),
            "inconclusive",
            "vacuous",
            "it kills none of its mutants: 2 of 2 missed: [1-mutant-m] why",
        ),
        ((GOOD, off("killed")), "inconclusive", "unreadable", "[2] 'killed' is no verdict here"),
        ((off("inconclusive"), off("killed")), "inconclusive", "unreadable", "[2] 'killed' is no verdict here"),
        ((GOOD, GOOD, GOOD), "inconclusive", "unreadable", "[1-mutant-m] 'discharged' is no verdict here"),
        ((off("inconclusive", reason="no model"),), "inconclusive", "no model", "[1] why"),
        (({"verdict": "inconclusive"}, None), "inconclusive", "", "[1] "),
        ((GOOD, GOOD, off("inconclusive", reason="no oracle")), "inconclusive", "no oracle", "[1-mutant-m] why"),
        ((GOOD, None), "inconclusive", "not run", "2"),
        ((None, None, None), "inconclusive", "not run", "1, 2, 1-mutant-m"),
    ],
)
def test_the_worst_of_the_cases_counts_and_is_named(
    rows: tuple[dict[str, Any] | None, ...], outcome: str, reason: str, detail: str
) -> None:
    assert said(folded(*rows)) == (outcome, outcome == "discharged", reason, detail)


def test_what_is_stale_is_told_before_what_was_never_run() -> None:
    one = folded(None, None, stale=("", "d.bin has changed since", "", ""))
    assert said(one) == ("inconclusive", False, "stale", "[2] d.bin has changed since")
    assert one.stale
    assert not folded(None, None).stale
    assert said(folded(GOOD, None, stale=("older", "", "", ""))) == ("inconclusive", False, "not run", "2")


@pytest.mark.parametrize(
    ("rows", "said_of_it"),
    [
        ((), ("refuted", True, "", "as expected")),
        ((GOOD, GOOD), ("discharged", False, "", "expected to be refuted, and was not")),
        ((off("refuted"), GOOD), ("discharged", False, "", "expected to be refuted, and was not")),
        ((off("refuted"), off("error")), ("error", False, "", "[2] why")),
        (
            (off("refuted"), off("refuted"), off("survived"), off("survived")),
            ("inconclusive", False, "vacuous", "it kills none of its mutants: 2 of 2 missed: [1-mutant-m] why"),
        ),
    ],
)
def test_a_claim_that_is_to_be_refuted_says_whether_it_was(
    rows: tuple[dict[str, Any], ...], said_of_it: tuple[str, bool, str, str]
) -> None:
    assert said(folded(*rows, more=INVERTED)) == said_of_it


def test_a_claim_without_mutants_is_vacuous_whatever_was_expected() -> None:
    for more, row in (("", GOOD), (INVERTED, off("refuted"))):
        document = load(Source("c.yaml", f"metadata: {{}}\nfalsification_tests:\n- {{id: F-1{more}}}\n"))
        assert isinstance(document, Document)
        claim = parse(document, "c").claims[0]
        (case,) = claim.cases()
        why = "it names no mutant: nothing shows that its falsifier can fail"
        assert said(fold(claim, [CaseEvidence(case, row)])) == ("inconclusive", False, "vacuous", why)
        assert fold(claim, []).reason == "not run"
        assert said(fold(claim, [CaseEvidence(case, off("error"))])) == ("error", False, "", "why")


def test_the_level_is_the_least_of_the_plain_cases() -> None:
    assert folded({**GOOD, "level": "independent"}, {**GOOD, "level": "authored"}).level is Level.AUTHORED
    assert folded({**GOOD, "level": "measured"}, {**GOOD, "level": "independent"}).level is Level.MEASURED
    assert folded({**GOOD, "level": "measured"}, None).level is Level.MEASURED
    assert folded({**GOOD, "level": "measured"}, {**GOOD, "level": "great"}).level is Level.ALGORITHM
    assert folded({**GOOD, "level": "measured"}, GOOD).level is Level.ALGORITHM
    assert folded(None, None).level is Level.ALGORITHM
    measured = {**GOOD, "level": "measured"}
    assert folded(measured, measured, {**KILLED, "level": "authored"}).level is Level.MEASURED


def test_the_worst_is_the_largest_distance_and_one_that_is_no_number_is_larger() -> None:
    def worst(*distances: object) -> object:
        found = folded(*({**GOOD, "worst": {"distance": one}} for one in distances)).worst
        return None if found is None else found["distance"]

    assert (worst(0.5, 2), worst(2, 0.5), worst(2, "nan"), worst("inf", 3.0)) == (2, 2, "nan", "inf")
    assert folded({**GOOD, "worst": "far"}, GOOD).worst is None
    assert folded({**GOOD, "worst": {"of": 1}}, {**GOOD, "worst": {"distance": 9}}).worst == {"of": 1}
    assert folded(GOOD, GOOD, {**KILLED, "worst": {"distance": 9}}).worst is None


def test_what_was_told_is_kept_by_case_with_what_was_skipped() -> None:
    skipped = [{"n": 3, "what": "rows", "why": "no model"}]
    one = folded({**GOOD, "reported": {"passes": 2}, "skipped": skipped}, {**GOOD, "reported": 7})
    assert one.reported == (("1", {"passes": 2, "skipped": "3 rows (no model)"}),)
    assert folded({**GOOD, "skipped": skipped}).reported == (("1", {"skipped": "3 rows (no model)"}),)
    assert folded(GOOD, {**GOOD, "reported": {"a": 1}}).reported == (("2", {"a": 1}),)
    assert folded(GOOD, GOOD, {**KILLED, "reported": {"a": 1}}).reported == ()


def test_cells_say_why_the_claim_was_not_run() -> None:
    why = folded(off("inconclusive", "pull it", reason="no model"), GOOD, None, None)
    assert [one.message for one in why.cells] == ["no model: pull it"] * 2
    assert [one.message for one in folded(GOOD, off("error", "broke"), None).cells] == ["broke", ""]
    assert [one.message for one in folded(GOOD, {"verdict": "inconclusive", "reason": "x"}, None).cells] == ["x", ""]
    assert [one.message for one in folded(off("refuted"), GOOD, None).cells] == ["", ""]
    assert [one.message for one in folded({"verdict": "error"}, GOOD, None, stale=("", "", "old", "")).cells] == [
        "old",
        "",
    ]
    assert [str(one.fate) for one in folded(GOOD, GOOD, KILLED, None).cells] == ["killed", "not run"]


def test_evidence_and_the_first_time_at_which_some_of_it_expires_are_kept() -> None:
    claim = claim_of()
    times = (None, NOW + timedelta(days=2), NOW, None)
    seen = [CaseEvidence(case, GOOD, expires=time) for case, time in zip(claim.cases(), times, strict=True)]
    assert fold(claim, seen).expires == NOW
    assert fold(claim, seen).evidence == tuple(seen)
    assert fold(claim, seen[:1]).expires is None
    assert fold(claim, seen).claim is claim


def test_a_mutant_that_is_missed_contradicts_whatever_is_expected() -> None:
    assert folded(GOOD, GOOD, KILLED, off("survived")).contradicts
    assert folded(GOOD, GOOD, KILLED, off("survived")).survived
    assert folded(GOOD, off("refuted")).contradicts
    assert folded(off("error")).contradicts
    assert not folded(off("inconclusive")).contradicts
    assert not folded().contradicts
    assert folded().outcome is Outcome.DISCHARGED
    assert folded(GOOD, GOOD, off("survived"), off("survived")).vacuous.startswith("it kills none")
    assert folded().vacuous == ""
