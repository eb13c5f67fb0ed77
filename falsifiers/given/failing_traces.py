"""What makes a trace invalid: each failing example by its name, done to one session that is valid."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from given.sessions import Call, Hook, Skill, lines, session

if TYPE_CHECKING:
    from collections.abc import Callable

    Records = list[dict[str, Any]]

# 0 start, 1 prompt, 2 hook, 3 turn of two calls, 4 and 5 their results, 6 skill, 7 turn of one call, 8 its result, 9 answer, 10 end
VALID = session(
    [
        Hook("UserPromptSubmit", matcher="x", output="seen"),
        [Call("Read", {"file_path": "a"}), Call("Bash", {"command": "ls"}, exit_code=0)],
        Skill("tidy", injected=True),
        Call("Write", {"file_path": "b", "content": "b\n"}),
    ]
)


def _changed(number: int, **changes: Any) -> Callable[[], bytes]:
    """Other fields in one record; one that becomes Ellipsis is left out."""

    def done() -> bytes:
        records = copy.deepcopy(VALID)
        entry = records[number] | changes
        records[number] = {name: value for name, value in entry.items() if value is not ...}
        return lines(records)

    return done


def _inside(number: int, change: Callable[[dict[str, Any]], object]) -> Callable[[], bytes]:
    def done() -> bytes:
        records = copy.deepcopy(VALID)
        change(records[number])
        return lines(records)

    return done


def _order(*numbers: int) -> Callable[[], bytes]:
    """The records with these numbers, in this order."""
    return lambda: lines([VALID[number] for number in numbers])


def _text(number: int, change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """Other bytes in one line."""

    def done() -> bytes:
        found = [lines([record]) for record in VALID]
        changed = change(found[number])
        if changed == found[number]:
            raise ValueError(f"line {number + 1} is as it was")
        return b"".join([*found[:number], changed, *found[number + 1 :]])

    return done


def _call_left_unanswered() -> bytes:
    return lines(record for number, record in enumerate(VALID) if number != 5)


def _id_again(record: dict[str, Any]) -> None:
    record["blocks"][1]["id"] = record["blocks"][0]["id"]


def _earlier_result() -> bytes:
    records = copy.deepcopy(VALID)
    records[8]["turn"] = 2
    return lines(records)


def _another_version(record: dict[str, Any]) -> None:
    record["session_id"] = record["session_id"].replace("-7a11-", "-4a11-")


def _in_input(text: bytes, by: bytes) -> bytes:
    return text.replace(b'"file_path": "b"', by)


def _large() -> bytes:
    return lines([VALID[0], VALID[1] | {"text": "x" * (16 << 20)}, *VALID[2:]])


def _ends_with_an_open_call() -> bytes:
    return lines([*VALID[:8], VALID[10] | {"turn": 2}])


def _prompt_before_a_result() -> bytes:
    return lines([*VALID[:4], VALID[1] | {"turn": 2}, *VALID[4:]])


EXAMPLES: dict[str, Callable[[], bytes]] = {
    "unknown record kind": _changed(6, kind="skill"),
    "session id that is no UUID": _changed(0, session_id="session-1"),
    "session id of version 4": _inside(0, _another_version),
    "tree hash of 63 digits": _changed(0, cwd_sha256="0" * 63),
    "tree hash in upper case": _changed(0, cwd_sha256="A" * 64),
    "another field in an assistant turn": _changed(3, model="m"),
    "another field in a block": _inside(3, lambda record: record["blocks"][0].update(cache=True)),
    "another field in side effects": _inside(5, lambda record: record["side_effects"].update(files=[])),
    "v is 2": _changed(1, v=2),
    "v is 1.0": _changed(1, v=1.0),
    "v is true": _changed(1, v=True),
    "token count below nought": _changed(10, tokens_in=-1),
    "turn beyond 32 bits": _changed(6, turn=2**32),
    "token count left out": _changed(10, tokens_in=...),
    "null for a matcher": _changed(2, matcher=None),
    "input that is no object": _inside(3, lambda record: record["blocks"][0].update(input=["a"])),
    "no blocks": _changed(9, blocks=[]),
    "actor unheard of": _changed(0, actor="somebody"),
    "hook event unheard of": _changed(2, event="Midnight"),
    "record as an array": _text(1, lambda _text: b'["user_prompt", 1, 0, "hi"]\n'),
    "block as an array": _changed(9, blocks=[["text", "Done."]]),
    "NaN": _text(7, lambda text: _in_input(text, b'"file_path": "b", "n": NaN')),
    "number beyond any float": _text(7, lambda text: _in_input(text, b'"file_path": "b", "n": 1e999')),
    "key that is there twice": _text(1, lambda text: text.replace(b'"turn": 0', b'"turn": 0, "turn": 0')),
    "key of a tool's input that is there twice": _text(
        7, lambda text: _in_input(text, b'"file_path": "a", "file_path": "b"')
    ),
    "half a surrogate pair": _text(1, lambda text: text.replace(b"Do it.", rb"Do \ud83d it.")),
    "half a surrogate pair in a key": _text(7, lambda text: _in_input(text, rb'"\ud83d": "b"')),
    "byte that is no UTF-8": _text(1, lambda text: text.replace(b"Do it.", b"Do \xff it.")),
    "byte order mark": _text(0, lambda text: b"\xef\xbb\xbf" + text),
    "two records in a line": _text(1, lambda text: text.replace(b"\n", b" ")),
    "record over two lines": _text(1, lambda text: text.replace(b", ", b",\n")),
    "nesting of 128 levels": _text(7, lambda text: _in_input(text, b'"n": ' + b"[" * 124 + b"]" * 124)),
    "record of more than 16 MiB": _large,
    "last line cut off": _text(10, lambda text: text[: len(text) // 2]),
    "time that is no time": _changed(0, ts="this morning"),
    "time of 30 February": _changed(0, ts="2026-02-30T10:00:00Z"),
    "time of the hour 24": _changed(0, ts="2026-11-22T24:00:00Z"),
    "leap second in November": _changed(0, ts="2026-11-22T23:59:60Z"),
    "time with an offset": _changed(0, ts="2026-11-22T10:00:00+00:00"),
    "prompt before the session starts": _order(1, 0, *range(2, 11)),
    "answer before the prompt": _order(0, 3, 4, 5, 1, *range(6, 11)),
    "hook of the session's start behind the prompt": _changed(2, event="SessionStart"),
    "session that starts twice": _order(0, 0, *range(1, 11)),
    "session without its end": _order(*range(10)),
    "record behind the end": _order(*range(11), 6),
    "turn left out": _order(*range(7), 9, 10),
    "turn that is there twice": _order(*range(9), 9, 9, 10),
    "turn that goes back": _changed(6, turn=0),
    "two prompts of one turn": _order(0, 1, *range(1, 11)),
    "hook of a turn that is not there": _changed(2, turn=9),
    "session that broke off before its last turn": _changed(10, turn=2, stop_reason="error"),
    "result of an earlier turn": _earlier_result,
    "session that ends in another turn": _changed(10, turn=2),
    "result without a call": lambda: lines([*VALID[:9], VALID[8] | {"tool_use_id": "call-9"}, *VALID[9:]]),
    "result that is there twice": _order(*range(9), 8, 9, 10),
    "call without a result": _call_left_unanswered,
    "call without a result at the end": _ends_with_an_open_call,
    "prompt before the result of a call": _prompt_before_a_result,
    "call id that is there twice": _inside(3, _id_again),
    "decision against exit code": _changed(2, decision="block"),
    "hook that warns and leaves with 2": _changed(2, decision="warn", exit_code=2),
    "tool_use without a call": _changed(9, stop_reason="tool_use"),
    "call without tool_use": _changed(7, stop_reason="end_turn"),
    "session that stops otherwise than its last turn": _changed(10, stop_reason="max_tokens"),
}


def parsed(text: bytes) -> Records:
    """The records of a trace, by the standard library alone."""
    return [json.loads(line) for line in text.decode().split("\n") if line.strip()]
