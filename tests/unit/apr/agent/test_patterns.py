"""Patterns of paths."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.agent.tools.patterns import PathPattern, name_matches


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*", ["a", ".a", "ä"], ["a/b"]),
        ("?", ["a"], ["", "ab", "a/b"]),
        ("**", ["a", "a/b/c"], []),
        ("a/**", ["a/b", "a/b/c", "a"], ["b/a"]),
        ("**/a", ["a", "b/a", "c/b/a"], ["a/b", "ba"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["b", "a/b/c", "x/a/b"]),
        ("**/x/**/y", ["x/y", "a/x/b/y"], ["y/x"]),
        ("a**b", ["ab", "axb"], ["a/b"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "x"]),
        ("[!a-c]x", ["dx"], ["ax"]),
        ("[^a]", ["b"], ["a"]),
        ("[]]", ["]"], ["["]),
        ("[!]]", ["["], ["]"]),
        ("[a-]", ["-", "a"], ["b"]),
        ("[a", ["[a"], ["a"]),
        ("*.{py,pyi}", ["a.py", "a.pyi"], ["a.pyc", "a.{py,pyi}"]),
        ("{a,b/{c,d}}/*", ["a/x", "b/c/x", "b/d/x"], ["b/x", "c/x"]),
        ("{a}", ["{a}"], ["a"]),
        ("{a,b", ["{a,b"], ["a"]),
        ("{,a}b", ["b", "ab"], ["a"]),
        (r"\*", ["*"], ["a"]),
        (r"a\?", ["a?"], ["ab"]),
        ("A", ["A"], ["a"]),
        ("a b", ["a b"], ["a"]),
    ],
)
def test_what_a_pattern_means(pattern: str, matching: list[str], other: list[str]) -> None:
    compiled = PathPattern(pattern)
    assert [path for path in matching if not compiled.matches(path)] == []
    assert [path for path in other if compiled.matches(path)] == []


@given(pattern=st.text("ab*?[!]", max_size=8), name=st.text("ab[!]", max_size=8))
def test_within_a_name_it_is_what_the_standard_library_says(pattern: str, name: str) -> None:
    assert name_matches(pattern, name) is fnmatch.fnmatchcase(name, pattern)


def test_no_pattern_takes_for_ever() -> None:
    started = time.monotonic()
    assert not PathPattern("*a" * 100 + "b").matches("a" * 255)
    assert not PathPattern("**/a/" * 100 + "b").matches("/".join("a" * 1000))
    assert time.monotonic() - started < 20  # as a regular expression it would be longer than the world is old
