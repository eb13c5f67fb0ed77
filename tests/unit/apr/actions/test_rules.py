"""What records must say together: each way to break a rule is found, at its line and place; what is allowed is not."""

from __future__ import annotations

import io
from typing import Any

import pytest

from apr.actions.reading import walk
from apr.actions.rules import RULES
from apr.actions.trace import Finding
from tests.action_traces import (
    answer,
    as_bytes,
    call,
    end,
    hook,
    plain,
    prompt,
    result,
    skill,
    start,
    text,
    thinking,
)

Records = list[dict[str, Any]]
LS = ("Bash", {"command": "ls"})
LONG = "x" * 65  # of such ids only a hash is kept


def findings(records: Records) -> list[str]:
    found = walk(io.BytesIO(as_bytes(records)), "x")
    return [f"{one.line} {one.path} {one.rule}" for one in found if isinstance(one, Finding)]


def with_call(*behind: dict[str, Any], use_id: str = "a") -> Records:
    """One turn that asks for one tool, and what comes behind it."""
    return [start(), prompt(), answer(1, call(*LS, use_id)), *behind]


VALID: dict[str, Records] = {
    "plain": plain(),
    "tools": with_call(result(2, "a"), answer(2), end(2)),
    "two tools, answered the other way round": [
        start(),
        prompt(),
        answer(1, thinking("hm", signature="s"), call(*LS, "a"), text("and"), call(*LS, "b")),
        result(2, "b", ok=False, exit_code=1),
        result(2, "a", files_read=["x"], files_written=[]),
        answer(2),
        end(2),
    ],
    "later prompts of the last turn or the next": [
        start(),
        prompt(),
        answer(1),
        prompt(turn=1),
        answer(2),
        prompt(turn=3),
        answer(3),
        end(3),
    ],
    "a prompt behind results": with_call(result(2, "a"), prompt(turn=2), answer(2), end(2)),
    "a prompt that a hook stopped": [
        start(),
        prompt(),
        hook(0, "UserPromptSubmit", "block"),
        prompt(turn=1),
        answer(1),
        end(1),
    ],
    "an answer that goes on": [start(), prompt(), answer(1, stop="max_tokens"), answer(2), end(2)],
    "every stop reason": [start(), prompt(), answer(1, stop="stop_sequence"), end(1, "stop_sequence")],
    "cut short by tokens": [start(), prompt(), answer(1, stop="max_tokens"), end(1, "max_tokens")],
    "an error behind an answer": [start(), prompt(), answer(1), end(1, "error")],
    "an error in the next turn": [start(), prompt(), answer(1), end(2, "error")],
    "an error before any answer": [start(), prompt(), end(1, "error")],
    "an error while a tool runs": with_call(end(1, "error")),
    "an error behind results": with_call(result(2, "a"), end(2, "error")),
    "hooks everywhere": [
        start(),
        hook(0, "SessionStart", "warn", output="x"),
        hook(0, "SessionStart"),
        prompt(),
        hook(0, "UserPromptSubmit"),
        skill(0),
        skill(1, source="auto_matched", instructions_injected=True),
        answer(1, call(*LS, "a")),
        hook(1, "PreToolUse", "block", matcher="Bash"),
        result(2, "a", ok=False),
        hook(2, "PostToolUse"),
        answer(2),
        hook(2, "Stop"),
        hook(2, "SubagentStop"),
        end(2),
    ],
    "a leap second": [start(ts="2016-12-31T23:59:60.5Z"), *plain()[1:]],
    "two prompts in a row": [start(), prompt(), prompt(turn=1), answer(1), end(1)],
    "a first day": [start(ts="2026-01-01T00:00:00Z"), *plain()[1:]],
    "a leap second in summer": [start(ts="2012-06-30T23:59:60Z"), *plain()[1:]],
    "the last second of a year": [start(ts="0001-12-31T23:59:59Z"), *plain()[1:]],
    "a leap day": [start(ts="2024-02-29T00:00:00Z"), *plain()[1:]],
    "long ids": with_call(result(2, LONG), answer(2), end(2), use_id=LONG),
}

