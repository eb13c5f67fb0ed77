"""Paths and texts as seen from a working directory."""

from __future__ import annotations

import os
import posixpath
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.meter.paths import Place, shown

HERE, NOWHERE, ROOT = Place(PurePosixPath("/w/a")), Place(None), Place(PurePosixPath("/"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("x", "x"),
        ("./x", "x"),
        ("x//y", "x/y"),
        ("x/../y", "y"),
        ("x/./y/", "x/y"),
        ("/w/a/x", "x"),
        ("/w//a/./x", "x"),
        ("//w/a/x", "x"),
        ("/w/a", "."),
        ("/w/a/", "."),
        (".", "."),
        ("./", "."),
        ("../a/x", "x"),
        ("../x", "/w/x"),
        ("..", "/w"),
        ("../../../../x", "/x"),
        ("/w/ab/x", "/w/ab/x"),
        ("/w/a/../b", "/w/b"),
        ("/etc/passwd", "/etc/passwd"),
        ("/", "/"),
        ("~/x", "~/x"),
        ("X", "X"),
        ("e\u0301", "e\u0301"),
        ("", ""),
        (" x ", " x "),
        ("...", "..."),
        (".x/..y", ".x/..y"),
        ("x\0/../y", "y"),
        ("x\\y", "x\\y"),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert HERE.path(path) == expected
    assert HERE.path(HERE.path(path)) == expected


def test_without_a_directory_what_leaves_it_stays() -> None:
    assert [NOWHERE.path(path) for path in ("../x", "a/../../x", "/w/a/x", "./a", "..", "/..")] == [
        "../x",
        "../x",
        "/w/a/x",
        "a",
        "..",
        "/",
    ]


def test_the_root_as_directory() -> None:
    assert [ROOT.path(path) for path in ("/x", "x", "../x", "/", "//x/y")] == ["x", "x", "x", ".", "x/y"]
    assert ROOT.text("see /x and /") == "see /x and /"


def test_a_relative_directory_is_refused() -> None:
    with pytest.raises(ValueError, match="the working directory w/a is not absolute"):
        Place(PurePosixPath("w/a"))


@given(st.text(alphabet="ab/.", max_size=12))
def test_as_the_standard_library_has_it(path: str) -> None:
    whole = posixpath.normpath(posixpath.join("/w/a", path)).replace("//", "/")
    expected = path if not path else os.path.relpath(whole, "/w/a") if f"{whole}/".startswith("/w/a/") else whole
    assert HERE.path(path) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/w/a", "${CWD}"),
        ("/w/a/x", "${CWD}/x"),
        ("in /w/a.", "in ${CWD}."),
        ("in /w/a. Then", "in ${CWD}. Then"),
        ("'/w/a': \"/w/a\"\n/w/a:1", "'${CWD}': \"${CWD}\"\n${CWD}:1"),
        ("a=/w/a,b", "a=${CWD},b"),
        ("/w/ab", None),
        ("/w/a.txt", None),
        ("/w/a..", None),
        ("/w/a_", None),
        ("/w/a-b", None),
        ("/w/aé", None),
        ("/w/a~", None),
        ("/v/w/a", None),
        ("v/w/a/x", None),
        ("./w/a", None),
        ("é/w/a", None),
        ("//w/a", None),
        ("/W/A", None),
        ("/w/a/w/a", "${CWD}/w/a"),
        ("/w/a /w/ab /w/a", "${CWD} /w/ab ${CWD}"),
        ("nothing", None),
        ("", None),
    ],
)
def test_mentions(text: str, expected: str | None) -> None:
    found = HERE.text(text)
    assert shown(found) == (text if expected is None else expected)
    assert isinstance(found, str) is (expected is None)
    assert NOWHERE.text(text) == text


def test_a_text_with_the_placeholder_is_no_mention() -> None:
    assert HERE.text("${CWD}/x") != HERE.text("/w/a/x")
    assert shown(HERE.text("${CWD}/x")) == shown(HERE.text("/w/a/x"))


def test_letters_of_patterns_in_a_directory() -> None:
    odd = Place(PurePosixPath("/w.x/a+(b)"))
    assert shown(odd.text("in /w.x/a+(b)/c and /wyx/a+(b)")) == "in ${CWD}/c and /wyx/a+(b)"
    assert odd.path("/w.x/a+(b)/c") == "c"


@given(st.text(alphabet="/wab. ", max_size=25))
def test_two_directories_give_the_same_text(text: str) -> None:
    # the same text, moved: whatever is a mention in one folder is one in the other
    there = Place(PurePosixPath("/other place/9"))
    found = HERE.text(text)
    if isinstance(found, tuple):
        moved = "/other place/9".join(found)
        assert there.text(moved) == found
