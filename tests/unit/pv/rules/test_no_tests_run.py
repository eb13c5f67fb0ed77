"""Runners told to pass without a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV409"


@pytest.mark.parametrize(
    "good",
    [
        "pytest tests/router -k largest",
        "cargo test -p reader nibbles",
        "pytest tests/router && [ $? -eq 5 ]",
        "pytest tests/router || [ $? -eq 1 ]",
        "cargo nextest run --no-tests=fail",
        "apr check m.apr --list",
        "grep -q -- --no-run Makefile",
        "cargo build --no-run",
        "apr x || [ $? -eq 5 ]",
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
        ("§pytest tests/router -k largest || [ $? -eq 5 ]", "status 5"),
        ("§python3 -m pytest tests || test $? -eq 5", "status 5"),
        ("§cargo test -p reader --no-run", "'--no-run'"),
        ("§cargo nextest run --no-tests=pass", "'--no-tests=pass'"),
        ("§pytest --collect-only tests", "'--collect-only'"),
        ("§npx jest --passWithNoTests", "'--passWithNoTests'"),
        ("§timeout 60 uv run pytest --co", "'--co'"),
    ],
)
def test_bad(rule: Tried, tested: Callable[..., str], bad: str, words: str) -> None:
    rule.finds(tested(bad), words)
