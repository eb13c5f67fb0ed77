"""Commands that a line break cuts in two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV403"


@pytest.mark.parametrize(
    "good",
    [
        "cargo test -p reader --lib nibbles_in_order",
        "cargo test -p reader; nibbles_in_order",
        "cargo test -p reader \\\n  --lib nibbles_in_order",
        "cargo test -p reader\ncargo test -p writer",
        "cargo test -p reader &&\n  ./scripts/check.sh --all",
        "apr list |\n  grep -q model",
        "echo begin\nllama_server_check",
        "cargo test -p reader\nreader_tool model.apr --strict",
        "proptest over all blocks\n--lib and others",
        "cat <<EOF | apr check -\n--lib\nEOF",
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
        ("§cargo test -p reader --lib\n  nibbles_in_order", "'nibbles_in_order'"),
        ("§cargo test -p reader\n  --lib nibbles_in_order", "'--lib'"),
        ("§cargo test -p reader\n  -- --nocapture", "test: >"),
        ("§apr check model.apr\n  -q", "'-q'"),
        ("§apr check model.apr\nreader::tests::nibbles", "'reader::tests::nibbles'"),
        ("§pytest tests\n  test_nibbles -q", "'test_nibbles'"),
    ],
)
def test_bad(rule: Tried, tested: Callable[..., str], bad: str, words: str) -> None:
    rule.finds(tested(bad), words)
