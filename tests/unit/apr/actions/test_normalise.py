"""Two runs of the same thing, told apart by nothing but what they did."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from apr.actions.normalise import normalised
from apr.actions.trace import Entry
from tests.action_traces import answer, call, end, prompt, result, start, text, traces

if TYPE_CHECKING:
    from tests.action_traces import Record

CWD = PurePosixPath("/home/a/work")


def lines(records: list[Record], cwd: PurePosixPath | None = None) -> list[Any]:
    return [json.loads(line) for line in normalised([Entry(n, r) for n, r in enumerate(records, 1)], cwd)]


def session(one: str = "x", other: str = "y", **changes: Any) -> list[Record]:
    asked = answer(1, call("Read", {"file_path": "a"}, one), call("Read", {"file_path": "b"}, other))
    got = [result(2, one, "A"), result(2, other, "B")]
    return [start(**changes), prompt(), asked, *got, answer(2), end(2, elapsed_ms=len(one))]


def test_identity_and_time_are_gone() -> None:
    plain = lines(session())
    assert (plain[0]["session_id"], plain[0]["ts"], plain[-1]["elapsed_ms"]) == ("<SESSION>", "<TS>", 0)
    assert [block["id"] for block in plain[2]["blocks"]] == ["<TOOL-1>", "<TOOL-2>"]
    assert [record["tool_use_id"] for record in plain[3:5]] == ["<TOOL-1>", "<TOOL-2>"]
    assert plain == lines(session("call-17", "call-3", session_id="other", ts="2026-02-02T00:00:00Z"))


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (0, {"model": "other"}),
        (0, {"cwd_sha256": "1" * 64}),
        (1, {"text": "do that"}),
        (2, {"blocks": [text("x")]}),
        (3, {"ok": False}),
        (3, {"tool_use_id": "y"}),
        (4, {"content": "C"}),
        (5, {"stop_reason": "max_tokens"}),
        (6, {"tokens_out": 31}),
    ],
)
def test_whatever_was_done_otherwise_stays(place: int, change: Record) -> None:
    records = session()
    records[place] = records[place] | change
    assert lines(records) != lines(session())


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("/home/a/work", "${CWD}"),
        ("/home/a/work/x.py:3", "${CWD}/x.py:3"),
        ("'/home/a/work' and /home/a/work.", "'${CWD}' and /home/a/work."),
        ("/home/a/worker /home/a/work-2 /home/a/work.d", "/home/a/worker /home/a/work-2 /home/a/work.d"),
        ("/mnt/home/a/work", "/mnt/home/a/work"),
        ("file:///home/a/work/x", "file://${CWD}/x"),
    ],
)
def test_the_folder_is_a_placeholder(said: str, plain: str) -> None:
    records = session()
    records[3] = result(2, "x", said, files_read=[said])
    got = lines(records, CWD)[3]
    assert (got["content"], got["side_effects"]["files_read"]) == (plain, [plain])
    assert lines(records)[3]["content"] == said


def test_keys_have_one_order_and_lines_one_spelling() -> None:
    records = session()
    turned = [dict(reversed(record.items())) for record in records]
    assert list(normalised([Entry(1, record) for record in turned])) == list(
        normalised([Entry(1, record) for record in records])
    )
    first = next(normalised([Entry(1, records[1])]))
    assert first == b'{"kind":"user_prompt","text":"do it","turn":0,"v":1}\n'


@given(traces())
def test_nothing_given_is_changed_and_lines_stay_lines(records: list[Record]) -> None:
    before = json.dumps(records)
    got = list(normalised([Entry(1, record) for record in records], CWD))
    assert json.dumps(records) == before
    assert len(got) == len(records)
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in got)
