"""Kernels that are held against themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV245"


DOMAIN = "domain: {n: 1..4, x: {dtype: f32, shape: [n], range: [0, 1]}}"


def contract(of: str, said: str = "type: frame") -> str:
    return (
        f"equations:\n  f: {{formula: y, {DOMAIN}, {of}}}\n"
        f"proof_obligations:\n  - {{id: O-1, property: p, applies_to: f, {said}}}\n"
    )


@pytest.mark.parametrize(
    "good",
    [
        contract("formal: 2 * x"),
        contract("formal: g(x)"),
        contract("formal: f(x + 1) - 1"),
        contract("kernel: 'f(x, n)', formal: f(x)"),
        contract("kernel: f(x)", "type: equivalence, to: f(-x)"),
        contract("kernel: f(x)", "type: equivalence, to: 'y + 0'"),
        contract("kernel: f(x)", "type: invariant, formal: same(y, f(x))"),
        contract("formal: y +"),  # PV242
        contract("kernel: f(x)", "type: invariant, formal: f(-x) == -f(x)"),
        contract("let: {z: n + 1}", "type: invariant, let: {w: z * v, v: y}, formal: w > 0").replace(
            "w: z * v, v: y", "v: y, w: z * v"
        ),
        contract("let: {z: f(x)}", "type: invariant, formal: z > 0"),
        contract("formal: 2 * x", "type: roundtrip, through: y / 2"),
        "equations: {f: {formula: y, domain: x in R, formal: y}}",
        "equations: [{id: f, formula: y, formal: y, domain: {x: {dtype: f32, range: [0, 1]}}}]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (contract("formal: §y"), "reads y"),
        (contract("formal: 2 * x", "type: invariant, formal: §abs(x) <= 1"), "any kernel passes"),
        (contract("let: {z: n + 1}", "type: invariant, let: {w: z}, formal: §w > 0"), "neither reads y"),
        (contract("formal: 2 * x", "type: bound, formal: §1 <= 2"), "what is true of y"),
        (contract("formal: 2 * x", "type: roundtrip, through: §x"), "'through' neither"),
        (contract("formal: §2 * x + 0 * y"), "an obligation"),
        (contract("formal: §f(x)"), "the kernel itself"),
        (contract("kernel: 'f(x, axis=n)', formal: §'f(x,axis=n)'"), "any kernel passes"),
        (contract("formal: 2 * x", "type: equivalence, to: §f( x )"), "against itself"),
        (contract("formal: 2 * x", "type: equivalence, to: §y"), "'oracle'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
