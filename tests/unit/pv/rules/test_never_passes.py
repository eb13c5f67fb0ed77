"""Tests that cannot pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV408"


@pytest.mark.parametrize(
    "good",
    [
        "apr check model.apr",
        "! apr check broken.apr",
        "apr check broken.apr && exit 1 || exit 0",
        'out=$(apr pull none 2>&1)\nrc=$?\n[ "$rc" -ne 0 ] || exit 1\n',
        "if apr check broken.apr; then exit 1; fi",
        "apr check m.apr || { echo no; exit 1; }",
        "apr check m.apr || false",
        "false positives are counted",
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
        (
            "§out=$(apr pull none 2>&1 || true)\nrc=$?\n[ \"$rc\" -ne 0 ] || { echo 'must refuse'; exit 1; }\n",
            "because '$?' is always 0",
        ),
        ("§apr pull none || true; test $? -ne 0", "leave out '|| true'"),
        ("§apr check m.apr; exit 1", "cannot pass"),
        ("§apr check m.apr && false || exit 2", "cannot pass"),
        ("§! true > out.txt", "cannot pass"),
    ],
)
def test_bad(rule: Tried, tested: Callable[..., str], bad: str, words: str) -> None:
    rule.finds(tested(bad), words)
