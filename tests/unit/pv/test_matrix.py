"""The kill matrix: what a row says of a mutant, what a claim's mutants prove, and how both are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pv.fold import CaseEvidence, Outcome, fold
from pv.load import Document, load
from pv.matrix import Fate, cell, proves_nothing
from pv.parse import Case, Claim, parse
from pv.report.console import Paint, width
from pv.report.matrix_data import as_details, as_rows
from pv.report.matrix_text import as_lines, headline, told
from pv.source import Source

if TYPE_CHECKING:
    from pv.fold import Folded

MUTANTS = "[{id: m, stage: s, layer: 1}, {id: k, stage: t}]"


def claim_of(mutants: str = MUTANTS, more: str = "", name: str = "F-1") -> Claim:
    text = f"metadata: {{}}\nfalsification_tests:\n- {{id: {name}, mutants: {mutants}{more}}}\n"
    document = load(Source("c.yaml", text))
    assert isinstance(document, Document)
    return parse(document, "c").claims[0]


def folded(claim: Claim, *words: str | None, plain: str = "discharged", **more: Any) -> Folded:
    rows = [None if word is None else {"verdict": word, **more} for word in (plain, *words)]
    return fold(claim, [CaseEvidence(case, row) for case, row in zip(claim.cases(), rows, strict=True)])


INVERTED = ", expect: refuted"


@pytest.mark.parametrize(
    ("more", "row", "refuted", "localised"),
    [
        ("", {"verdict": "killed"}, True, True),
        ("", {"verdict": "mislocalised"}, True, False),
        ("", {"verdict": "survived"}, False, None),
        ("", {"verdict": "survived", "refuted": True}, False, None),
        ("", {"verdict": "inconclusive"}, None, None),
        ("", {"verdict": "error"}, None, None),
        ("", None, None, None),
        (INVERTED, {"verdict": "killed"}, False, None),
        (INVERTED, {"verdict": "survived", "refuted": True}, True, None),
        (INVERTED, {"verdict": "survived", "refuted": False}, False, None),
        (INVERTED, {"verdict": "survived"}, None, None),
    ],
)
def test_what_a_row_says_of_a_mutant(
    more: str, row: dict[str, Any] | None, refuted: bool | None, localised: bool | None
) -> None:
    claim = claim_of(more=more)
    one = cell(claim, claim.cases()[1], row, "")
    assert (one.refuted, one.localised) == (refuted, localised)
    assert one.fate == (row["verdict"] if row else "not run")
    assert one.fresh is (row is not None)


def test_without_fresh_evidence_a_cell_says_why() -> None:
    claim = claim_of()
    case = claim.cases()[1]
    assert (cell(claim, case, None, "changed").fate, cell(claim, case, None, "changed").message) == ("stale", "changed")
    assert cell(claim, case, None, "", "unbound").message == "unbound"
    odd = cell(claim, case, {"verdict": "discharged"}, "")
    assert (odd.fate, odd.reason) == ("inconclusive", "unreadable")
    with pytest.raises(ValueError, match="no case of a mutant"):
        cell(claim, claim.cases()[0], None, "")


fates = st.sampled_from(["killed", "survived", "mislocalised", "inconclusive", "error", None])


@given(fates, fates)
def test_a_falsifier_is_vacuous_if_it_was_tried_and_kills_none(first: str | None, second: str | None) -> None:
    one = folded(claim_of(), first, second)
    words = {first, second}
    assert bool(one.vacuous) is ("killed" not in words and bool(words & {"survived", "mislocalised"}))
    assert (one.reason == "vacuous") is (bool(one.vacuous) and "error" not in words)
    assert not (one.vacuous and one.outcome is Outcome.DISCHARGED)


@pytest.mark.parametrize(
    ("more", "plain", "outcome", "reason", "red"),
    [
        ("", "discharged", Outcome.INCONCLUSIVE, "vacuous", False),
        ("", "refuted", Outcome.REFUTED, "", True),
        ("", "error", Outcome.ERROR, "", True),
        ("", "inconclusive", Outcome.INCONCLUSIVE, "", False),
        (INVERTED, "refuted", Outcome.INCONCLUSIVE, "vacuous", False),
        (INVERTED, "discharged", Outcome.DISCHARGED, "", True),
    ],
)
def test_without_mutants_nothing_good_is_believed_and_nothing_bad_hidden(
    more: str, plain: str, outcome: Outcome, reason: str, *, red: bool
) -> None:
    one = folded(claim_of("[]", more), plain=plain)
    assert (one.outcome, one.reason, one.contradicts) == (outcome, reason, red)
    assert one.vacuous.startswith("it names no mutant")


def test_mutants_that_could_not_be_judged_say_nothing_against_a_falsifier() -> None:
    claim = claim_of()
    assert proves_nothing(claim, folded(claim, None, "inconclusive").cells) == ""


def test_the_matrix_is_wide_only_where_it_fits_and_names_what_is_wrong() -> None:
    claims = [
        folded(claim_of(), "killed", "survived", message="let\nthrough"),
        folded(claim_of("[{id: k, stage: t}]", name="F-22"), "inconclusive", reason="no \x1b[1m oracle"),
    ]
    paint = Paint(on=False)
    narrow = as_lines(claims, paint)
    wide = as_lines(claims, paint, 80)
    assert "  F-1   ✓✗" in wide
    assert "  F-22   ?" in wide
    assert set(narrow) < set(wide)
    assert as_lines(claims, paint, 9) == narrow
    assert "  F-1   ✓✗" in as_lines(claims, paint, 10)
    assert "  c.yaml:3:8: F-1: k: survived: let\\nthrough" in narrow
    assert narrow[-1] == headline(claims)
    assert narrow[-1] == "3 mutants of 2 claims: 1 killed, 1 survived, 1 inconclusive (1 no \\u{1b}[1m oracle)"


def test_one_long_name_does_not_push_the_others_away() -> None:
    long = "m" * 500
    lines = as_lines(
        [folded(claim_of(f"[{{id: {long}, stage: s}}, {{id: k, stage: t}}]"), "killed", "killed")], Paint(on=False)
    )
    (short,) = [line for line in lines if " k " in line]
    assert width(short) < 100


@pytest.mark.parametrize(
    ("reported", "label"),
    [
        ({"model": "b", "passes": 2}, "b-16"),
        ({"passes": 2}, "a-16"),
        ({"model": 3, "count": 8}, "a-16"),  # figures, of whatever, are no parameter
        ("model", "a-16"),
    ],
)
def test_a_mutant_is_labelled_with_what_it_ran_on(reported: Any, label: str) -> None:
    claim = claim_of(more=", params: {model: [a, b], count: [16]}")
    case = next(one for one in claim.cases() if one.mutant is not None)
    one = cell(claim, case, {"verdict": "killed", "reported": reported}, "")
    assert one.params == label
    assert (
        as_rows([fold(claim, [CaseEvidence(case, {"verdict": "killed", "reported": reported})])])[0]["params"] == label
    )
    assert cell(claim, case, None, "").params == "a-16"  # it did not run


@pytest.mark.parametrize(
    ("reported", "words"),
    [
        ({"passes": 2}, "passes 2"),
        ({"passes": 2, "of the oracle": 1.5}, "passes 2, of the oracle 1.5"),
        ({"free_run": {"cosine": 0.5}, "tokens": [1], "text": "x", "flag": True}, ""),
        ("passes", ""),
        (None, ""),
    ],
)
def test_plain_figures_of_a_falsifier_stand_beside_its_mutant(reported: Any, words: str) -> None:
    one, _ = folded(claim_of(), "killed", "killed", reported=reported).cells
    assert told(one) == words
    line = next(
        line
        for line in as_lines([folded(claim_of(), "killed", "killed", reported=reported)], Paint(on=False))
        if " m " in line
    )
    assert line.endswith(f"({words})") is bool(words)


def test_data_and_markdown_have_a_row_for_each_mutant_of_each_contract() -> None:
    claims = [folded(claim_of(more=INVERTED), "killed", "survived", plain="refuted", refuted=True)]
    first, second = as_rows(claims)
    assert first["expected"] == {"refuted": False, "stage": "s", "layer": 1}
    assert (first["refuted"], first["found"], second["refuted"], second["found"]) == (False, None, True, {})
    lines = as_details(claims)
    assert lines[1] == "<details><summary>c: 1/2 mutants killed</summary>"
    assert "| F-1 | m | killed | no refutation (s, layer 1) | not refuted |  |" in lines
    assert as_details([folded(claim_of("[]"))]) == []


def test_every_fate_has_a_sign_of_its_own() -> None:
    claim = claim_of("[{id: a, stage: s}, {id: b, stage: s}, {id: c, stage: s}, {id: d, stage: s}, {id: e, stage: s}]")
    words = ("killed", "survived", "mislocalised", "inconclusive", "error")
    for encoding, signs in (("utf-8", "✓✗≠?!~-"), ("ascii", "+xo?!~-"), ("nonsense", "+xo?!~-")):
        lines = as_lines([folded(claim, *words)] * 2, Paint(on=False), 80, encoding)
        assert "  ".join(f"{sign} {fate}" for sign, fate in zip(signs, Fate, strict=True)) in lines
        assert f"  F-1  {signs[:5]}" in lines


def test_the_parameters_of_a_run_are_part_of_the_name() -> None:
    claim = claim_of(more=", params: {n: [16, 32]}")
    assert [one.params for one in (cell(claim, case, None, "") for case in claim.cases()[2:])] == ["16", "16"]
    assert Case({"n": 16}).label == "16"
