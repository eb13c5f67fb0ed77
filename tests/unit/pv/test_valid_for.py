"""How long evidence counts: spans of time, and rows that are too old, too new, or of no time at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pv.config import Config
from pv.digest import sha256
from pv.durations import duration, in_words
from pv.expiry import expires_at, expiring, hides_older, untimely
from pv.fold import Outcome
from pv.ledger import Ledger
from pv.remark import Topic
from pv.status import ContractStatus, compute

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv.parse import Claim, Contract


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("2w", timedelta(days=14)),
        ("P30D", timedelta(days=30)),
        ("P2W", timedelta(days=14)),
        ("PT12H", timedelta(hours=12)),
        ("P1DT6H30M5S", timedelta(days=1, hours=6, minutes=30, seconds=5)),
    ],
)
def test_spans_of_time(text: str, span: timedelta) -> None:
    assert duration(text) == span


@pytest.mark.parametrize(
    "text",
    ["", "30", "d", "30m", "30D", "0d", "PT0S", "P", "PT", "P1DT", "P1Y", "P1M", "P1W2D", "-1d", "1.5d", "30 d", "٣d",
     "9999999d", "30d\n"],
)  # fmt: skip
def test_what_is_no_span_of_time(text: str) -> None:
    assert duration(text) is None


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(days=41, hours=5), "41 d"),
        (timedelta(hours=36), "36 h"),
        (timedelta(days=1), "1 d"),
        (timedelta(minutes=90), "90 min"),
        (timedelta(seconds=-61), "61 s"),
    ],
)
def test_a_span_in_words(span: timedelta, words: str) -> None:
    assert in_words(span) == words


NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
CLAIM = (
    "falsification_tests:\n  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], valid_for: 30d}\n"
)


def claim_of(contract_of: Callable[..., Contract], text: str = CLAIM) -> Claim:
    (claim,) = contract_of(text).claims
    return claim


def ago(**span: float) -> dict[str, str]:
    return {"verdict": "discharged", "started": (NOW - timedelta(**span)).isoformat()}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (ago(days=29), ""),
        (ago(days=30), ""),
        (ago(days=30, minutes=1), "expired: valid for 30 d, seen 30 d ago"),
        (ago(days=41), "expired: valid for 30 d, seen 41 d ago"),
        (ago(minutes=-10), ""),
        (ago(minutes=-11), "seen 11 min in the future: a clock is wrong"),
        ({"verdict": "discharged"}, "valid for 30 d, and it does not say when it was seen"),
        ({"verdict": "killed", "started": 3}, "valid for 30 d, and it does not say when it was seen"),
        ({"verdict": "killed", "started": "yesterday"}, "valid for 30 d, and it does not say when it was seen"),
        (
            {"verdict": "refuted", "started": "2026-11-22T03:00:00"},
            "valid for 30 d, and it does not say when it was seen",
        ),
        ({**ago(days=41), "verdict": "error"}, ""),
        ({"verdict": "inconclusive"}, ""),
    ],
)
def test_a_row_counts_within_its_time(contract_of: Callable[..., Contract], row: dict[str, Any], why: str) -> None:
    claim = claim_of(contract_of)
    assert untimely(row, claim, NOW) == why
    assert hides_older({**row, "fingerprint": claim.fingerprint}, claim, NOW) is bool(why)
    assert hides_older({**row, "fingerprint": "of another"}, claim, NOW) is False


def test_a_claim_without_a_time_asks_for_none(contract_of: Callable[..., Contract]) -> None:
    claim = claim_of(contract_of, CLAIM.replace(", valid_for: 30d", ""))
    for row in (ago(days=4000), ago(days=-4000), {"verdict": "discharged"}):
        assert untimely(row, claim, NOW) == ""
        assert expires_at(row, claim) is None


def test_a_time_that_is_none_makes_everything_stale(contract_of: Callable[..., Contract]) -> None:
    claim = claim_of(contract_of, CLAIM.replace("30d", "1 month"))
    assert untimely(ago(days=1), claim, NOW) == "valid for '1 month', which is no span of time"


def test_when_a_row_expires(contract_of: Callable[..., Contract]) -> None:
    claim = claim_of(contract_of)
    assert expires_at(ago(days=10), claim) == NOW + timedelta(days=20)
    assert expires_at({"verdict": "discharged", "started": "9999-12-31T00:00:00+00:00"}, claim) == datetime.max.replace(
        tzinfo=UTC
    )
    assert expires_at({**ago(days=10), "verdict": "error"}, claim) is None
    assert expires_at({"verdict": "discharged"}, claim) is None


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=6), None),
        (timedelta(days=5), "expires in 5 d"),
        (timedelta(hours=3), "expires in 3 h"),
        (-timedelta(hours=3), "expires in 0 s"),
    ],
)
def test_what_is_nearly_over_is_said(contract_of: Callable[..., Contract], left: timedelta, words: str | None) -> None:
    remark = expiring(claim_of(contract_of), NOW + left, NOW)
    if words is None:
        assert remark is None
    else:
        assert remark
        assert remark.text.endswith(words)
        assert (remark.topic, remark.claim, remark.grave) == (Topic.EXPIRING, "F-1", False)
    assert expiring(claim_of(contract_of), None, NOW) is None


def status_of(root: Path, claim: Claim, contract: Contract, *rows: dict[str, Any]) -> ContractStatus:
    """The status of a contract of one claim, whose mutant is killed in time; `rows` are of its plain case, oldest first."""
    (root / "falsifiers").mkdir(exist_ok=True)
    (root / "falsifiers" / "f.py").write_text("x")
    config = Config(root, (root / "contracts",), (root / "falsifiers",), root / "l.jsonl")
    written = {
        "contract": claim.contract,
        "claim": claim.id,
        "params": "{}",
        "level": "algorithm",
        "fingerprint": claim.fingerprint,
        "falsifier": {"path": "falsifiers/f.py", "sha256": sha256(root / "falsifiers" / "f.py")},
        "inputs": [{"kind": "falsifiers", "path": "falsifiers", "sha256": sha256(root / "falsifiers")}],
    }
    killed = {**ago(days=1), "verdict": "killed", "mutant": "m", "where": {"stage": "s"}}
    ledger = Ledger.of([{**written, **row} for row in (killed, *({"mutant": "", **row} for row in rows))])
    (status,) = compute([contract], ledger, config, now=NOW)
    return status


@pytest.mark.parametrize(
    ("rows", "outcome", "detail"),
    [
        ([ago(days=1)], Outcome.DISCHARGED, ""),
        ([ago(days=41)], Outcome.INCONCLUSIVE, "expired: valid for 30 d, seen 41 d ago"),
        # a newer row whose time is wrong uncovers no older one, whatever each says
        (
            [ago(days=1), {**ago(days=-9), "verdict": "refuted"}],
            Outcome.INCONCLUSIVE,
            "seen 9 d in the future: a clock is wrong",
        ),
        (
            [ago(days=1), {"verdict": "error", "message": "began and did not end"}],
            Outcome.ERROR,
            "began and did not end",
        ),
    ],
)
def test_the_status_follows_the_clock(
    contract_of: Callable[..., Contract], tmp_path: Path, rows: list[dict[str, Any]], outcome: Outcome, detail: str
) -> None:
    contract = contract_of(CLAIM)
    status = status_of(tmp_path, contract.claims[0], contract, *rows)
    assert [(one.outcome, one.detail) for one in status.claims] == [(outcome, detail)]


def test_the_status_warns_before_evidence_expires(contract_of: Callable[..., Contract], tmp_path: Path) -> None:
    contract = contract_of(CLAIM)
    status = status_of(tmp_path, contract.claims[0], contract, ago(days=25))
    assert [(one.topic, one.text) for one in status.remarks] == [
        (Topic.EXPIRING, "its evidence, valid for 30 d, expires in 5 d")
    ]
    assert status_of(tmp_path, contract.claims[0], contract, ago(days=2)).remarks == ()
