"""Subjects that the project does not name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV247"

EQUATION = "equations:\n  f: {formula: y, domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}\n"


def oracle(name: str, of: str = "f") -> str:
    said = f"{{id: O-1, type: equivalence, property: p, applies_to: {of}, oracle: {name}}}"
    return f"{EQUATION}proof_obligations:\n  - {said}\n"


@pytest.mark.parametrize(
    "good",
    [
        EQUATION,
        f"subject: scipy\n{EQUATION}",
        "subject: [a]\nequations: {f: {formula: y, domain: x > 0}}",  # PV103
        oracle("scipy"),
        oracle("nobody", "g"),
        oracle("3"),
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (f"subject: §kernel\n{EQUATION}", "did you mean 'kernels'"),
        ("subject: §other\nequations: {f: {formula: y, domain: x > 0}}", "name a module there"),
        (f"subject: §''\n{EQUATION}", 'kernels = "package.module"'),
        (oracle("§scipi"), "did you mean 'scipy'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


def test_without_a_word_kernels_are_meant(rule: Tried) -> None:
    rule.index.subjects = ("scipy",)
    rule.finds(EQUATION.replace("domain", "§domain"), "'kernels'")
    rule.accepts("equations: {f: {formula: y, domain: x > 0}}")
    rule.index.subjects = ()  # where nothing is configured nothing is missed
    rule.accepts(EQUATION)
    rule.finds(f"subject: §kernels\n{EQUATION}", "'kernels'")
