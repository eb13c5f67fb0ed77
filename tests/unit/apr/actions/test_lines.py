"""One line becomes plain data, or it is said why not: what `json` lets through is not let through here."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apr.actions.lines import DEPTH, BadLine, open_trace, parse
from apr.errors import UnusableInput
from tests.action_traces import STEADY

if TYPE_CHECKING:
    from pathlib import Path

# a line, and path, rule and problem of what is said about it
REFUSED: dict[str, tuple[bytes, str, str, str]] = {
    "no JSON": (b"a", "$", "json", "is no JSON: a value was expected at character 1"),
    "cut off": (b'{"a":"b', "$", "json", "is no JSON: unterminated string starting at character 6"),
    "single quotes": (b"{'a':1}", "$", "json", "is no JSON: expecting property name enclosed in double quotes at character 2"),
    "two values": (b'{"a":1}{"b":2}', "$", "json", "something stands behind the record, at character 8"),
    "lone carriage returns": (b'{"a":1}\r{"b":2}', "$", "json", "something stands behind the record, at character 8"),
    "NUL": (b'{"a":"\0"}', "$", "json", "is no JSON: invalid control character at character 7"),
    "leading zero": (b'{"a":01}', "$", "json", "is no JSON: expecting ',' delimiter at character 7"),
    "no UTF-8": (b'{"a":"\xff"}', "$", "encoding", "byte 7 of the record, 0xff, is no UTF-8"),
    "overlong": (b'"\xc0\xaf"', "$", "encoding", "byte 2 of the record, 0xc0, is no UTF-8"),
    "surrogate as bytes": (b'"\xed\xa0\x80"', "$", "encoding", "byte 2 of the record, 0xed, is no UTF-8"),
    "key twice": (b'{"a":{"b":1,"c":2,"b":1}}', "$.a.b", "duplicate-key", "stands here twice"),
    "key twice, written otherwise": (b'[{"a b":1,"\\u0061 b":1}]', "$[0]['a b']", "duplicate-key", "stands here twice"),
    "NaN": (b'{"a":[1,NaN]}', "$.a[1]", "number", "is NaN, which is no JSON"),
    "Infinity": (b'{"a":Infinity}', "$.a", "number", "is Infinity, which is no JSON"),
    "-Infinity": (b'{"a":-Infinity}', "$.a", "number", "is -Infinity, which is no JSON"),
    "overflow": (b'{"a":{"b":-1e999}}', "$.a.b", "number", "is -1e999, which is beyond every float"),
    "10,000 digits": (b'{"a":-' + b"7" * 10_000 + b"}", "$.a", "number", "is an integer of 10000 digits"),
    "half a pair": (b'{"a":["\\ud83d"]}', "$.a[0]", "encoding", "this text holds half of a surrogate pair, which is no character"),
    "the other half": (b'{"a":"\\uDE00"}', "$.a", "encoding", "this text holds half of a surrogate pair, which is no character"),
    "half a pair as key": (b'{"a":{"\\udfff":1}}', "$.a", "encoding", "a key of this object holds half of a surrogate pair, which is no character"),
    "half behind a backslash": (b'"\\\\ud83d\\ude00"', "$", "encoding", "this text holds half of a surrogate pair, which is no character"),
    "deep": (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "$", "json", "is nested deeper than 127 levels"),
    "deep objects": (b'{"":' * DEPTH + b"[]" + b"}" * DEPTH, "$", "json", "is nested deeper than 127 levels"),
    "very deep": (b"[" * 1_000_000, "$", "json", "is nested deeper than 127 levels"),
    "very deep behind a bad number": (b"[NaN," + b"[" * 100_000, "$", "json", "is nested deeper than 127 levels"),
    "a bad number before no JSON": (b"[NaN, x]", "$", "json", "is no JSON: a value was expected at character 7"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    raw, *expected = REFUSED[name]
    with pytest.raises(BadLine) as caught:
        parse(raw)
    path, rule, problem, _ = caught.value.said
    assert [path, rule, problem] == expected


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a" : 1 }', {"a": 1}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\ud83d"', "\\ud83d"),
        (b'"\\u0000\xe2\x80\xa8"', "\0\u2028"),
        (b"[1e308, -0.0, 5e-324, 1e-999]", [1e308, 0.0, 5e-324, 0.0]),
        (b"[" * DEPTH + b"]" * DEPTH, None),
        (b'["' + b"[" * 1000 + b'"]', ["[" * 1000]),
        (b"[" + b"[]," * 1000 + b"[]]", [[]] * 1001),
        (b"7" * 4300, int("7" * 4300)),
    ],
)
def test_what_is_not(raw: bytes, value: object) -> None:
    assert parse(raw) == (value if value is not None else json.loads(raw))


@STEADY
@given(st.binary(max_size=40) | st.text('[]{}":,\\ud8Ee019.-NaIfity \n', max_size=40).map(str.encode))
@example(b'{"a":1,"a":NaN}')
def test_anything_is_read_or_refused(raw: bytes) -> None:
    try:
        value = parse(raw)
    except BadLine:
        return
    assert json.dumps(value, allow_nan=False) == json.dumps(json.loads(raw), allow_nan=False)


def _said(raw: bytes) -> str | None:
    try:
        parse(raw)
    except BadLine as bad:
        return bad.said[1]
    return None


_texts = st.text(st.characters(codec="utf-8", exclude_characters="§"))
_values = st.recursive(
    st.none() | st.integers() | st.floats() | _texts,
    lambda some: st.lists(some, max_size=4) | st.dictionaries(_texts, some, max_size=4),
)


@STEADY
@given(_values)
def test_only_what_is_not_finite_is_refused_of_what_json_writes(value: Any) -> None:
    raw = json.dumps(value)
    is_finite = "§" not in json.dumps(json.loads(raw, parse_constant=lambda _: "§"), ensure_ascii=False)
    assert _said(raw.encode()) == (None if is_finite else "number")


@pytest.mark.parametrize("name", ["folder", "missing", "pipe", "device", "nul", "loop"])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    from pathlib import Path as Real

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    paths = {"folder": tmp_path, "device": Real("/dev/zero"), "nul": tmp_path / "a\0b"}
    with pytest.raises(UnusableInput) as caught:
        open_trace(paths.get(name, tmp_path / name))
    said = {
        "folder": "is a folder; name a trace",
        "missing": "cannot be read: No such file or directory",
        "pipe": "is no regular file; name a trace",
        "device": "is no regular file; name a trace",
        "nul": "embedded null",  # byte or character, as this Python says it
        "loop": "cannot be read: Too many levels of symbolic links",
    }
    assert said[name] in str(caught.value)


def test_a_pipe_of_the_shell_is_read() -> None:
    from pathlib import Path as Real

    reading, writing = os.pipe()
    os.write(writing, b"abc")
    os.close(writing)
    with open_trace(Real(f"/dev/fd/{reading}")) as file:
        assert file.read() == b"abc"
    os.close(reading)
