"""Contracts that depend on each other in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV333"
META = 'metadata: {version: "1", description: d, references: [r], depends_on: %s}\n'
FILES = {
    f"{name}-v1.yaml": META % wanted
    for name, wanted in {
        "a": "[b-v1]",
        "b": "[]",
        "c": "[d-v1]",
        "d": "[c-v1.yaml]",
        "far": "[a-v1, back-v1]",
        "back": "[base-v1]",
    }.items()
}


@pytest.mark.parametrize(
    "good",
    [
        META % "[a-v1]",
        # a circle that this contract only leads to
        META % "[c-v1]",
        META % "[gone-v1]",
        META % "[1, null]",
        META % "{a: b}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (META % "[§base-v1]", "circle: base-v1 → base-v1"),
        (META % "[a-v1, §contracts/back-v1.yaml]", "circle: base-v1 → back-v1 → base-v1"),
        (META % "[a-v1, §far-v1, back-v1]", "base-v1 → far-v1 → back-v1 → base-v1"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.finds(bad, words)


def test_each_of_a_circle_is_told_and_a_long_chain_is_walked_once(rule: Tried) -> None:
    from pv.corpus import read

    names = [f"n{number}-v1" for number in range(1500)]
    for name, after in zip(names, [*names[1:], names[1400]], strict=True):
        rule.beside(f"{name}.yaml", META % f"[{after}]")
    found = {
        name: [one.message for one in read(rule.folder / f"{name}.yaml", index=rule.index).findings if one.code == CODE]
        for name in ("n0-v1", "n1399-v1", "n1400-v1", "n1499-v1")
    }
    assert [len(messages) for messages in found.values()] == [0, 0, 1, 1]
    assert "n1400-v1 → n1401-v1" in found["n1400-v1"][0]
    assert found["n1400-v1"][0].endswith("→ … → n1400-v1")


def test_a_node_off_the_first_circle_is_found_as_well(rule: Tried) -> None:
    wanted = {"p": "[q-v1, t-v1]", "q": "[s-v1]", "s": "[p-v1]", "t": "[s-v1]"}
    for name, others in wanted.items():
        rule.beside(f"{name}-v1.yaml", META % others)
    from pv.corpus import read

    found = [
        [
            one.message.rpartition(": ")[2]
            for one in read(rule.folder / f"{name}-v1.yaml", index=rule.index).findings
            if one.code == CODE
        ]
        for name in wanted
    ]
    assert found == [
        ["p-v1 → q-v1 → s-v1 → p-v1"],
        ["q-v1 → s-v1 → p-v1 → q-v1"],
        ["s-v1 → p-v1 → q-v1 → s-v1"],
        ["t-v1 → s-v1 → p-v1 → t-v1"],
    ]
