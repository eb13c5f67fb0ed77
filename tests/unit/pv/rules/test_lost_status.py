"""Exit statuses that are thrown away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV402"


@pytest.mark.parametrize(
    "good",
    [
        "set -o pipefail; cargo test -p reader | tee log",
        "apr list | grep -q model",
        "cargo test -p reader && cargo test -p writer",
        "set -e\ncargo test -p reader\ncargo test -p writer",
        "out=$(apr pull none 2>&1)\nstatus=$?\n[ $status -eq 1 ]\n",
        "status=0; apr pull none || status=$?; [ $status -eq 1 ]",
        "cargo test > log 2>&1; grep -q '3 passed' log",
        "cargo test | tee log; grep -q '3 passed' log",
        "cargo test | tee log; exit ${PIPESTATUS[0]}",
        "[ $(grep -c unwrap src/lib.rs | head -1) -eq 0 ]",
        "cargo test -p reader | proptest",
        "cargo test -p reader || true",
        "cargo test -p reader | tee log || true",
        "out=$(apr pull none || true); rc=$?; [ $rc -ne 0 ]",
        "cargo test -p reader\n  nibbles_in_order",
        "proptest; RC=$? | tee",
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
        ("§cargo test -p reader | tee log", "'tee'"),
        ("x=1; §cargo test -p reader | tail -3", "'tail'"),
        ("§grep -r unwrap src | wc -l", "set -o pipefail"),
        ("§cargo test -p reader; cargo test -p writer", "join them by '&&'"),
        ("§cargo test -p reader\ncargo test -p writer", "not asked for"),
        ("§test -f model.apr\napr check model.apr", "'test'"),
        ("out=$(apr pull none || true); rc=§$?; echo $rc | grep -q 1", "is always 0"),
    ],
)
def test_bad(rule: Tried, tested: Callable[..., str], bad: str, words: str) -> None:
    rule.finds(tested(bad), words)


def test_a_status_that_is_always_the_same_is_an_error(rule: Tried, tested: Callable[..., str]) -> None:
    from pv.types import Severity

    rule.finds(tested('§out=$(apr pull none || true)\nrc=$?\n[ -n "$out" ] && apr check m.apr'), "'$?'", Severity.ERROR)
    rule.finds(tested("§cargo test | tee log"), "tee", Severity.WARNING)
