"""Outputs that are compared and may both be empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV410"


@pytest.mark.parametrize(
    "good",
    [
        'a=$(apr hash m.apr)\nb=$(apr hash n.apr)\n[ -n "$a" ] && [ "$a" = "$b" ]',
        'a=$(apr hash m.apr)\nb=$(apr hash n.apr)\n[ -n "$b" ] || exit 1\n[ "$a" = "$b" ]',
        'set -e\na=$(apr hash m.apr)\nb=$(apr hash n.apr)\n[ "$a" = "$b" ]',
        'a=$(apr hash m.apr) || exit 1\nb=$(apr hash n.apr)\n[ "$a" = "$b" ]',
        'a=$(apr hash m.apr)\n[ "$a" = 4f1d ]',
        "a=$(apr count m.apr)\nb=$(apr count n.apr)\n[ $a -eq $b ]",
        'a=$(apr hash m.apr)\nb=$(apr hash n.apr)\n[ "$a" != "$b" ]',
        'a=$(apr hash m.apr)\nb=$(apr hash n.apr)\necho "$a" | grep -q 4f\n[ "$a" = "$b" ]',
        'a=x$(apr hash m.apr)\nb=$(apr hash n.apr)\n[ "$a" = "$b" ]',
        'a=1; b=1; apr check m.apr && [ "$a" = "$b" ]',
        "proptest: [ a = b ]",
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
        ('§a=$(apr hash m.apr)\nb=$(apr hash n.apr)\n[ "$a" = "$b" ]', '"$a" and "$b"'),
        ('§a="$(apr hash m.apr | head -1)"\nb=`apr hash n.apr`\n[[ $a == $b ]]', "$a and $b"),
        ('§test "$(apr hash m.apr)" = "$(apr hash n.apr)"', "set -e"),
        ('§a=$(apr hash m.apr)\nb=$(apr hash n.apr)\n[ "${a}" = "${b}" ] || { echo differs; exit 1; }', "[ -n … ]"),
        (
            '§a=$(apr hash m.apr)\nif [ "$a" = "$(apr hash n.apr)" ]; then exit 0; else exit 1; fi\n',
            "are the same where both are empty",
        ),
    ],
)
def test_bad(rule: Tried, tested: Callable[..., str], bad: str, words: str) -> None:
    rule.finds(tested(bad), words)
