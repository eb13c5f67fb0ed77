"""Reading whole traces: what is valid is taken as it is, and whatever else is met is a finding, never a crash."""

from __future__ import annotations

import gc
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.actions.lines import LIMIT
from apr.actions.reading import examine, read_trace, stream, walk
from apr.actions.rules import RULES
from apr.actions.trace import Entry, Finding, InvalidTrace
from apr.errors import UnusableInput
from tests.action_traces import STEADY, as_bytes, plain, save, start, traces, with_calls

if TYPE_CHECKING:
    from pathlib import Path

SMALL = as_bytes(with_calls([("Read", {"file_path": "ü.md", "limit": 3})]))


def found(content: bytes) -> list[tuple[int, str, str]]:
    return [(one.line, one.path, one.rule) for one in walk(io.BytesIO(content), "x") if isinstance(one, Finding)]


@STEADY
@given(traces())
def test_valid_traces_are_read_as_they_are(records: list[dict[str, Any]]) -> None:
    read = list(walk(io.BytesIO(as_bytes(records)), "x"))
    assert read == [Entry(line, record) for line, record in enumerate(records, 1)]
    written = [json.dumps(one.record) for one in read if isinstance(one, Entry)]
    assert written == [json.dumps(record) for record in records]  # 1 is not 1.0


def test_lines_end_at_newlines_only() -> None:
    content = b"\r\n\n \t\n".join(as_bytes([start(model="a\u2028b\x85c"), *plain()[1:]]).split(b"\n"))
    read = [one for one in walk(io.BytesIO(content), "x") if isinstance(one, Entry)]
    assert [one.line for one in read] == [1, 4, 7, 10]
    assert read[0].record["model"] == "a\u2028b\x85c"
    assert found(b"\r".join(as_bytes(plain()).split(b"\n"))) == [(1, "$", "json")]
    assert found(as_bytes(plain())[:-1]) == []
    assert found(b"\xc2\xa0\n" + as_bytes(plain())) == [(1, "$", "json")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", [(0, "$", "bracketing")]),
        (b"\n \n\r\n", [(0, "$", "bracketing")]),
        (b"\xef\xbb\xbf" + SMALL, [(1, "$", "encoding")]),
        (SMALL.decode().encode("utf-16"), [(1, "$", "encoding")]),
        (SMALL.decode().encode("utf-16-le"), [(1, "$", "json")]),
        (gzip.compress(SMALL), [(1, "$", "encoding")]),
        (b"[" + SMALL.replace(b"\n", b",")[:-1] + b"]", [(1, "$", "schema")]),
        (b"7\n" + SMALL, [(1, "$", "schema")]),
        (SMALL + b"\0", [(7, "$", "json")]),
    ],
)
def test_files_of_another_kind(content: bytes, expected: list[tuple[int, str, str]]) -> None:
    assert found(content)[:1] == expected


def test_packed_files_are_told_about_once() -> None:
    assert len(found(gzip.compress(SMALL * 100))) == 1


def test_a_trace_cut_anywhere_is_no_trace() -> None:
    whole = SMALL.rstrip(b"\n")
    for length in range(len(whole)):
        assert found(whole[:length]), length
    assert found(whole) == []


def test_any_byte_may_be_damaged() -> None:
    for place in range(len(SMALL)):
        for flip in (1, 0x20, 0x80):
            damaged = bytearray(SMALL)
            damaged[place] ^= flip
            for line, path, rule in found(bytes(damaged)):
                assert 0 <= line <= 8
                assert path.startswith("$")
                assert rule in RULES


@STEADY
@given(st.lists(st.sampled_from(SMALL.splitlines(keepends=True)), max_size=8))
def test_lines_in_any_order_are_valid_in_few(lines: list[bytes]) -> None:
    whole = b"".join(lines)
    assert bool(found(whole)) == (whole != SMALL)


def test_a_record_beyond_the_limit_is_passed_over() -> None:
    first, *rest = as_bytes(plain()).splitlines(keepends=True)
    record = b'{"v":1,"kind":"user_prompt","turn":0,"text":"%s"}'
    whole = record % (b"x" * (LIMIT - len(record) + 2))
    assert len(whole) == LIMIT
    assert found(b"".join([first, whole, b"\n", *rest[1:]])) == []
    assert found(b"".join([first, whole, b"\r\n", *rest[1:]])) == []
    assert found(b"".join([first, whole, b"\r\r\n", *rest[1:]])) == [(2, "$", "record-size")]
    assert found(b"".join([first, b" ", whole, b"\n", *rest[1:]])) == [(2, "$", "record-size")]
    longer = record % (b"x" * (LIMIT - len(record) + 3))
    assert found(b"".join([first, longer, b"\n", *rest[1:]])) == [(2, "$", "record-size")]
    assert found(b"".join([first, longer * 2, b"\n", *rest[1:], b"?"])) == [(2, "$", "record-size"), (5, "$", "json")]
    assert found(b"".join([first, longer])) == [(2, "$", "record-size")]


def test_one_finding_of_the_schema_a_record() -> None:
    bad = start(v=2, ts="never", extra=1)
    del bad["model"]
    assert len(found(as_bytes([bad, *plain()[1:]]))) == 1


def test_the_first_finding_ends_a_stream(tmp_path: Path) -> None:
    path = save(tmp_path / "t", [start(), {**plain()[1], "turn": True}, plain()[2]])
    taken = stream(path)
    assert next(taken) == Entry(1, start())
    with pytest.raises(InvalidTrace) as caught:
        next(taken)
    assert (
        str(caught.value)
        == f"{path}:2: $.turn: is true, not an integer [schema]; see all of it with `ccpa validate {path}`"
    )
    assert caught.value.finding.line == 2
    assert [one.line for one in examine(path)] == [2, 3]


def test_a_stream_tells_at_its_end_that_the_end_is_missing(tmp_path: Path) -> None:
    taken = stream(save(tmp_path / "t", plain()[:-1]))
    assert [next(taken).line for _ in range(3)] == [1, 2, 3]
    with pytest.raises(InvalidTrace, match="ends without session_end"):
        next(taken)


def test_all_at_once(tmp_path: Path) -> None:
    path = save(tmp_path / "t", plain())
    assert [one.record for one in read_trace(path)] == plain()
    assert gc.isenabled()
    with pytest.raises(InvalidTrace):
        read_trace(save(path, plain()[1:]))
    assert gc.isenabled()
    gc.disable()
    try:
        read_trace(save(path, plain()))
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_file_that_cannot_be_read_to_its_end() -> None:
    class Broken(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().readline(size)

    taken = walk(Broken(SMALL), "name.jsonl")
    next(taken)
    with pytest.raises(UnusableInput, match=r"^name.jsonl: cannot be read: Input/output error$"):
        next(taken)
