"""The schema of records: a sound schema, the same verdict as jsonschema's over anything, and messages that say what is wrong."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.actions.schema import Fault, check, member, schema
from tests.action_traces import STEADY, answer, call, end, hook, prompt, result, skill, start, text, thinking, traces

SCHEMA = schema()
JUDGE = jsonschema.Draft4Validator(SCHEMA)
KINDS = [
    start(),
    prompt(),
    answer(1, text("a"), thinking("b", signature="c"), call("Read", {"file_path": "x"})),
    result(2, "a", "b", exit_code=-1, files_read=["x"], files_written=[]),
    end(1),
    hook(0, matcher="Bash", output="x"),
    skill(0, instructions_injected=True),
]
ODD: list[Any] = [
    None, True, False, 0, 1, 2, -1, 1.0, 0.5, 2**31, -(2**31) - 1, 2**32 - 1, 2**32, 2**64 - 1, 2**64, "", "x", "tool_use",
    "error", "a" * 64, "A" * 64, "a" * 64 + "\n", [], ["x"], [1], [[]], {}, {"x": 1}, {"type": "text"}, {"type": ["text"]},
    [{"type": "text", "text": "x"}], [{"type": "text", "text": 1}], [{"type": "image"}], [{"type": []}], [None], [{}],
    [{"type": "text", "text": "x", "y": 1}], [{"type": "tool_use", "id": "x", "name": "y", "input": []}],
    "2026-01-31T00:00:00z", "2026-01-31 00:00:00Z", "2026-01-31T00:00:00+00:00", "2026-01-31T00:00:00Z\n", "2026-01-31T00:00:00.Z",
    "01900000-0000-4000-8000-000000000001", "01900000-0000-7000-C000-000000000001", "01900000-0000-7000-8000-000000000001\n",
]  # fmt: skip


def places(value: Any, keys: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [keys, *(place for key, below in inner for place in places(below, (*keys, key)))]


def changed(record: Any, keys: tuple[Any, ...], value: Any) -> Any:
    if not keys:
        return copy.deepcopy(value)
    record = copy.deepcopy(record)
    at = record
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = copy.deepcopy(value)
    return record


def without(record: Any, keys: tuple[Any, ...]) -> Any:
    record = copy.deepcopy(record)
    at = record
    for key in keys[:-1]:
        at = at[key]
    del at[keys[-1]]
    return record


def agree(record: Any) -> bool:
    """True where the record is valid, for both."""
    fault = check(record)
    assert (fault is None) == JUDGE.is_valid(record), (record, fault)
    return fault is None


def test_the_schema_is_one() -> None:
    jsonschema.Draft4Validator.check_schema(SCHEMA)
    assert jsonschema.validators.validator_for(SCHEMA) is jsonschema.Draft4Validator
    assert [ref["$ref"].rpartition("/")[2] for ref in SCHEMA["oneOf"]] == [record["kind"] for record in KINDS]
    for definition in SCHEMA["definitions"].values():
        if definition["type"] == "object":
            assert definition["description"]
            assert definition["additionalProperties"] is False


@pytest.mark.parametrize("record", KINDS, ids=lambda record: record["kind"])
def test_every_field_holds_what_it_should_and_nothing_else(record: dict[str, Any]) -> None:
    assert agree(record)
    valid = 0
    for keys in places(record):
        for value in ODD:
            valid += agree(changed(record, keys, value))
        valid += bool(keys) and agree(without(record, keys))
        if keys and isinstance(keys[-1], str):
            valid += agree(changed(record, (*keys[:-1], "unknown"), 1))
    assert 0 < valid < len(places(record)) * len(ODD)


@STEADY
@given(traces())
def test_all_that_is_generated_is_valid(records: list[dict[str, Any]]) -> None:
    assert all(agree(record) for record in records)


@STEADY
@given(traces(), st.data())
def test_records_with_something_changed(records: list[dict[str, Any]], data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(records))
    keys = data.draw(st.sampled_from(places(record)))
    how = data.draw(st.sampled_from(["change", "drop", "add", "graft"]))
    if how == "drop" and keys:
        agree(without(record, keys))
    elif how == "add":
        agree(record | {data.draw(st.text()): data.draw(st.sampled_from(ODD))})
    elif how == "graft":
        agree(record | data.draw(st.sampled_from(records)) | {"kind": record["kind"]})
    else:
        agree(changed(record, keys, data.draw(st.sampled_from(ODD))))


A = answer(1, text("a"), call("Read", {}))
LATER = "assistant_turn, tool_result, session_end, hook_event, skill_invocation"


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        ([], ("$", "is an array, not an object", "schema")),
        (None, ("$", "is null, not an object", "schema")),
        ({}, ("$", "lacks 'kind'", "schema")),
        (A | {"kind": ["x"]}, ("$.kind", "is an array, not a string", "schema")),
        (A | {"kind": "x"}, ("$.kind", f"is 'x'; there are session_start, user_prompt, {LATER}", "schema")),
        (A | {"v": 2}, ("$.v", "is 2, not 1", "schema")),
        (A | {"v": 1.0}, ("$.v", "is a number with a fraction, not an integer", "schema")),
        (A | {"turn": True}, ("$.turn", "is true, not an integer", "schema")),
        (A | {"turn": 0}, ("$.turn", "is 0; the minimum is 1", "schema")),
        (A | {"turn": 2**32}, ("$.turn", "is 4294967296; the maximum is 4294967295", "schema")),
        (A | {"blocks": []}, ("$.blocks", "is empty", "schema")),
        (A | {"a b": 1}, ("$['a b']", "is a field that is not known here; there are v, kind, turn, blocks, stop_reason", "schema")),
        (A | {"stop_reason": "e" * 99}, ("$.stop_reason", f"is '{'e' * 55}…', not end_turn or max_tokens or stop_sequence or tool_use", "schema")),
        (without(A, ("blocks", 1, "id")), ("$.blocks[1]", "lacks 'id'", "schema")),
        (changed(A, ("blocks", 1, "input"), []), ("$.blocks[1].input", "is an array, not an object", "schema")),
        (changed(A, ("blocks", 1, "type"), "image"), ("$.blocks[1].type", "is 'image'; there are text, thinking, tool_use", "schema")),
        (changed(A, ("blocks", 1), None), ("$.blocks[1]", "is null, not an object", "schema")),
        (changed(A, ("blocks", 1), []), ("$.blocks[1]", "is an array, not an object", "schema")),
        (changed(A, ("blocks", 1), "text"), ("$.blocks[1]", "is a string, not an object", "schema")),
        (result(2, files_read=["x", 1]), ("$.side_effects.files_read[1]", "is an integer, not a string", "schema")),
        (start() | {"session_id": 7}, ("$.session_id", "is an integer, not a string", "schema")),
        (start(session_id="x"), ("$.session_id", "is 'x', not a UUID of version 7 (RFC 9562), in lower case", "session-id")),
        (start(ts="x"), ("$.ts", "is 'x', not when the session began: RFC 3339 in UTC, 2026-01-31T23:59:59.999Z", "time")),
        (start(cwd_sha256="x"), ("$.cwd_sha256", "is 'x', not sha256 of the working tree at the start, as 64 hex digits in lower case", "schema")),
    ],
)  # fmt: skip
def test_messages(record: Any, fault: tuple[str, str, str]) -> None:
    assert check(record) == Fault(*fault)


def test_a_name_as_long_as_a_book_is_cut() -> None:
    assert member("x" * 60) == "." + "x" * 60
    assert len(member("x" * 100_000)) < 100
