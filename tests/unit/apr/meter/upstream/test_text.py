"""How the upstream writes numbers and JSON, and the parts of its meter that its program never calls."""

from __future__ import annotations

import pytest

from apr.meter.upstream.files import drifting, excluded
from apr.meter.upstream.hosts import forbidden_by
from apr.meter.upstream.text import number, pretty, trimmed, words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (1 / 3, "0.3333333333333333"),
        (0.95, "0.95"),
        (1e-5, "0.00001"),
        (1.5e-6, "1.5e-6"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e16"),
        (123456.75, "123456.75"),
        (1.25e300, "1.25e300"),
        (float("nan"), "null"),
        (float("inf"), "null"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_pretty_json_has_sorted_keys_and_escapes_little() -> None:
    value = {"b": [], "a": [{"é": 'x"\n\x1f\x7f'}, 1, True, None], "c": {}}
    expected = '{\n  "a": [\n    {\n      "é": "x\\"\\n\\u001f\x7f"\n    },\n    1,\n    true,\n    null\n  ],\n  "b": [],\n  "c": {}\n}'
    assert pretty(value) == expected


def test_white_space_is_unicodes_and_not_pythons() -> None:
    assert words("a\x1cb\u3000c\x85d\u200be") == ["a\x1cb", "c", "d\u200be"]
    assert trimmed("\xa0 \x1fa\u2029") == "\x1fa"


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("target/a", True),
        ("x/target/a", True),
        ("mytarget/a", False),
        (".git/config", True),
        ("Cargo.lock", True),
        ("a.locked", False),
        ("src/lib.rs", False),
    ],
)
def test_what_is_left_out_of_a_tree(path: str, out: bool) -> None:
    assert excluded(path, ("target/", ".git/", ".lock")) is out


def test_other_patterns_are_suffixes_or_whole_paths() -> None:
    assert excluded("a/b.bak", ("*.bak",))
    assert excluded("a", ("a",))
    assert not excluded("b/a", ("a",))


def test_trees_drift_where_hashes_differ_or_one_side_lacks_a_file() -> None:
    teacher = {"same": "1", "other": "1", "gone": "1", "Cargo.lock": "1"}
    student = {"same": "1", "other": "2", "new": "1", "Cargo.lock": "2"}
    assert drifting(teacher, student) == ["gone", "other", "new"]
    assert drifting(teacher, student, ()) == ["Cargo.lock", "gone", "other", "new"]


@pytest.mark.parametrize(
    ("host", "pattern"),
    [
        ("api.anthropic.com", "api.anthropic.com"),
        ("x.y.anthropic.com", "*.anthropic.com"),
        ("anthropic.com", None),
        ("API.anthropic.com", "*.anthropic.com"),  # the ending is what is compared
        ("api.Anthropic.com", None),
        ("api.anthropic.com.", None),
        ("notanthropic.com", None),
    ],
)
def test_hosts(host: str, pattern: str | None) -> None:
    assert forbidden_by(host) == pattern
