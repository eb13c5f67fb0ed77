"""The entries of a history: what they say, in which order, and what the rules find in them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pv.corpus import read
from pv.history.transitions import (
    NEVER,
    cap_until,
    chronological,
    compare_versions,
    newest,
    runs_backward,
    transitions,
    version_of,
)
from pv.rules import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.parse import Contract

CORPUS = Path(__file__).parents[5] / "shared" / "corpus"


def history(*entries: str, status: str = "PROPOSED", version: str = "9.0.0") -> str:
    meta = f'metadata: {{version: "{version}", description: d, references: [r]}}'
    lines = [f"  - {{{entry}}}" for entry in entries]
    return "\n".join([meta, f"status: {status}", "status_history:", *lines])


def test_an_entry_says_what_the_file_says(contract_of: Callable[..., Contract]) -> None:
    text = history(
        'date: "2026-01-02T03:04:05+02:00", from: DRAFT v0.1.0, to: ACTIVE_RUNTIME v1.2.0, reason: because, note: n,'
        " evidence: [4f1d0c52a3b96e78, 1234567890123456, abc, 'see the log'], commit: 0a1b,"
        ' loosens: ["F-1: tolerance 1e-6 -> 1e-5", "F-2: removed"]'
    )
    contract = contract_of(text)
    (one,) = transitions(contract)
    assert (one.source, one.source_version, one.target, one.version) == ("DRAFT", "0.1.0", "ACTIVE_RUNTIME", "1.2.0")
    assert one.evidence == ("4f1d0c52a3b96e78", "1234567890123456")
    assert (one.reason, one.note, one.commit, one.index, one.is_move) == ("because", "n", "0a1b", 0, True)
    assert one.starts == one.ends == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert one.promotes
    start = contract.document.source.text.index("{date:")
    assert one.span == contract.document.source.locate(start)
    assert [one.names(key) for key in ("F-1: tolerance", "F-2: removed", "F-1: tol", "F-1", "F-3: removed")] == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("entry", "move", "version"),
    [
        ("date: '2026-01-02', note: x", False, ""),
        ("date: '2026-01-02', from: A", False, ""),
        ("date: '2026-01-02', from: null, to: DRAFT v1.0", True, "1.0"),
        ("date: '2026-01-02', to: DRAFT (v1.0), version: v2.0", True, "2.0"),
        ("date: '2026-01-02', to: 3", True, ""),
        ("date: '2026-01-02', to: [DRAFT], loosens: {a: b}, evidence: {a: b}", False, ""),
    ],
)
def test_shapes_of_the_wild(contract_of: Callable[..., Contract], entry: str, move: bool, version: str) -> None:
    (one,) = transitions(contract_of(history(entry)))
    assert (one.is_move, one.version, one.loosens, one.evidence) == (move, version, (), ())


def test_what_is_no_mapping_is_a_note_and_keeps_its_place(contract_of: Callable[..., Contract]) -> None:
    text = "status: PROPOSED\nstatus_history:\n  - '2026-01-02: all green'\n  - {date: '2026-01-03', to: DRAFT}"
    first, second = transitions(contract_of(text))
    assert (first.note, first.is_move, second.index) == ("2026-01-02: all green", False, 1)
    assert transitions(contract_of("status_history: {date: x}")) == ()
    assert transitions(contract_of("")) == ()


@pytest.mark.parametrize(
    ("date", "until"),
    [
        ("2026-01-02", datetime(2026, 1, 2, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2026-01-02T10:00:00Z", datetime(2026, 1, 2, 10, tzinfo=UTC)),
        ("2026-01-02T10:00:00.5+01:00", datetime(2026, 1, 2, 9, 0, 0, 500000, tzinfo=UTC)),
        ("2026-01-02t10:00z", datetime(2026, 1, 2, 10, tzinfo=UTC)),
        ("2026-01-02T10:00:00", NEVER),  # without its zone it may be any of 26 hours
        ("2026-02-30", NEVER),
        ("20260102", NEVER),
        ("2026-W01-1", NEVER),
        ("9999-12-31T23:59:59-12:00", NEVER),
        ("soon", NEVER),
    ],
)
def test_a_cap_lasts_to_the_end_of_what_a_date_may_mean(
    contract_of: Callable[..., Contract], date: str, until: datetime
) -> None:
    (one,) = transitions(contract_of(history(f"date: '{date}', to: DRAFT")))
    assert cap_until(one) == until


def order(contract: Contract) -> list[int]:
    return [one.index for one in chronological(transitions(contract))]


@pytest.mark.parametrize(
    ("entries", "backward", "expected"),
    [
        (["date: '2026-01-01', to: A", "date: '2026-01-02', to: B"], False, [0, 1]),
        (["date: '2026-01-02', to: A", "date: '2026-01-01', to: B"], True, [1, 0]),
        # one day: the chain of words tells the direction
        (["date: '2026-01-01', from: B, to: C", "date: '2026-01-01', from: A, to: B"], True, [1, 0]),
        (["date: '2026-01-01', from: A, to: B", "date: '2026-01-01', from: B, to: C"], False, [0, 1]),
        (["date: '2026-01-01', to: A", "date: '2026-01-01', to: B"], False, [0, 1]),
        # a day and a time of the same day say nothing about each other
        (["date: '2026-01-01T10:00:00Z', from: A, to: B", "date: '2026-01-01', from: B, to: C"], False, [0, 1]),
        # times do, across zones
        (["date: '2026-01-01T10:00:00Z', to: A", "date: '2026-01-01T10:30:00+01:00', to: B"], True, [1, 0]),
        # versions order a day, as numbers
        (["date: '2026-01-01', to: A v1.10", "date: '2026-01-01', to: A v1.9", "date: '2026-01-02', to: A v1.11"], False, [1, 0, 2]),
        # a note has no place in the chain; a move without a date stays beside its neighbour
        (["date: '2026-01-01', to: A", "date: '2026-03-01', note: n", "date: soon, to: B", "date: '2026-02-01', to: C"], False, [0, 2, 3]),
    ],
)  # fmt: skip
def test_the_order_of_moves(
    contract_of: Callable[..., Contract], entries: list[str], backward: bool, expected: list[int]
) -> None:
    contract = contract_of(history(*entries))
    assert runs_backward(transitions(contract)) is backward
    assert order(contract) == expected
    last = newest(contract)
    assert last is not None
    assert last.index == expected[-1]


def test_versions_are_numbers() -> None:
    assert version_of("v1.10.0-rc1") == (1, 10, 0)
    assert version_of("one") is None
    assert version_of("9" * 5000) is not None
    assert compare_versions((1, 10), (1, 9, 9)) > 0
    assert compare_versions((1, 0), (1, 0, 0)) == 0
    assert compare_versions((1,), (1, 0, 1)) < 0


UP = "date: '2026-01-01', from: DRAFT, to: PROPOSED"
NEXT = "date: '2026-01-02', from: PROPOSED, to: ACTIVE_RUNTIME, evidence: [4f1d0c52a3b96e78]"


def found(contract: Contract) -> list[tuple[str, int, str]]:
    return [(one.code, one.span.line, one.message) for one in check(contract) if one.code.startswith("PV31")]


@pytest.mark.parametrize(
    ("entries", "code", "words"),
    [
        ([UP, "date: '2026-01-02', from: DRAFT, to: PROPOSED"], "PV310", "begins at 'DRAFT', but the move before"),
        ([UP, "date: '2026-01-02', to: PROPOSED"], "PV310", "says not where it comes from"),
        (["date: '2026-01-01', to: DRAFT v1.0", "date: '2026-01-02', from: DRAFT v1.1, to: DRAFT v1.1"], "PV310", "begins at version 1.1"),
        ([UP, "date: yesterday, note: n"], "PV311", "'yesterday' is no date"),
        ([UP, "date: '2025-12-01', note: n", "date: '2026-02-01', note: n"], "PV311", "2025-12-01 stands below 2026-01-01"),
        (["date: '2026-03-01', note: n", "date: '2026-03-02', note: n", UP], "PV311", "runs newest first"),
        (["date: '2026-01-01', to: DRAFT, version: '1.10'", "date: '2026-01-02', from: DRAFT, to: DRAFT, version: '1.9'"], "PV312", "version 1.9 comes after version 1.10"),
        (["date: '2026-01-01', to: DRAFT v9.0.1"], "PV312", "the newest move is at version 9.0.1, but the contract is at 9.0.0"),
        (["date: '2026-01-01', from: DRAFT, to: PROPOSD"], "PV313", "unknown status 'PROPOSD' in 'to'"),
        (["date: '2026-01-01', from: ALMOST, to: PROPOSED"], "PV313", "unknown status 'ALMOST' in 'from'"),
        (["date: '2999-01-01', to: PROPOSED"], "PV314", "2999-01-01 is still to come"),
        (["date: '2999-01-01T00:00:00Z', note: n"], "PV314", "still to come"),
        (["date: '2026-01-01', from: DRAFT, to: ACTIVE_RUNTIME"], "PV315", "names no evidence"),
        (["date: '2026-01-01', to: PARTIAL_ALGORITHM_LEVEL, evidence: see the log"], "PV315", "names no evidence"),
    ],
)  # fmt: skip
def test_what_the_rules_find(contract_of: Callable[..., Contract], entries: list[str], code: str, words: str) -> None:
    hits = found(contract_of(history(*entries)))
    assert [one[0] for one in hits] == [code], hits
    assert words in hits[0][2]
    assert hits[0][1] >= 8  # it points at the entry, not at the top of the file


@pytest.mark.parametrize(
    "entries",
    [
        [UP, NEXT],
        [NEXT, UP],
        [UP, NEXT, "date: '2026-02-01', note: a remark"],
        ["date: '2026-01-01', from: NEW, to: draft v0.1", "date: '2026-01-01', from: DRAFT v0.1, to: DRAFT v0.2"],
        # an entry that owns up to something leads nowhere
        [UP, NEXT, "date: '2026-02-01', from: ACTIVE_RUNTIME, to: ACTIVE_RUNTIME, loosens: ['F-1: tolerance']"],
        # going down needs no evidence, and what was promoted without is settled by a later promotion with
        ["date: '2026-01-01', to: ACTIVE_RUNTIME", "date: '2026-01-02', from: ACTIVE_RUNTIME, to: PROPOSED", "date: '2026-01-03', from: PROPOSED, to: ACTIVE_RUNTIME, evidence: [4f1d0c52a3b96e78]"],
        ["date: '2026-01-01', to: ACTIVE_RUNTIME", "date: '2026-01-02', from: ACTIVE_RUNTIME, to: ACTIVE_RUNTIME, evidence: [4f1d0c52a3b96e78]"],
        ["date: '2026-01-02', from: ACTIVE, to: REFUTED"],
    ],
)  # fmt: skip
def test_honest_histories_are_left_alone(contract_of: Callable[..., Contract], entries: list[str]) -> None:
    assert found(contract_of(history(*entries))) == []


def test_today_is_not_in_the_future_wherever_it_is_today(
    contract_of: Callable[..., Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pv.rules import history_future

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls(2026, 1, 1, 10, 30, tzinfo=tz)

    monkeypatch.setattr(history_future, "datetime", Clock)
    dates = ["2026-01-02", "2026-01-03", "2026-01-01T10:35:00Z", "2026-01-01T11:00:00Z", "2026-01-01T12:00:00+02:00"]
    late = [date for date in dates if found(contract_of(history(f"date: '{date}', note: n")))]
    assert late == ["2026-01-03", "2026-01-01T11:00:00Z"]  # in Kiritimati 2 January began half an hour ago


def test_two_versions_that_mean_the_same_agree(contract_of: Callable[..., Contract]) -> None:
    same, other = (found(contract_of(f"{history(UP, version='1.0.0')}\nversion: {word}")) for word in ("1.0", "1.1"))
    assert same == []
    assert [one[0] for one in other] == ["PV312"]
    assert "metadata.version is 1.0.0" in other[0][2]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real contracts is not here")
def test_the_one_real_history_breaks_where_it_is_known_to() -> None:
    reading = read(CORPUS / "claude-code-parity-apr" / "claude-code-parity-apr-v1.yaml")
    assert reading.contract is not None
    moves = chronological(transitions(reading.contract))
    assert len(moves) == 28
    assert [one.version for one in moves[-3:]] == ["1.21.0", "1.22.0", "1.23.0"]
    chain = [one.message for one in reading.findings if one.code == "PV310"]
    assert chain == ["begins at version 1.2.0, but the move before ended at 1.1.0"]
