"""What the loader says of a text that it refuses, to the letter, and where things stand whose events are odd."""

from __future__ import annotations

import pytest
import yaml

from pv.load import Document, _not_yaml, load
from pv.source import Source
from pv.types import Diagnostic, Severity, Span

BREAKS = "not YAML: found character that cannot start any token, while scanning for the next token"
MERGED = "not YAML: could not find expected ':', while scanning a simple key that begins at line 2"
DUPLICATE = "keep one of the two; YAML readers disagree about which one counts"


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="the words are those of libyaml")
@pytest.mark.parametrize(
    ("text", "code", "span", "message", "advice"),
    [
        ("{[1]: 2}", "PV003", (1, 2, 1), "a mapping or list cannot be a key", "keys are plain words"),
        ("a: " + "[" * 70, "PV006", (1, 67, 1), "nested more than 64 levels deep", "flatten the structure"),
        ("a: &x 1\n*x : 2", "PV007", (2, 1, 2), "an alias cannot be a key", "write the key out"),
        ("a: &x [*x]", "PV007", (1, 8, 2), "alias *x contains itself", "write the value out"),
        ("a: *x", "PV007", (1, 4, 2), "alias *x names no anchor of a value above it", None),
        ("a: 1\n---\nb: 2\n", "PV008", (2, 1, 3), "a second document begins here", "one contract a file"),
        ("a: !foo 1", "PV005", (1, 4, 6), "tag '!foo' is not allowed in a contract", "write the plain value"),
        (
            "a: !foo |\n     text\n",
            "PV005",
            (1, 4, 1),
            "tag '!foo' is not allowed in a contract",
            "write the plain value",
        ),
        (
            "a: !foo 'b\n            c'\n",
            "PV005",
            (1, 4, 1),
            "tag '!foo' is not allowed in a contract",
            "write the plain value",
        ),
        ("a: !foo [1]\n", "PV005", (1, 4, 6), "tag '!foo' is not allowed in a contract", "write the plain value"),
        ("x: 1\na: 2\nx: 3", "PV004", (3, 1, 1), "duplicate key 'x', first at line 1", DUPLICATE),
        (
            "a: {k: 1}\nb:\n  <<: 3\n",
            "PV007",
            (3, 3, 2),
            "the merge key '<<' is not applied: YAML 1.2 has none",
            "write the keys out; readers disagree about what it means",
        ),
        ("a: " + "9" * 1001, "PV003", (1, 4, 1001), "an integer of 1001 digits", "quote it if it is text"),
        ("a: @xyz", "PV003", (1, 4, 1), BREAKS, "put a text that begins with @ in quotes"),
        ("a:\n\t- d\n", "PV003", (2, 1, 1), BREAKS, "indent with spaces, not tabs"),
        (
            "a: b: c",
            "PV003",
            (1, 5, 1),
            "not YAML: mapping values are not allowed in this context",
            "put a text with ': ' in it in quotes, or correct the indentation",
        ),
        (
            "a: 'x\nb: 2\n",
            "PV003",
            (2, 5, 1),
            "not YAML: found unexpected end of stream, while scanning a quoted scalar that begins at line 1",
            None,
        ),
        (
            'a: "\\q"',
            "PV003",
            (1, 5, 1),
            "not YAML: found unknown escape character, while parsing a quoted scalar",
            "write \\\\ for a backslash, or put the text in single quotes",
        ),
        ("a: 1\n<<<<<<< HEAD\nb: 2\n", "PV003", (3, 1, 1), MERGED, "a merge left its conflict at line 2"),
        ("a: 1\n=======\n>>>>>>> x\n", "PV003", (3, 1, 1), MERGED, "a merge left its conflict at line 3"),
        ("a: x\x01y", "PV003", (1, 5, 1), "character U+0001 is not allowed in YAML", "remove it"),
        (
            "a:\n  - b\n c: 1\n",
            "PV003",
            (3, 2, 1),
            "not YAML: did not find expected key, while parsing a block mapping that begins at line 1",
            "correct the indentation",
        ),
    ],
)
def test_a_refusal_says_what_where_and_what_to_do(
    text: str, code: str, span: tuple[int, int, int], message: str, advice: str | None
) -> None:
    found = load(Source("t.yaml", text))
    assert found == Diagnostic("t.yaml", Span(*span), code, Severity.ERROR, message, advice)


def test_an_error_without_a_place_is_told_at_the_top() -> None:
    found = _not_yaml(Source("t.yaml", "a: 1\nb: 2\n"), yaml.MarkedYAMLError(problem="odd"))
    assert found == Diagnostic("t.yaml", Span(1, 1, 1), "PV003", Severity.ERROR, "not YAML: odd")
    assert _not_yaml(Source("t.yaml", "a: 1\n"), yaml.MarkedYAMLError("so far")).message == "not YAML: so far"


def document_of(text: str) -> Document:
    found = load(Source("t.yaml", text))
    assert isinstance(found, Document), found
    return found


def test_a_document_keeps_its_source() -> None:
    source = Source("t.yaml", "a: 1\n")
    found = load(source)
    assert isinstance(found, Document)
    assert found.source is source


def test_an_empty_document_is_a_plain_nothing_at_the_top() -> None:
    document = document_of("# nothing here\n")
    assert (document.data, document.value_span(), document.plain()) == (None, Span(1, 1, 1), True)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("a: 'b\n       c'\n", 1),  # a text that ends further right in another line
        ("a: |\n           t\n", 1),
        ("a: ''\n", 2),
        ("a:\n", 1),
        ("a: &name {k: 1}\n", 7),
        ("a: &name [1]\n", 7),
        ("a: &n\n           k: 1\n", 1),  # what has a name begins there, and its first key in another line
        ("a:\n  k: 1\n", 1),
        ("a: [1, 2]\n", 1),
    ],
)
def test_a_place_is_as_wide_as_what_its_line_shows_of_it(text: str, width: int) -> None:
    assert document_of(text).value_span("a").width == width


def test_the_place_of_a_key_is_found_by_the_last_step_of_its_path() -> None:
    document = document_of("a:\n  b:\n    c: 1\n")
    assert document.key_span("a", "b", "c") == Span(3, 5, 1)
    assert document.key_span("a") == Span(1, 1, 1)


def test_what_is_below_nothing_is_not_plain() -> None:
    assert not document_of("a: 1\n").plain("z", "y", "x")


def test_a_mark_without_a_tag_says_that_nothing_is_meant_by_it() -> None:
    assert document_of("a: ! {k: ! [1]}\n").data == {"a": {"k": [1]}}


def test_an_integer_may_have_as_many_digits_as_the_bound() -> None:
    assert document_of("a: " + "9" * 1000).data == {"a": 10**1000 - 1}


@pytest.mark.parametrize("written", [".inf", ".Inf", ".INF", "+.inf"])
def test_infinity_may_be_written_in_three_ways(written: str) -> None:
    assert document_of(f"a: {written}").data == {"a": float("inf")}


def test_an_alias_of_a_scalar_repeats_one_value() -> None:
    lines = ["- &a x", *["- *a"] * 10_000]
    assert len(document_of("\n".join(lines)).data) == 10_001
    found = load(Source("t.yaml", "\n".join([*lines, "- *a"])))
    message = "aliases repeat more than 10000 values"
    assert found == Diagnostic("t.yaml", Span(10_002, 3, 2), "PV007", Severity.ERROR, message, "write the values out")
