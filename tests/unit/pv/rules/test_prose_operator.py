"""Words of prose between commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV404"


@pytest.mark.parametrize(
    "good",
    [
        "cargo test -p reader && apr check m.apr",
        "echo this AND that",
        "grep -q 'this AND that' src/lib.rs",
        "cargo test this_and_that",
        "run cargo test AND look at the output",
        "psql -c 'select 1 AND apr'",
        "find . -name AND",
        "cargo test -p reader -- or -q",
        "git commit -m AND pytest",
        "[ $(grep -c word file) == 3 ]",
        "grep -q '==' src/lib.rs",
        "grep -q == src/lib.rs",
        "test one == other",
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
        ("cargo test -p reader §AND apr check m.apr", "write '&&'"),
        ("cargo test -p reader §OR cargo test -p writer", "write '||'"),
        ("cargo test -p reader §and cargo test -p writer", "argument of 'cargo'"),
        ("apr check m.apr §THEN ./scripts/compare.sh", "write '&&'"),
        ("grep -c word file §== 3", "compare what it prints"),
        ("apr list | grep -c model §≥ 3", "'≥' is no operator"),
        ("grep -E unwrap src/lib.rs §→ empty", "'→'"),
        ("cd crates && cargo test §AND pytest -q", "'AND'"),
        ("§cargo test -p reader AND\napr check m.apr && cargo test AND apr", "argument of 'cargo'"),
    ],
)
def test_bad(rule: Tried, tested: Callable[..., str], bad: str, words: str) -> None:
    rule.finds(tested(bad), words)
