"""The page about commands of contracts says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from pv.limits import SHELL_TESTS, ShellLimits
from pv.shelltest import running

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "shell-tests.md").read_text(encoding="utf-8")


def test_every_variable_that_commands_get_is_named_and_no_other() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| variables |"))
    assert re.findall(r"`(\w+)`", row) == [*running.GIVEN, "HOME", "TMPDIR", "PV_PROJECT"]


def test_the_keys_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert dict(rows) == SHELL_TESTS


def test_the_limits_are_those_of_the_code() -> None:
    limits = ShellLimits()
    assert f"| time | {limits.seconds:g} s |" in PAGE
    assert f"| address space of each process | {limits.memory >> 20} MiB |" in PAGE
    assert f"| a file that it writes | {running.FILE_BYTES >> 20} MiB |" in PAGE
    assert f"| what it prints | {running.OUTPUT_BYTES >> 20} MiB |" in PAGE
