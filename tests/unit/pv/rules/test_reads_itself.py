"""Tests that only look whether something is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV405"


@pytest.mark.parametrize(
    "good",
    [
        "grep -q unwrap src/lib.rs",
        "grep -q finite contracts/base-v1.yaml src/lib.rs",
        "! grep -rq 'unwrap()' src",
        "test -f model.apr && apr check model.apr",
        "pv validate contracts/base-v1.yaml",
        "grep -q finite contracts/other-v1.yaml",
        "cargo test -p model --test base-v1.yaml",
        '[ "$(apr hash m.apr)" = "$(cat m.sum)" ]',
        "grep -q finite contracts/base-v1.yaml && cargo test -p model",
        "grep -q contracts/base-v1.yaml README.md",
        "[ 1 -eq 1 ] && [ -n word ]",
        "yq .metadata contracts/base-v1.yaml | python3 check.py",
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
        ("§grep -q finite contracts/base-v1.yaml", "its own contract"),
        ("§grep -c FALSIFY base-v1.yaml | grep -q 3", "its own contract"),
        ('§test "$(grep -c FALSIFY contracts/base-v1.yaml)" -ge 3', "its own contract"),
        ("§cat contracts/base-v1.yaml | grep -q finite", "its own contract"),
        ("§n=$(grep -c id contracts/base-v1.yaml); [ $n -gt 2 ]", "its own contract"),
        ("§test -f docs/parity.md", "only asks whether a file exists"),
        ("§[ -s out/model.apr ] && [ -d out ]", "only asks whether a file exists"),
        ("§ls target/release/apr", "only asks whether a file exists"),
        ("§[ -f src/lib.rs ] || { echo missing; exit 1; }", "only asks whether a file exists"),
    ],
)
def test_bad(rule: Tried, tested: Callable[..., str], bad: str, words: str) -> None:
    rule.finds(tested(bad), words)