# what is wrong -> the records, and line, path and rule of everything that is found
BROKEN: dict[str, tuple[Records, list[str]]] = {
    "nothing": ([], ["0 $ bracketing"]),
    "no start": (plain()[1:], ["1 $ bracketing"]),
    "start later": ([prompt(), start(), answer(1), end(1)], ["1 $ bracketing", "2 $ bracketing"]),
    "two starts": ([start(), start(), *plain()[1:]], ["2 $ bracketing"]),
    "no end": (plain()[:-1], ["3 $ bracketing"]),
    "two ends": ([*plain(), end(1)], ["5 $ bracketing"]),
    "something behind the end": ([*plain(), prompt(turn=2)], ["5 $ bracketing"]),
    "two traces in one": ([*plain(), *plain()], [f"{line} $ bracketing" for line in (5, 6, 7, 8)]),
    "no prompt": ([start(), answer(1), end(1)], ["2 $ order"]),
    "nothing but start and end": ([start(), end(1, "error")], ["2 $ order"]),
    "a hook before the prompt": ([start(), hook(0, "UserPromptSubmit"), *plain()[1:]], ["2 $ order", "3 $.turn turns"]),
    "a skill before the prompt": ([start(), skill(0), prompt(turn=1), answer(1), end(1)], ["2 $ order"]),
    "SessionStart behind the prompt": (
        [start(), prompt(), hook(0, "SessionStart"), answer(1), end(1)],
        ["3 $.event order"],
    ),
    "SessionStart of turn 1": ([start(), hook(1, "SessionStart"), *plain()[1:]], ["2 $.turn turns"]),
    "the first prompt of turn 1": ([start(), prompt(turn=1), answer(1), end(1)], ["2 $.turn turns"]),
    "a second prompt of the same turn": ([start(), prompt(), prompt(), answer(1), end(1)], ["3 $.turn turns"]),
    "a prompt of a turn that is over": (
        [start(), prompt(), answer(1), answer(2), prompt(turn=1), answer(3), end(3)],
        ["5 $.turn turns"],
    ),
    "a prompt of the same turn behind a hook": (
        [start(), prompt(), answer(1), prompt(turn=1), hook(1, "UserPromptSubmit"), prompt(turn=1), answer(2), end(2)],
        ["6 $.turn turns"],
    ),
    "a prompt too far ahead": ([start(), prompt(), answer(1), prompt(turn=3), answer(2), end(2)], ["4 $.turn turns"]),
    "answers from 2 on": ([start(), prompt(), answer(2), end(2)], ["3 $.turn turns"]),
    "a turn left out": ([start(), prompt(), answer(1), answer(3), end(3)], ["4 $.turn turns"]),
    "a turn twice": ([start(), prompt(), answer(1), answer(1), end(1)], ["4 $.turn turns"]),
    "a turn back": ([start(), prompt(), answer(1), answer(2), answer(1), end(2)], ["5 $.turn turns"]),
    "a hook back": ([start(), prompt(), answer(1), hook(0, "Stop"), end(1)], ["4 $.turn turns"]),
    "a hook too far ahead": ([start(), prompt(), answer(1), hook(3, "Stop"), end(1)], ["4 $.turn turns"]),
    "a skill back": ([start(), prompt(), answer(1), skill(0), end(1)], ["4 $.turn turns"]),
    "a hook back behind a result": (
        with_call(result(2, "a"), hook(1, "PostToolUse"), answer(2), end(2)),
        ["5 $.turn turns"],
    ),
    "a result of a later turn": (with_call(result(3, "a"), answer(2), end(2)), ["4 $.turn turns"]),
    "the end of a turn that was not": ([*plain()[:-1], end(2)], ["4 $.turn turns"]),
    "the end of an earlier turn": ([start(), prompt(), answer(1), answer(2), end(1)], ["5 $.turn turns"]),
    "an error two turns ahead": ([*plain()[:-1], end(3, "error")], ["4 $.turn turns"]),
    "an error before its results": (with_call(result(2, "a"), end(1, "error")), ["5 $.turn turns"]),
    "an id twice in a turn": (
        [start(), prompt(), answer(1, call(*LS, "a"), call(*LS, "a")), result(2, "a"), answer(2), end(2)],
        ["3 $.blocks[1].id tool-id"],
    ),
    "an id twice in a session": (
        with_call(result(2, "a"), answer(2, text("t"), call(*LS, "a")), result(3, "a"), answer(3), end(3)),
        ["5 $.blocks[1].id tool-id"],
    ),
    "a long id twice": (
        with_call(result(2, LONG), answer(2, call(*LS, LONG)), result(3, LONG), answer(3), end(3), use_id=LONG),
        ["5 $.blocks[0].id tool-id"],
    ),
    "a result that nobody asked for": ([start(), prompt(), result(2, "a"), answer(1), end(1)], ["3 $.tool_use_id tool-result"]),
    "a result of another id": (
        with_call(result(2, "b"), answer(2), end(2)),
        ["4 $.tool_use_id tool-result", "5 $ tool-result"],
    ),
    "a result twice": (with_call(result(2, "a"), result(2, "a"), answer(2), end(2)), ["5 $.tool_use_id tool-result"]),
    "a long result twice": (
        with_call(result(2, LONG), result(2, LONG), answer(2), end(2), use_id=LONG),
        ["5 $.tool_use_id tool-result"],
    ),
    "no result before the next answer": (with_call(answer(2), end(2)), ["4 $ tool-result"]),
    "no result before the next prompt": (with_call(prompt(turn=1), answer(2), end(2)), ["4 $ tool-result"]),
    "no result before the end": (with_call(end(1)), ["4 $ tool-result", "4 $.stop_reason stop-reason"]),
    "a result too late": (with_call(answer(2), result(2, "a"), end(2)), ["4 $ tool-result", "5 $.tool_use_id tool-result"]),
    "a call that is no reason to stop": (
        [start(), prompt(), answer(1, call(*LS, "a"), stop="end_turn"), result(2, "a"), answer(2), end(2)],
        ["3 $.stop_reason stop-reason"],
    ),
    "waiting for no tool": ([start(), prompt(), answer(1, stop="tool_use"), answer(2), end(2)], ["3 $.stop_reason stop-reason"]),
    "an end for another reason": ([*plain()[:-1], end(1, "max_tokens")], ["4 $.stop_reason stop-reason"]),
    "an end without an answer": ([start(), prompt(), end(1)], ["3 $.turn turns", "3 $.stop_reason stop-reason"]),
    "an end while results wait to be read": (
        with_call(result(2, "a"), end(2)),
        ["5 $.turn turns", "5 $.stop_reason stop-reason"],
    ),
    "allowing with 1": ([start(), prompt(), hook(0) | {"exit_code": 1}, *plain()[2:]], ["3 $.exit_code hook-decision"]),
    "warning with 2": (
        [start(), prompt(), hook(0, decision="warn") | {"exit_code": 2}, *plain()[2:]],
        ["3 $.exit_code hook-decision"],
    ),
    "blocking with 0": (
        [start(), hook(0, "SessionStart", "block") | {"exit_code": 0}, *plain()[1:]],
        ["2 $.exit_code hook-decision"],
    ),
    **{
        f"at {ts}": ([start(ts=ts), *plain()[1:]], ["1 $.ts time"])
        for ts in (
            "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-04-31T00:00:00Z",
            "2026-01-00T00:00:00Z", "0000-01-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z", "2026-01-01T00:00:60Z", "2026-06-30T22:59:60Z", "2026-06-29T23:59:60Z", "1900-02-29T00:00:00Z",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", VALID)
def test_what_is_allowed(name: str) -> None:
    assert findings(VALID[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not(name: str) -> None:
    records, expected = BROKEN[name]
    assert findings(records) == expected


def test_every_rule_across_records_is_broken_here() -> None:
    tested = {finding.rpartition(" ")[2] for _, expected in BROKEN.values() for finding in expected}
    alone = {"encoding", "record-size", "json", "duplicate-key", "number", "schema", "session-id"}
    assert tested == RULES.keys() - alone


@pytest.mark.parametrize("name", VALID)
def test_nothing_is_said_of_what_a_bad_line_may_have_done(name: str) -> None:
    lines = as_bytes(VALID[name]).splitlines(keepends=True)
    for place in range(len(lines)):
        damaged = b"".join([*lines[:place], b"?\n", *lines[place + 1 :]])
        found = [one for one in walk(io.BytesIO(damaged), "x") if isinstance(one, Finding)]
        assert [(one.line, one.rule) for one in found] == [(place + 1, "json")]


def test_behind_a_bad_line_what_is_surely_wrong_is_still_found() -> None:
    lines = as_bytes(with_call(result(2, "a"), result(2, "a"), answer(2), hook(1, "Stop"), end(2))).splitlines(
        keepends=True
    )
    lines.insert(1, b"?\n")
    found = [one for one in walk(io.BytesIO(b"".join(lines)), "x") if isinstance(one, Finding)]
    assert [(one.line, one.rule) for one in found] == [(2, "json"), (6, "tool-result"), (8, "turns")]


def test_behind_a_bad_line_there_is_still_one_start_at_most() -> None:
    found = [one for one in walk(io.BytesIO(b"?\n" + as_bytes([start(), *plain()])), "x") if isinstance(one, Finding)]
    assert [(one.line, one.rule) for one in found] == [(1, "json"), (3, "bracketing")]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nothing", "holds no record"),
        ("no end", "ends without session_end"),
        ("an end without an answer", "is end_turn, and the model never answered; only error fits"),
        (
            "an end while results wait to be read",
            "is end_turn, and the last assistant turn waits for tools; only error fits",
        ),
        ("an end for another reason", "is max_tokens; the last assistant turn's is end_turn"),
        ("a call that is no reason to stop", "is end_turn, and the turn asks for a tool"),
        ("no result before the end", "session_end comes before the result of 'a', which turn 1 asked for"),
        ("a result twice", "a result for 'a', which waits for none"),
        ("a result of another id", "no tool_use has the id 'b'"),
        ("an error before its results", "is 1; the last turn was 2"),
    ],
)
def test_messages(name: str, problem: str) -> None:
    found = walk(io.BytesIO(as_bytes(BROKEN[name][0])), "x")
    assert problem in [one.problem for one in found if isinstance(one, Finding)]


def test_long_ids_make_no_long_messages() -> None:
    found = walk(io.BytesIO(as_bytes(with_call(result(2, "y" * 1000), answer(2), end(2), use_id="x" * 1000))), "x")
    assert all(len(one.problem) < 150 for one in found if isinstance(one, Finding))
