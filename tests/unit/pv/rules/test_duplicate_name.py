"""Two contracts of a project under one name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV009"
CONTRACT = 'metadata: {version: "1", description: d}\nequations: {}\n'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("other-v1.yaml", CONTRACT),
        ("old/base-v2.yaml", CONTRACT),
        ("old/base-v1.yaml", "rows: [1]"),  # of the same name, and no contract
        ("old/base-v1.yaml", "a: ["),
    ],
)
def test_good(rule: Tried, name: str, text: str) -> None:
    rule.beside("base-v1.yaml", CONTRACT)
    rule.beside(name, text)
    rule.accepts("status: ACTIVE")


def test_alone(rule: Tried) -> None:
    rule.accepts("status: ACTIVE")


@pytest.mark.parametrize("names", [["old/base-v1.yaml"], ["older/base-v1.yml", "old/base-v1.yaml"]])
def test_bad(rule: Tried, names: list[str]) -> None:
    for name in ["base-v1.yaml", *names]:
        rule.beside(name, CONTRACT)
    (found,) = rule.found("status: ACTIVE")
    assert (found.span.line, found.span.col) == (1, 1)
    assert "stands in old/base-v1.yaml as well" in found.message
