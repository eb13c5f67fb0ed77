"""The newest promotion is held against the evidence that it names."""

from __future__ import annotations

import json
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pv.config import Config
from pv.history import backed
from pv.history.backed import Backing, back, claims_in
from pv.ledger import Ledger, append, read
from pv.load import Document, load
from pv.parse import Contract, parse
from pv.remark import Topic
from pv.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEAD = """\
metadata: {version: 1.0.0, description: d, references: [r]}
equations: {f: {formula: x}}
"""
ONE = "{id: F-1, prediction: p, if_fails: q, level: measured, params: {n: [1, 2]}, mutants: [{id: a, stage: s}, {id: b, stage: s}]}"
TWO = "{id: F-2, prediction: p, if_fails: q, expect: refuted, mutants: [{id: c, stage: s}]}"
DATE = "2026-03-01T12:00:00Z"
COMMIT = "c" * 40


def contract_of(claims: Sequence[str], history: Sequence[dict[str, Any]], status: str = "ACTIVE_RUNTIME") -> Contract:
    text = f"{HEAD}status: {status}\nfalsification_tests:\n" + "".join(f"  - {one}\n" for one in claims)
    text += f"status_history: {json.dumps(list(history))}\n"
    document = load(Source("contracts/x-v1.yaml", text))
    assert isinstance(document, Document), document
    return parse(document, "x-v1")


def rows_of(contract: Contract, **change: Any) -> list[dict[str, Any]]:
    """A row for each case, as expected; each with `change`."""
    rows = []
    for claim in contract.claims:
        for case in claim.cases():
            verdict = "killed" if case.mutant else str(claim.expect)
            rows.append(
                {
                    "contract": "x-v1",
                    "claim": claim.id,
                    "params": case.key,
                    "mutant": case.mutant.id if case.mutant else "",
                    "fingerprint": claim.fingerprint,
                    "expect": str(claim.expect),
                    "verdict": verdict,
                    "level": str(claim.level),
                    "started": "2026-03-01T11:00:00+00:00",
                    "commit": COMMIT,
                    "dirty": False,
                    **change,
                }
            )
    return rows


def ids(ledger: Ledger) -> list[str]:
    return [one.id[:16] for one in ledger.entries()]


def move(evidence: object = None, **change: Any) -> dict[str, Any]:
    entry = {"date": DATE, "from": "PROPOSED", "to": "ACTIVE_RUNTIME", "commit": COMMIT, "evidence": evidence, **change}
    return {key: value for key, value in entry.items() if value is not None}


NOW = object()


def judged(
    rows: list[dict[str, Any]],
    *,
    claims: Sequence[str] = (ONE, TWO),
    evidence: Sequence[str] | None = None,
    then: object = NOW,
    history: Sequence[dict[str, Any]] | None = None,
    **change: Any,
) -> Backing:
    """The backing of a contract whose one promotion names all of `rows`, or `evidence` instead."""
    ledger = Ledger.of(rows)
    named = list(ids(ledger) if evidence is None else evidence)
    contract = contract_of(claims, [move(named, **change)] if history is None else history)
    return back(contract, ledger.find, contract.claims if then is NOW else then)  # type: ignore[arg-type]


def said(backing: Backing) -> str:
    """What the one remark says, a grave one."""
    (remark,) = backing.remarks
    assert remark.topic is Topic.UNBACKED
    assert remark.grave
    assert not backing.holds
    assert remark.text.startswith(f"the promotion to ACTIVE_RUNTIME of {DATE}: ")
    assert backing.move is not None
    assert remark.span == backing.move.span
    return remark.text.partition(f"{DATE}: ")[2]


GOOD = rows_of(contract_of([ONE, TWO], []))


def without(rows: Sequence[dict[str, Any]], **which: Any) -> list[dict[str, Any]]:
    return [row for row in rows if any(row[name] != value for name, value in which.items())]


def changed(rows: Sequence[dict[str, Any]], change: dict[str, Any], **which: Any) -> list[dict[str, Any]]:
    assert any(all(row[name] == value for name, value in which.items()) for row in rows)
    return [row | change if all(row[name] == value for name, value in which.items()) else row for row in rows]


