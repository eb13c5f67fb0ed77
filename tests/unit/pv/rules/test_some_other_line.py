"""Tests that a `grep -v` decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV411"


@pytest.mark.parametrize(
    "good",
    [
        "! apr list | grep -q broken",
        "! grep -v ok out.txt",
        "grep -v '^#' conf | grep -q strict",
        "apr list | grep -v broken && exit 1 || exit 0",
        '[ -z "$(grep -v ok out.txt)" ]',
        "grep -q v out.txt",
        "grep -v ok out.txt; apr check m.apr",
        "grep versions out.txt",
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
        ("apr list | §grep -v broken", "passes where any line lacks"),
        ("§grep -qv broken out.txt", "grep -q word"),
        ("apr check m.apr && apr list | §grep --invert-match broken", "lacks the word"),
        ("§apr list > out.txt\ngrep -vE 'a|b' out.txt", "lacks the word"),
        ("§rg -v broken src", "lacks the word"),
    ],
)
def test_bad(rule: Tried, tested: Callable[..., str], bad: str, words: str) -> None:
    rule.finds(tested(bad), words)
