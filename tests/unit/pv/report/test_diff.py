"""Unified diffs, as `patch` takes them and as people see them."""

from __future__ import annotations

import pytest

from pv.report.console import Paint
from pv.report.diff import unified

OFF, ON = Paint(on=False), Paint(on=True)


@pytest.mark.parametrize(
    ("old", "new", "body"),
    [
        ("a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"),
        (
            "a\r\nb",
            "a\r\nB",
            "@@ -1,2 +1,2 @@\n a\r\n-b\n\\ No newline at end of file\n+B\n\\ No newline at end of file\n",
        ),
        # only a line feed ends a line of a patch
        ("a\u2028b\x0cc\rd\n", "a\u2028B\x0cc\rd\n", "@@ -1 +1 @@\n-a\u2028b\x0cc\rd\n+a\u2028B\x0cc\rd\n"),
    ],
)
def test_the_diff(old: str, new: str, body: str) -> None:
    assert unified("x/y.yaml", old, new, OFF) == f"--- a/x/y.yaml\n+++ b/x/y.yaml\n{body}"


def test_the_same_has_no_diff() -> None:
    assert unified("y", "a\n", "a\n", ON) == ""


def test_a_name_from_the_root_stays_below_a_and_b() -> None:
    assert unified("/x\n/y", "a\n", "b\n", OFF).startswith("--- a/x\\n/y\n+++ b/x\\n/y\n")


def test_on_a_terminal_it_is_coloured_and_drives_nothing() -> None:
    shown = unified("y", "a\x1b[2J\r\nb\n", "A\x1b[2J\r\nb\n", ON, seen=True)
    assert "\x1b[31m-a\\u{1b}[2J\x1b[0m\n\x1b[32m+A\\u{1b}[2J\x1b[0m\n b\n" in shown
    assert "\x1b[1m--- a/y\x1b[0m\n" in shown
    assert "\r" not in shown
