"""The parts of a status: which row counts, what caps it, and when a report has findings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pv.config import Config
from pv.fold import Folded, Outcome
from pv.ledger import Ledger
from pv.remark import Remark, Topic
from pv.status import ContractStatus, Report, compute, effective
from pv.words import Effective, Level

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv.parse import Claim, Contract

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TIMED = "falsification_tests: [{id: A, mutants: [{id: m, stage: s}], valid_for: 10d}]"
TWO = """\
status: ACTIVE_RUNTIME
falsification_tests:
  - {id: A, mutants: [{id: m, stage: s}], level: measured}
  - {id: B, mutants: [{id: k, stage: s}]}
"""


def config_of(root: Path) -> Config:
    return Config(root, (root / "contracts",), (root / "falsifiers",), root / "l.jsonl")


def rows_of(contract: Contract, begun: datetime = NOW, **keys: Any) -> list[dict[str, Any]]:
    """A good row for each case of each claim."""
    return [
        {
            "contract": contract.name,
            "claim": claim.id,
            "params": case.key,
            "mutant": case.mutant.id if case.mutant else "",
            "verdict": "killed" if case.mutant else "discharged",
            "level": "measured",
            "engines": [
                {"role": "subject", "name": "ours", "build": "1", "producer": "us"},
                {"role": "oracle", "name": "theirs", "build": "1", "producer": "them"},
            ],
            "compared": {"x": 1},
            "fingerprint": claim.fingerprint,
            "inputs": [],
            "started": begun.isoformat(),
            **keys,
        }
        for claim in contract.claims
        for case in claim.cases()
    ]


def status_of(contract: Contract, root: Path, rows: list[dict[str, Any]], *remarks: Remark) -> ContractStatus:
    (found,) = compute([contract], Ledger.of(rows), config_of(root), remarks={contract.name: remarks}, now=NOW)
    return found


@pytest.fixture
def two(contract_of: Callable[..., Contract]) -> Contract:
    return contract_of(TWO)


def test_a_contract_that_is_supported_is_not_capped(two: Contract, tmp_path: Path) -> None:
    found = status_of(two, tmp_path, rows_of(two))
    runtime = Effective.ACTIVE_RUNTIME
    assert (found.contract, found.effective, found.supported, found.cap) == (two, runtime, runtime, "")
    assert (found.declared, found.overstated, found.promotable, found.lacking) == (runtime, False, False, ())
    assert found.remarks == ()
    assert (found.count(Outcome.DISCHARGED), found.count(Outcome.REFUTED)) == (2, 0)


def test_a_remark_that_caps_takes_one_rung_until_all_evidence_is_newer(two: Contract, tmp_path: Path) -> None:
    loosened = Remark(Topic.LOOSENED, "a bound was loosened", caps=True, until=NOW - timedelta(days=1))
    old = NOW - timedelta(days=2)
    capped = status_of(two, tmp_path, [*rows_of(two), *rows_of(two, old, claim="A")], loosened)
    assert (capped.effective, capped.supported) == (Effective.ACTIVE_ALGORITHM_LEVEL, Effective.ACTIVE_RUNTIME)
    assert (capped.cap, capped.remarks) == ("a bound was loosened", (loosened,))
    assert capped.overstated
    assert status_of(two, tmp_path, rows_of(two), loosened).cap == ""
    unknown = [*rows_of(two)[1:], {**rows_of(two)[0], "started": "once"}]
    assert status_of(two, tmp_path, unknown, loosened).cap == "a bound was loosened"
    assert status_of(two, tmp_path, [], loosened).cap == "a bound was loosened"


def test_remarks_are_those_of_the_contract_and_those_of_time_follow(
    contract_of: Callable[..., Contract], tmp_path: Path
) -> None:
    timed = contract_of(TIMED + "\n", "x-v1")
    waits = "falsification_tests: [{id: A, pending: [{file: here.txt}], mutants: [{id: m, stage: s}]}]"
    waiting = contract_of(waits, "y-v1")
    (tmp_path / "here.txt").write_text("x")
    given = {"x-v1": [Remark(Topic.PIN, "of x")], "z-v1": [Remark(Topic.PIN, "of z")]}
    ledger = Ledger.of(rows_of(timed, NOW - timedelta(days=9)))
    first, second = compute([timed, waiting], ledger, config_of(tmp_path), remarks=given, now=NOW)
    assert [one.topic for one in first.remarks] == [Topic.PIN, Topic.EXPIRING]
    assert first.remarks[0].text == "of x"
    assert [one.topic for one in second.remarks] == [Topic.PENDING]


def test_what_waits_is_held_against_the_day_of_the_report(contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    waits = "falsification_tests: [{id: A, pending: [{until: 2026-11-22}], mutants: [{id: m, stage: s}]}]"
    contract = contract_of(waits)
    for now, grave in ((NOW, False), (NOW + timedelta(days=1), True), (NOW - timedelta(days=9), False)):
        (found,) = compute([contract], Ledger.of([]), config_of(tmp_path), now=now)
        assert any(one.grave for one in found.remarks) is grave


def test_the_evidence_of_a_case_is_the_line_that_counts(two: Contract, tmp_path: Path) -> None:
    rows = rows_of(two)
    found = status_of(two, tmp_path, [*rows, {**rows[0], "fingerprint": "0"}]).claims[0].evidence[0]
    (counts,) = Ledger.of(rows).newest(("base-v1", "A", rows[0]["params"], ""))
    assert (found.row, found.line, found.id) == (counts.row, 1, counts.id)
    assert (found.stale, found.expires) == ("", None)
    stale = [{**rows[0], "fingerprint": "0"}, {**rows[0], "inputs": 7, "falsifier": {"path": "f"}}]
    gone = status_of(two, tmp_path, stale).claims[0].evidence[0]
    assert (gone.row, gone.stale) == (None, "falsifier f is in no folder of falsifiers")
    never = status_of(two, tmp_path, []).claims[0].evidence[0]
    assert (never.row, never.stale, never.line, never.id) == (None, "", 0, "")


def test_what_expired_keeps_older_evidence_from_counting(contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    timed = contract_of(TIMED)
    good, killed = rows_of(timed, NOW - timedelta(days=1))
    late = {**good, "started": (NOW - timedelta(days=11)).isoformat()}
    assert status_of(timed, tmp_path, [good, killed]).claims[0].expires == NOW + timedelta(days=9)
    assert status_of(timed, tmp_path, [good, killed]).claims[0].evidence[0].expires == NOW + timedelta(days=9)
    hidden = status_of(timed, tmp_path, [good, late, killed]).claims[0]
    assert hidden.detail == "expired: valid for 10 d, seen 11 d ago"
    assert status_of(timed, tmp_path, [late, good, killed]).claims[0].outcome is Outcome.DISCHARGED


@pytest.fixture
def claim(two: Contract) -> Claim:
    return two.claims[0]


def test_the_rung_asks_for_every_claim_and_for_one_real_run(two: Contract) -> None:
    measured, plain = two.claims  # the first asks for measured evidence, the second for none in particular

    def known(one: Claim, level: Level, outcome: Outcome = Outcome.DISCHARGED, *, ok: bool = True) -> Folded:
        return Folded(one, outcome, as_expected=ok, level=level)

    real, made = known(measured, Level.MEASURED), known(plain, Level.ALGORITHM)
    assert effective([real, made]) is Effective.ACTIVE_RUNTIME
    assert effective([made, made]) is Effective.ACTIVE_ALGORITHM_LEVEL
    assert (
        effective([known(measured, Level.AUTHORED), known(plain, Level.MEASURED)]) is Effective.ACTIVE_ALGORITHM_LEVEL
    )
    assert effective([known(plain, Level.INDEPENDENT)]) is Effective.ACTIVE_RUNTIME
    unknown = known(plain, Level.MEASURED, Outcome.INCONCLUSIVE, ok=False)
    assert effective([real, unknown]) is Effective.PARTIAL_ALGORITHM_LEVEL
    assert effective([unknown]) is Effective.PROPOSED
    assert effective([known(plain, Level.MEASURED, Outcome.ERROR, ok=False)]) is Effective.PROPOSED
    assert effective([real, known(plain, Level.MEASURED, Outcome.REFUTED, ok=False)]) is Effective.REFUTED
    assert effective([real, known(plain, Level.MEASURED, Outcome.DISCHARGED, ok=False)]) is Effective.REFUTED
    assert effective([known(measured, Level.MEASURED, Outcome.REFUTED)]) is Effective.ACTIVE_RUNTIME


def test_the_claims_between_what_is_declared_and_what_is_supported(two: Contract) -> None:
    first, second = two.claims
    weak = Folded(first, Outcome.DISCHARGED, as_expected=True, level=Level.AUTHORED)
    good = Folded(second, Outcome.DISCHARGED, as_expected=True)
    open_ = Folded(second, Outcome.INCONCLUSIVE, as_expected=False)
    below = Effective.ACTIVE_ALGORITHM_LEVEL
    assert ContractStatus(two, (weak, good), below).lacking == (weak,)
    assert ContractStatus(two, (weak, open_), below).lacking == (weak, open_)
    assert ContractStatus(two, (good, good), below).lacking == (good, good)
    odd = Folded(second, Outcome.DISCHARGED, as_expected=False)
    real = Folded(first, Outcome.DISCHARGED, as_expected=True, level=Level.MEASURED)
    assert ContractStatus(two, (real, odd), Effective.REFUTED).lacking == (odd,)


def report_of(*claims: Folded, two: Contract, root: Path, rung: Effective = Effective.ACTIVE_RUNTIME) -> Report:
    return Report((ContractStatus(two, claims, rung),), root / "l.jsonl", ledger_exists=True)


def test_a_report_has_findings_where_something_is_red_overstated_or_unknown_to_who_asks(
    two: Contract, claim: Claim, tmp_path: Path
) -> None:
    good = Folded(claim, Outcome.DISCHARGED, as_expected=True)
    open_ = Folded(claim, Outcome.INCONCLUSIVE, as_expected=False)
    bad = Folded(claim, Outcome.REFUTED, as_expected=False)
    assert not report_of(good, two=two, root=tmp_path).found(strict=True)
    assert not report_of(good, open_, two=two, root=tmp_path).found()
    assert report_of(good, open_, two=two, root=tmp_path).found(strict=True)
    assert report_of(bad, good, two=two, root=tmp_path).found()
    assert report_of(good, two=two, root=tmp_path, rung=Effective.PROPOSED).found()
    assert Report((), tmp_path, ledger_exists=True, broken=True).found()
    assert not Report((), tmp_path, ledger_exists=True).found(strict=True)
