from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pv.load import MAX_DEPTH, Document, load
from pv.source import Source, read_source
from pv.types import Diagnostic, Span

if TYPE_CHECKING:
    from pathlib import Path


def data_of(text: str) -> Any:
    document = load(Source("t.yaml", text))
    assert isinstance(document, Document), document
    return document.data


def refusal_of(text: str) -> Diagnostic:
    found = load(Source("t.yaml", text))
    assert isinstance(found, Diagnostic)
    return found


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-6", 1e-6),
        ("1e5", 1e5),
        (".5", 0.5),
        ("-1", -1),
        ("012", 12),
        ("0x10", 16),
        ("0o17", 15),
        ("1_000", "1_000"),
        ("2026-01-02", "2026-01-02"),
        ("12:30", "12:30"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("1.0.0", "1.0.0"),
        ("'1'", "1"),
        ("! 1", "1"),
        ("-.inf", -math.inf),
        ("-", ["x"]),
    ],
)
def test_scalars_follow_the_core_schema(written: str, value: object) -> None:
    seen = data_of("a:\n- x" if written == "-" else f"a: {written}")["a"]
    assert seen == value
    assert type(seen) is type(value)


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(data_of("a: .nan")["a"])


def test_keys_are_their_own_text() -> None:
    assert data_of("no: 1\n1: 2\ntrue: 3") == {"no": 1, "1": 2, "true": 3}


def test_every_key_and_value_has_its_place() -> None:
    document = load(Source("t.yaml", "a:\n  bcd: xyz\nl:\n- k: 'v w'\n"))
    assert isinstance(document, Document)
    assert document.key_span("a", "bcd") == Span(2, 3, 3)
    assert document.value_span("a", "bcd") == Span(2, 8, 3)
    assert document.value_span("l", 0, "k") == Span(4, 6, 5)
    assert document.key_span("a", "missing") == document.value_span("a") == Span(2, 3, 1)


def test_a_value_through_an_alias_is_equal_and_located_at_its_anchor() -> None:
    document = load(Source("t.yaml", "a: &x {k: 1}\nb: *x\n"))
    assert isinstance(document, Document)
    assert document.data == {"a": {"k": 1}, "b": {"k": 1}}
    assert document.value_span("b", "k").line == 1


def test_merge_keys_are_not_applied() -> None:
    assert data_of("a: &x {k: 1}\nb: {<<: *x}") == {"a": {"k": 1}, "b": {"<<": {"k": 1}}}


@pytest.mark.parametrize(
    ("text", "code", "line", "col", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "PV004", 3, 1, "duplicate key 'a', first at line 1"),
        ("x:\n- {a: 1, a: 2}\n", "PV004", 2, 10, "duplicate key 'a', first at line 2"),
        ("a: !!python/object:os.system x", "PV005", 1, 4, "python/object"),
        ("a: !foo {b: 1}", "PV005", 1, 4, "!foo"),
        ("a: &x [*x]", "PV007", 1, 8, "contains itself"),
        ("a: *x", "PV007", 1, 4, "names no anchor"),
        ("a: 1\n---\nb: 2\n", "PV008", 2, 1, "second document"),
        ("a: [1, 2", "PV003", 1, 9, "not YAML"),
        ("a: b: c", "PV003", 1, 5, "not allowed"),
        ("a: é\x01", "PV003", 1, 5, "U+0001"),
        ("{[1]: 2}", "PV003", 1, 2, "cannot be a key"),
        ("a: " + "9" * 5000, "PV003", 1, 4, "5000 digits"),
    ],
)
def test_what_is_refused_is_located(text: str, code: str, line: int, col: int, words: str) -> None:
    found = refusal_of(text)
    assert (found.code, found.span.line, found.span.col) == (code, line, col)
    assert words in found.message


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1_000, 100_000])
@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_deep_nesting_is_refused_quickly(depth: int, opening: str) -> None:
    begun = time.process_time()
    assert refusal_of("a: " + opening * depth).code == "PV006"
    assert time.process_time() - begun < 2


def test_nesting_up_to_the_bound_is_read() -> None:
    inside = MAX_DEPTH - 1
    assert data_of("a: " + "[" * inside + "]" * inside)


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert refusal_of("\n".join(lines)).code == "PV007"


def test_an_empty_file_holds_nothing() -> None:
    assert data_of("# only a comment\n") is None


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbfa: 1\n", b"a: 1\r\n", b"---\na: 1\n...\n", b'{"a": 1}'])
def test_marks_line_ends_and_json_are_read(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(raw)
    source = read_source(path, "t.yaml")
    assert isinstance(source, Source)
    assert data_of(source.text) == {"a": 1}


def test_crlf_does_not_shift_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(b"a: 1\r\nb: 2\r\nb: 3\r\n")
    source = read_source(path, "t.yaml")
    assert isinstance(source, Source)
    found = refusal_of(source.text)
    assert found.span.line == 3
    assert source.line(3) == "b: 3"


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes("é: 1\nb: ".encode() + b"\xff\n")
    found = read_source(path, "t.yaml")
    assert isinstance(found, Diagnostic)
    assert (found.code, found.span.line, found.span.col) == ("PV002", 2, 4)
    assert "offset 9" in found.message


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    found = read_source(tmp_path / "none.yaml", "none.yaml")
    assert isinstance(found, Diagnostic)
    assert found.code == "PV001"


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Cn", "Co", "Zl", "Zp"]), min_size=1, max_size=8)
plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(words, plain_data, max_size=5))
def test_what_is_written_is_read_back(data: dict[str, Any]) -> None:

    assert data_of(json.dumps(data, ensure_ascii=False)) == data


@given(st.text(alphabet="ab:-[]{}&*!|>#'\" \n\t,?%@1.~", max_size=60))
def test_no_text_breaks_the_loader(text: str) -> None:
    found = load(Source("t.yaml", text))
    if isinstance(found, Diagnostic):
        assert found.span.line >= 1
        assert found.span.col >= 1
        assert found.message
