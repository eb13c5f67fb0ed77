"""Claims about a ledger that name no command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV545"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "falsification_tests: [{id: F-1, test: cargo test -p ledger --lib parity_}]",
        KIND + "falsification_tests: [{id: F-1, test: bash check.sh --self-test}]",
        KIND + "falsification_tests: [{id: F-1, test: ./check.sh}]",
        KIND + "falsification_tests: [{id: F-1, test: make bench-decode}]",
        KIND + "falsification_tests: [{id: F-1, test: pv validate ledger.yaml}]",
        KIND + 'falsification_tests: [{id: F-1, test: "X=1 cargo test"}]',
        KIND + "falsification_tests: [{id: F-1, test: tests/test_ledger.py::test_rows}]",
        # another name for the same
        KIND + "falsification_tests: [{id: F-1, command: bash check.sh}]",
        # a harness will do
        KIND + 'falsification_tests: [{id: F-1, test: "", test_harness: bash check.sh}]',
        # the shape is for another rule to report
        KIND + "falsification_tests: [{id: F-1, test: [a]}]",
        # other kinds are asked less
        "falsification_tests: [{id: F-1}]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        (KIND + "falsification_tests: [{id: §F-1}]", "names no command", Severity.NOTE),
        (KIND + 'falsification_tests: [{id: §F-1, test: "  "}]', "names no command", Severity.NOTE),
        (KIND + "falsification_tests: [{id: F-1, test: §see the case table}]", "is prose", Severity.WARNING),
        (KIND + "falsification_tests: [{id: F-1, test: §make sure that the rows agree}]", "is prose", Severity.WARNING),
        (KIND + "falsification_tests: [{id: F-1, command: §Delete a row and look}]", "is prose", Severity.WARNING),
        (
            KIND + "falsification_tests: [{id: F-1, test_harness: §look at the table again}]",
            "is prose",
            Severity.WARNING,
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
