"""Domains that are mappings and cannot be drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV241"


def equation(domain: str) -> str:
    return f"equations:\n  f: {{formula: y, domain: {{{domain}}}}}\n"


def obligation(more: str) -> str:
    said = "{id: O-1, type: frame, property: p, applies_to: f, " + more + "}"
    return equation("n: 1..4, x: {dtype: f32, shape: [n], range: [0, 1]}") + f"proof_obligations:\n  - {said}\n"


@pytest.mark.parametrize(
    "good",
    [
        "equations: {f: {formula: x, domain: x > 0}}",
        "equations: {f: {formula: x, domain: [x]}}",  # of the wrong kind: PV103
        equation("n: 1..4, x: {dtype: f32, shape: [n, 2 * n], range: [-1e3, 1.0e+3]}"),
        equation("x: {dtype: bf16, shape: [n], n: 1..4, values: [1, 2.5, 1e3]}"),
        equation("k: [1, 2, 4], n: k..2*k, i: {dtype: i64, range: [0, n - 1]}, b: {dtype: bool}"),
        equation("h: 8, x: {dtype: f16, shape: [h], bits: any}, z: {dtype: f32, range: [0, 1], x-note: why}"),
        obligation("forall: {c: {dtype: f32, range: [0, n]}, n: 2..3}"),
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (equation("x: {dtype: §float32, shape: [2], range: [0, 1]}"), "'float32'; did you mean|one of f32"),
        (equation("§x: {shape: [2], range: [0, 1]}"), "needs a dtype"),
        (equation("x: {dtype: f32, shape: [§n], range: [0, 1]}"), "nothing is called 'n'"),
        (equation("x: {dtype: f32, shape: [m * §n], range: [0, 1]}, n: 1..2").replace("x:", "m: 2, x:"), "'n'"),
        (equation("x: {dtype: f32, shape: §4, range: [0, 1]}"), "a shape is a list"),
        (equation("x: {dtype: f32, shape: [4], §range: [1, 0]}"), "nothing lies between 1 and 0"),
        (equation("x: {dtype: f32, shape: [4], §range: [1]}"), "a list of two"),
        (equation("x: {dtype: f32, shape: [4], range: [0, §z]}"), "nothing is called 'z'"),
        (equation("x: {dtype: f32, shape: [4], §rnage: [0, 1]}"), "did you mean 'range'"),
        (equation("§x: {dtype: f32, shape: [4]}"), "range, values, or bits"),
        (equation("x: {dtype: f32, shape: [4], range: [0, 1], §values: [1]}"), "exclude each other"),
        (equation("x: {dtype: f32, shape: [4], §values: []}"), "a list of numbers"),
        (equation("x: {dtype: i32, shape: [4], range: [0, 1], nonfinite: §true}"), "only floats"),
        (equation("x: {dtype: f32, shape: [4], bits: §all}"), "only be `any`"),
        (equation("x: {dtype: f32, shape: [4], range: [0, 1], distinct: §often}"), "true or false"),
        (equation("n: §4..1"), "no size lies in 4..1"),
        (equation("n: §many"), "a size is `1..64`"),
        (equation("n: 1..§m"), "nothing is called 'm'"),
        (equation("§n: [1, a]"), "a size is"),
        (equation("y: §1..2"), "means something"),
        (equation("n: 1..2, n-1: §1..2"), "no name"),
        ("equations: {f: {formula: y, §domain: {}}}", "at least one input"),
        (obligation("forall: {c: {dtype: §f31, range: [0, 1]}}"), "did you mean 'f32'"),
        (obligation("forall: {c: {dtype: f32, range: [0, §q]}}"), "'q'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    found = rule.finds(bad)
    said = f"{found.message}; {found.help}"
    assert any(one in said for one in words.split("|")), said


def test_the_place_is_the_character_in_a_text_of_several_lines(rule: Tried) -> None:
    rule.finds(
        """\
equations:
  f:
    formula: y
    domain:
      n: 1..4
      x:
        dtype: f32
        shape:
          - >-
            n *
            2 + §k
        range: [0, 1]
""",
        "'k'",
    )


def test_what_stands_in_a_domain_is_said_by_no_other_rule(rule: Tried) -> None:
    codes = {one.code for one in rule.read(equation("x: {dtype: float32, shape: 3, bits: 1, rnage: []}")).findings}
    assert codes & {"PV101", "PV103", "PV241"} == {"PV241"}
    whole = rule.read(obligation("forall: 3")).findings
    assert [one.code for one in whole if one.code in {"PV103", "PV241"}] == ["PV103"]