def test_a_promotion_that_names_what_was_seen_is_backed() -> None:
    backing = judged(GOOD)
    assert backing.holds
    assert backing.move is not None
    assert backing.move.target == "ACTIVE_RUNTIME"
    full = [one.id for one in Ledger.of(GOOD).entries()]
    assert judged(GOOD, evidence=full).holds


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (without(GOOD, claim="F-2"), "no more than PARTIAL_ALGORITHM_LEVEL: F-2: inconclusive: not run"),
        (without(GOOD, params='{"n":2}'), "no more than PARTIAL_ALGORITHM_LEVEL: F-1: inconclusive: not run: 2"),
        (without(GOOD, mutant="b"), "F-1: inconclusive: not run: 1-mutant-b"),
        (changed(GOOD, {"verdict": "survived"}, mutant="a"), "F-1: inconclusive: mutant survived"),
        (
            changed(GOOD, {"verdict": "inconclusive", "reason": "no model"}, params='{"n":2}'),
            "F-1: inconclusive: no model",
        ),
        (changed(GOOD, {"verdict": "refuted"}, params='{"n":2}'), "no more than REFUTED: F-1: refuted"),
        (changed(GOOD, {"verdict": "error"}, params='{"n":2}'), "F-1: error"),
        (changed(GOOD, {"verdict": "discharged"}, claim="F-2", mutant=""), "no more than REFUTED: F-2: discharged"),
        (
            changed(GOOD, {"level": "authored"}, claim="F-1"),
            "no more than ACTIVE_ALGORITHM_LEVEL: F-1: level authored, measured asked",
        ),
        (changed(GOOD, {"fingerprint": "0" * 64}, claim="F-2", mutant=""), "F-2: inconclusive: not run"),
        (
            [*GOOD, {**GOOD[0], "claim": "F-9"}],
            "no more than PROPOSED: it names claims that the contract did not have: F-9",
        ),
    ],
)
def test_evidence_that_does_not_support_the_rung_is_found(rows: list[dict[str, Any]], why: str) -> None:
    text = said(judged(rows))
    assert text.startswith("its evidence supports no more than ")
    assert why in text


def test_the_newest_of_two_rows_of_a_case_counts() -> None:
    later = {**GOOD[0], "verdict": "refuted", "started": "2026-03-01T11:30:00+00:00"}
    assert "REFUTED" in said(judged([later, *GOOD]))
    assert judged([*GOOD, later | {"started": "2026-02-01T00:00:00+00:00"}]).holds


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"contract": "y-v1"}, "is of another contract, y-v1"),
        ({"started": "2026-03-01T12:11:00+00:00"}, "was seen later than the entry says, 2026-03-01T12:11:00+00:00"),
        ({"started": "2026-03-02T01:00:00+09:00"}, "was seen later than the entry says, 2026-03-01T16:00:00+00:00"),
        ({"started": "noon"}, "does not say when it was seen"),
        ({"started": "2026-03-01T11:00:00"}, "does not say when it was seen"),
        ({"dirty": True}, "was not seen at a commit"),
        ({"dirty": None}, "was not seen at a commit"),
        ({"commit": None}, "was not seen at a commit"),
        ({"kind": "begin"}, "says nothing of a case: it is of kind begin"),
        ({"kind": "run"}, "says nothing of a case: it is of kind run"),
    ],
)
def test_a_row_that_cannot_be_evidence_is_found(change: dict[str, Any], why: str) -> None:
    text = said(judged([{**GOOD[0], **change}, *GOOD[1:]]))
    assert text.startswith("evidence line ")
    assert why in text
    assert "; so with" not in text
    assert text.endswith(f"; so with {len(GOOD) - 1} more") is False
    assert said(judged([{**row, **change} for row in GOOD])).endswith(f"; so with {len(GOOD) - 1} more")


def test_clocks_may_differ_a_little_and_a_day_lasts_until_its_end() -> None:
    late = [{**row, "started": "2026-03-01T12:09:00+00:00"} for row in GOOD]
    assert judged(late).holds
    evening = [{**row, "started": "2026-03-01T23:59:59+00:00"} for row in GOOD]
    ledger = Ledger.of(evening)
    contract = contract_of([ONE, TWO], [move(ids(ledger), date="2026-03-01")])
    assert back(contract, ledger.find, contract.claims).holds


def test_lines_that_are_nowhere_are_counted_and_named() -> None:
    known = ids(Ledger.of(GOOD))
    text = said(judged(GOOD, evidence=[*known, "0123456789abcdef", "fedcba9876543210"]))
    assert text == f"2 of {len(known) + 2} evidence lines are nowhere here: 0123456789abcdef, fedcba9876543210"
    lost = [f"{number:016x}" for number in range(5)]
    assert said(judged([], evidence=lost)).endswith("0000000000000000, 0000000000000001, 0000000000000002 and 2 more")


def test_a_row_that_was_edited_has_lost_its_id() -> None:
    known = ids(Ledger.of(GOOD))
    edited = Ledger.of([{**GOOD[0], "level": "independent"}, *GOOD[1:]])
    contract = contract_of([ONE, TWO], [move(known)])
    assert "1 of 6 evidence lines are nowhere here" in said(back(contract, edited.find, contract.claims))


@pytest.mark.parametrize("odd", ["a note", "0123456789abcde", "0123456789ABCDEF", 1234567890123, 1e20])
def test_what_is_no_hash_of_a_line_is_found_beside_those_that_are(odd: object) -> None:
    known = ids(Ledger.of(GOOD))
    text = said(judged(GOOD, evidence=[*known, odd]))  # type: ignore[list-item]
    assert text == f"names {str(odd)!r}, which is no hash of a line of evidence"


@pytest.mark.parametrize("evidence", [None, [], "see the release notes", ["docs/report.md"]])
def test_a_promotion_that_names_no_lines_is_told_and_not_grave(evidence: object) -> None:
    (remark,) = judged([], history=[move(evidence)]).remarks
    assert not remark.grave
    assert remark.text == f"the promotion to ACTIVE_RUNTIME of {DATE}: names no evidence"
    assert "pv promote" in remark.help


