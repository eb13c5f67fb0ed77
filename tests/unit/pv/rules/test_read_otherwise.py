"""Bare words that other readers take for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV107"
CLAIM = "falsification_tests:\n  - {id: F-1, if_fails: q, "
META = "metadata: {description: d, references: [r], "
NOTE, WARNING = Severity.NOTE, Severity.WARNING


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "tolerance: 1e-6, prediction: 'no'}",
        CLAIM + 'prediction: "2026-01-02", rule: "yes"}',
        CLAIM + "prediction: no way, rule: on 2026-01-02, test: 1:30 h}",
        CLAIM + "params: {a: [1, -2, 0, 1.5, 0o17, 0x1f, .inf, 01, 07, 08, 1e5, true, null, ~]}}",
        CLAIM + "ship_blocking: no}",  # no truth value: PV103 says so
        "x-a: |\n  no\n  2026-01-02\n",
        "x-a: [2026-1-2, 12-01-2026, 1:75, y, n, nO, 1.2.3, v1.10, 1-2, 1:2:]",
        META + "version: 1.10.0}",
        META + "version: '1.10'}",
        META + "version: 1}",
        "version: 1.0.0\nstatus_history: [{date: '2026-01-02', version: '2.0'}, version, 1.0]",
        "x-a: &a\n  2026-01-02 and more",
        "x-a: # 2026-01-02\n  text # no",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity", "fix"),
    [
        (META + "version: '1', created: §2026-01-02}", "a day to other readers", NOTE, '"2026-01-02"'),
        ("x-a: §2026-01-02 10:00:00 +01:00", "a day", NOTE, '"2026-01-02 10:00:00 +01:00"'),
        ("x-a:\n  - b\n  - §2026-01-02T10:00:00Z # when", "a day", NOTE, '"2026-01-02T10:00:00Z"'),
        ("x-a: &day §2026-01-02\nx-b: *day\nx-c: [*day]", "a day", NOTE, '"2026-01-02"'),
        ("x-é漢😀: [é漢😀, §2026-01-02]", "a day", NOTE, '"2026-01-02"'),
        ("x-a: §2026-01-02\x85x-b: 1", "a day", NOTE, '"2026-01-02"'),
        ("x-a: [b,§2026-01-02]", "a day", NOTE, '"2026-01-02"'),
        ('x-a: {"b":§2026-01-02}', "a day", NOTE, '"2026-01-02"'),
        (CLAIM + "prediction: §no}", "a truth value", WARNING, '"no"'),
        (CLAIM + "params: {§on: [1]}}", "a truth value", WARNING, '"on"'),
        (CLAIM + "params: {a: [§off]}}", "a truth value", WARNING, '"off"'),
        ("x-a: {enabled: §yes}", "write true or false, or quote it", WARNING, None),
        ("§on: push", "a truth value", WARNING, None),
        (CLAIM + "prediction: §1:30}", "base sixty", WARNING, '"1:30"'),
        ("x-a: §190:20:30.15", "base sixty", WARNING, '"190:20:30.15"'),
        (CLAIM + "tolerance: §1_000}", "write the number out", WARNING, None),
        ("x-a: §0b101", "a number", WARNING, None),
        ("x-a: §1_0.5", "a number", WARNING, None),
        ("x-a: §010", "010 is 10 here, and 8 to other readers", WARNING, None),
        ("x-a: &eight §-010", "is -10 here, and -8", WARNING, None),
        (META + "version: §1.10}", "a number here, 1.1; a version is text", WARNING, '"1.10"'),
        (META + "version: §1.0}", "1.0 is a number here; a version", NOTE, '"1.0"'),
        ("version: §1e3", "a number here, 1000.0", WARNING, '"1e3"'),
        ("status_history:\n  - {date: '2026-01-02', version: §2.50}", "2.5;", WARNING, '"2.50"'),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity, fix: str | None) -> None:
    found = rule.finds(bad, words, severity)
    assert (found.fix.text if found.fix else None) == fix


@pytest.mark.parametrize(
    "word", ["2026-01-02", "2026-1-2 1:02:03", "no", "ON", "1:30", "1:30.5", "1_000", "0b1", "0x_f", "-1_0"]
)
def test_pyyaml_reads_them_so(rule: Tried, word: str) -> None:
    assert not isinstance(yaml.safe_load(word), str)
    assert rule.found(f"x-a: {word}")


def test_a_long_text_of_nearly_numbers_takes_no_time(rule: Tried) -> None:
    nearly = ["1_" * 50_000 + "x", ":1" * 50_000, "\n" * 100_000, " no" * 30_000, "2026-01-02 " * 10_000, "0" * 900]
    for text in nearly:
        rule.accepts("x-a: 'a " + text + "'")
