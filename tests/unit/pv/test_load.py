from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pv.load import MAX_DEPTH, Document, load
from pv.source import Source, read_source
from pv.types import Diagnostic, Span

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["libyaml", "python"], autouse=True)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both readers that PyYAML may have; all that is said here holds with each."""
    if request.param == "python":
        monkeypatch.setattr("pv.load._Parser", yaml.SafeLoader)
    return str(request.param)


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


def test_a_merge_key_in_quotes_is_a_key() -> None:
    assert data_of("a: {'<<': 1}\n") == {"a": {"<<": 1}}


def test_what_stands_in_quotes_is_known() -> None:
    document = load(Source("t.yaml", "a: 1.0\nb: '1.0'\nc: [x, \"y\"]\nd: |\n  t\ne: ! 1\nf:\ng: &p q\nh: *p\n"))
    assert isinstance(document, Document)
    assert [key for key in "abcdefgh" if document.plain(key)] == ["a", "f", "g", "h"]
    assert (document.plain("c", 0), document.plain("c", 1)) == (True, False)
    assert not any((document.plain(), document.plain("z"), document.plain("a", "z"), document.plain("c", 2)))


def test_what_is_not_there_is_located_at_the_nearest_above_it() -> None:
    document = load(Source("t.yaml", "a:\n  b: [x]\n"))
    assert isinstance(document, Document)
    paths: list[tuple[str | int, ...]] = [("a", "b", 1), ("a", "b", -1), ("a", "b", "x")]
    for path in paths:
        assert document.value_span(*path) == Span(2, 6, 1), path
    assert document.value_span("a", "b", 0, "deeper") == document.value_span("a", "b", 0) == Span(2, 7, 1)
    assert document.key_span("a", "z", "y") == Span(2, 3, 1)
    assert document.key_span("a", "b", 0) == Span(2, 6, 1)


def test_a_list_counts_from_its_start() -> None:
    document = load(Source("t.yaml", "a: [x, y]\n"))
    assert isinstance(document, Document)
    assert document.value_span("a", 1) == Span(1, 8, 1)


@pytest.mark.parametrize(
    ("text", "code", "line", "col", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "PV004", 3, 1, "duplicate key 'a', first at line 1"),
        ("x:\n- {a: 1, a: 2}\n", "PV004", 2, 10, "duplicate key 'a', first at line 2"),
        ("a: !!python/object:os.system x", "PV005", 1, 4, "python/object"),
        ("a: !foo {b: 1}", "PV005", 1, 4, "!foo"),
        ("a: &x [*x]", "PV007", 1, 8, "contains itself"),
        ("a: *x", "PV007", 1, 4, "names no anchor"),
        ("&a k: 1\nb: *a\n", "PV007", 2, 4, "names no anchor of a value"),
        ("a: &x 1\n*x : 2", "PV007", 2, 1, "cannot be a key"),
        ("a: &x {k: 1}\nb:\n  <<: *x\n", "PV007", 3, 3, "merge key"),
        ("a: 1\n!t b: 2\n", "PV005", 2, 1, "!t"),
        ("a:\n  - !!int 3\n", "PV005", 2, 5, "tag:yaml.org,2002:int"),
        ("a:\n  b:\n    - c: 1\n      c: 2\n", "PV004", 4, 7, "duplicate key 'c', first at line 3"),
        ("a: {b: {'c': 1, \"c\": 2}}\n", "PV004", 1, 17, "duplicate key 'c'"),
        ("a: 1\r\nb: 2\r\na: 3\r\n", "PV004", 3, 1, "first at line 1"),
        ("a:\n\t- d\n", "PV003", 2, 1, "cannot start any token"),
        ("a: 1\n---\nb: 2\n", "PV008", 2, 1, "second document"),
        ("a: [1, 2", "PV003", 1, 9, "not YAML"),
        ("a: b: c", "PV003", 1, 5, "not allowed"),
        ("a: é\x01", "PV003", 1, 5, "U+0001"),
        ("a: 1\nb: é\0c\n", "PV003", 2, 5, "U+0000"),
        ("# 🙂\n# é\x7f\n", "PV003", 2, 4, "U+007F"),
        ("a: 1\n\ufeff#b: 2\n", "PV003", 2, 1, "byte order mark in the middle"),
        ("a: 1\r\nb: 'c\r\n\ufeffd'\r\n", "PV003", 3, 1, "byte order mark in the middle"),
        ("{[1]: 2}", "PV003", 1, 2, "cannot be a key"),
        ("a: " + "9" * 5000, "PV003", 1, 4, "5000 digits"),
    ],
)
def test_what_is_refused_is_located(text: str, code: str, line: int, col: int, words: str) -> None:
    found = refusal_of(text)
    assert (found.code, found.span.line, found.span.col) == (code, line, col)
    assert words in found.message


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1_000, 200_000])
@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_deep_nesting_is_refused_quickly(depth: int, opening: str) -> None:
    begun = time.process_time()
    assert refusal_of("a: " + opening * depth).code == "PV006"
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("depth", [1_000, 5_000])
def test_deep_nesting_by_indentation_is_refused(depth: int) -> None:
    found = refusal_of("".join(f"{' ' * level}a:\n" for level in range(depth)))
    assert (found.code, found.span) == ("PV006", Span(MAX_DEPTH + 1, MAX_DEPTH + 1, 1))


def test_deep_nesting_is_refused_where_the_bound_is_passed() -> None:
    assert refusal_of("a: " + "[" * 1_000).span == Span(1, 3 + MAX_DEPTH, 1)


def test_nesting_up_to_the_bound_is_read() -> None:
    inside = MAX_DEPTH - 1
    assert data_of("a: " + "[" * inside + "]" * inside)


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    found = refusal_of("\n".join(lines))
    assert (found.code, found.span.line) == ("PV007", 4)
    assert "more than 10000 values" in found.message


def test_aliases_may_repeat_as_much_as_the_bound_allows() -> None:
    repeated = ["- &a [" + ", ".join("x" * 99) + "]", *["- *a"] * 100]
    assert len(data_of("\n".join(repeated))) == 101
    assert refusal_of("\n".join([*repeated, "- *a"])).span == Span(102, 3, 2)


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
