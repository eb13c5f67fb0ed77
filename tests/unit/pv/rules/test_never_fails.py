"""Tests that cannot fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV401"


@pytest.mark.parametrize(
    "good",
    [
        "apr check model.apr",
        "apr check model.apr || exit 1",
        "apr check model.apr && echo PASS",
        "apr check model.apr || { echo FAIL; exit 1; }",
        "if apr check model.apr; then echo PASS; else echo FAIL; exit 1; fi",
        "mkdir -p out || true\napr check model.apr",
        "apr check model.apr; exit $?",
        # proptest with || true in it
        "compare both sides || true is what it must be",
        "cargo test -p reader -- --nocapture",
        "grep -q 'x || true' src/lib.rs",
        "f() { apr check m.apr; }; f || true",
        "apr check 'model.apr",
    ],
)
def test_good(rule: Tried, tested: Callable[..., str], good: str) -> None:
    contract = rule.read(tested(good)).contract
    assert contract
    assert contract.claims[0].test.strip() == good.strip()
    rule.accepts(tested(good))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("§apr check model.apr && echo PASS || echo FAIL", "leave out '&& … || echo FAIL'"),
        ("§apr check model.apr || true", "leave out '|| true'"),
        ("§bash -c true", "'bash -c true' ends well whatever is the case"),
        ("§apr check model.apr || :", "cannot fail"),
        ("§apr check model.apr; exit 0", "leave out '; exit 0'"),
        ("§apr check model.apr || echo broken", "leave out '|| echo broken'"),
        ('§have=$(apr hash m.apr)\nwant=$(cat m.sum)\n[ "$have" = "$want" ] && echo SAME || echo OTHER', "cannot fail"),
        ("§if apr check m.apr; then echo PASS; else echo FAIL; fi", "let the status of the command that decides"),
        ("§apr check model.apr &", "wait for it"),
        ("§bash -c 'apr check m.apr || true'", "cannot fail"),
        ("§(apr check m.apr || true)", "cannot fail"),
    ],
)
def test_bad(rule: Tried, tested: Callable[..., str], bad: str, words: str) -> None:
    rule.finds(tested(bad), words)


def test_other_fields_are_read_as_well(rule: Tried, tested: Callable[..., str]) -> None:
    rule.finds(tested("§apr check m.apr || true", key="command"), "'command' of 'F-1'")
    rule.finds(tested("§apr check m.apr || true", key="test_harness"), "'test_harness' of 'F-1'")
    rule.finds("enforcement:\n  finite: {description: d, check: §apr check m.apr || true}", "'check' of 'finite'")
    rule.finds(
        "falsification_conditions:\n  - {id: G-1, assertion: p, test_harness: §apr check m.apr || true}", "'G-1'"
    )


def test_of_a_cross_check_the_output_is_read(rule: Tried, tested: Callable[..., str]) -> None:
    rule.accepts(tested("grep -c word src/lib.rs || true", key="cross_check_command"))