def test_it_is_grave_where_an_earlier_entry_names_evidence() -> None:
    first = move(ids(Ledger.of(GOOD)), date="2026-01-01")
    down = {"date": "2026-02-01", "from": "ACTIVE_RUNTIME", "to": "PROPOSED"}
    assert said(judged(GOOD, history=[first, down, move()])) == "names no evidence"


def test_a_confirmation_settles_a_promotion_that_names_nothing() -> None:
    confirmed = move(ids(Ledger.of(GOOD)), **{"from": "ACTIVE_RUNTIME"})
    backing = judged(GOOD, history=[move(date="2026-01-01"), confirmed])
    assert backing.holds
    assert backing.move is not None
    assert backing.move.index == 1


def test_a_demotion_needs_no_evidence_but_what_stood_above_it_does() -> None:
    down = {"date": "2026-04-01", "from": "ACTIVE_RUNTIME", "to": "ACTIVE_ALGORITHM_LEVEL", "reason": "r"}
    ledger = Ledger.of(GOOD)
    for evidence, holds in ((ids(ledger), True), (["0" * 16], False)):
        contract = contract_of([ONE, TWO], [move(evidence), down], "ACTIVE_ALGORITHM_LEVEL")
        assert back(contract, ledger.find, contract.claims).holds is holds
    alone = contract_of([ONE, TWO], [down], "ACTIVE_ALGORITHM_LEVEL")
    (remark,) = back(alone, ledger.find, alone.claims).remarks
    assert (remark.grave, remark.text) == (False, "no entry of the history promotes to ACTIVE_ALGORITHM_LEVEL")


@pytest.mark.parametrize("status", ["PROPOSED", "DRAFT", "REFUTED"])
def test_the_foot_of_the_ladder_needs_nothing(status: str) -> None:
    contract = contract_of([ONE], [], status)
    assert back(contract, Ledger.of([]).find, contract.claims) == Backing(None, ())


def test_the_claims_of_that_time_count_and_not_those_of_today() -> None:
    then = contract_of([ONE, TWO], []).claims
    three = "{id: F-3, prediction: p, if_fails: q, mutants: [{id: d, stage: s}]}"
    assert judged(GOOD, claims=[ONE, TWO, three], then=then).holds
    assert "F-3" in said(judged(GOOD, claims=[ONE, TWO, three]))
    assert "did not have: F-2" in said(judged(GOOD, then=then[:1]))


def test_where_nobody_can_tell_the_claims_count_that_the_rows_name_and_that_is_said() -> None:
    (remark,) = judged(GOOD, then=None).remarks
    assert not remark.grave
    assert f"git does not have the contract at commit {COMMIT}" in remark.text
    partial = changed(GOOD, {"verdict": "inconclusive"}, claim="F-2", mutant="")
    assert said(judged(partial, then=None)) == "its evidence supports no more than PARTIAL_ALGORITHM_LEVEL: F-2"
    unproved = [row for row in GOOD if not row["mutant"]]
    assert said(judged(unproved, then=None)) == "its evidence supports no more than PROPOSED: F-1, F-2"
    survived = changed(GOOD, {"verdict": "survived"}, mutant="b")
    assert said(judged(survived, then=None)) == "its evidence supports no more than PARTIAL_ALGORITHM_LEVEL: F-1"
    made_up = [{**row, "level": "measured" if row["mutant"] else "algorithm"} for row in GOOD]
    assert "no more than ACTIVE_ALGORITHM_LEVEL" in said(judged(made_up, then=None))


def test_another_version_of_a_contract_is_read_as_far_as_it_is_one() -> None:
    contract = contract_of([ONE, TWO], [])
    text = contract.document.source.text
    claims = claims_in(b"\xef\xbb\xbf" + text.encode(), contract)
    assert claims is not None
    assert [one.fingerprint for one in claims] == [one.fingerprint for one in contract.claims]
    for raw in (b"\xff", b"a: [", b"- 1\n", b""):
        assert claims_in(raw, contract) is None


def test_archives_are_closed_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = tmp_path / ".pv" / "evidence"
    contracts = []
    for number in range(5):
        contract = contract_of([ONE, TWO], [move(["0" * 16])])
        contracts.append(replace(contract, name=f"x{number}-v1"))
        append(evidence / f"x{number}-v1.jsonl", [])
    opened: list[weakref.ref[Ledger]] = []

    def read_and_watch(path: Path) -> Ledger:
        assert not any(one() for one in opened)
        ledger = read(path)
        opened.append(weakref.ref(ledger))
        return ledger

    monkeypatch.setattr(backed, "read", read_and_watch)
    config = Config(tmp_path, (tmp_path,), (tmp_path,), tmp_path / ".pv" / "ledger.jsonl")
    found = backed.backings(contracts, config, read(config.ledger))
    assert len(opened) == 10  # a second time with the claims of that time
    assert all("1 of 1 evidence lines are nowhere here" in one.remarks[0].text for one in found.values())
