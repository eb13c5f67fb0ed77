"""Tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV005"


@pytest.mark.parametrize("good", ["x-a: '!!int 3'", "x-a: ! 3", "x-a: a!b", 'x-a: ["!"]'])
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("x-a: §!!int 3", "tag:yaml.org,2002:int"),
        ("x-a: §!foo {b: 1}", "!foo"),
        ("x-a:\n  - §!!python/object:os.system x", "python"),
        ("x-a: {§!k b: 1}", "!k"),
        ("x-a: §!<tag:a> [1]", "tag:a"),
        ("x-a: §!!set {b}", "set"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
