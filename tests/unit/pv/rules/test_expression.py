"""Texts that are not of the language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV242"


DOMAIN = "domain: {n: 1..4, x: {dtype: f32, shape: [n], range: [0, 1]}}"


def equation(more: str) -> str:
    return f"equations:\n  f: {{formula: y, {DOMAIN}, {more}}}\n"


def obligation(more: str, kind: str = "equivalence", of: str = "formal: 2 * x") -> str:
    said = f"{{id: O-1, type: {kind}, property: p, applies_to: f, {more}}}"
    return equation(of) + f"proof_obligations:\n  - {said}\n"


@pytest.mark.parametrize(
    "good",
    [
        "proof_obligations: [{type: invariant, property: p, formal: ∀x: f(x) = x}]",  # in words, of a domain in words
        equation("formal: exp(x - max(x)) / sum(exp(x)), kernel: f(x), let: {top: max(x), more: top + n}"),
        equation("formal: g(x) + 1"),  # a kernel of the subject, whatever it has
        obligation("to: 'x + x', tolerance: n * u * f, where: n > 1"),
        obligation("tolerance: 1e-6"),
        obligation("between: [0, n + u]", "bound"),
        obligation("between: [null, 1]", "bound"),
        obligation("through: f(y)", "roundtrip"),
        obligation("formal: all(y >= z), let: {z: x - 1}, verification: each ≥ z", "invariant"),
        obligation("formal: y[..., 0] >= alpha, alpha: 1.0e-6", "invariant"),
        equation("plot: {t: [0, 1], title: the ≥, curves: {a: t ** 2, b: exp(t)}, log: [y]}"),
        "equations: {f: {formula: y, domain: x > 0, formal: exp(anything)}}",
        obligation("to: 'y +'", "invariant", "formal: 2 * x"),  # a key that the type does not take: PV243
        equation("formal: y + 1"),  # PV245
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (equation("formal: exp(§z)"), "nothing is called 'z'"),
        (equation("formal: 'exp(§z)'"), "nothing is called 'z'"),
        (equation("formal: exp(x) + '§sum(x, 3, 4)'").replace("exp(x) + '", "'exp(x) + "), "sum takes"),
        (equation("formal: §x.T"), "no attributes"),
        (equation("formal: 'x §≥ 1'"), "ASCII"),
        (equation("formal: §''"), "must not be empty"),
        (equation("kernel: 'f(x, §w)'"), "'w'"),
        (equation("kernel: §x"), "a kernel is a call"),
        (equation("kernel: §exp(x)"), "no kernel"),
        (equation("let: {top: max(§xx)}"), "did you mean 'x'"),
        (equation("let: {§x: max(x)}").replace("§x: max(x)", "x: §max(x)"), "cannot be a new name"),
        (equation("plot: {t: [0, 1], curves: {a: t, b: §x}}"), "'x'"),
        (equation("plot: {t: [0, 1], bars: {a: 1 +§}}"), "not an expression"),
        ("equations: {f: {formula: y, domain: x > 0, formal: x [§for}}".replace("x [§for", "§x.y"), "attributes"),
        ("equations: {f: {formula: y, domain: x > 0, kernel: §f(x)}}", "the domain is in words"),
        (obligation("to: x + §q"), "'q'"),
        (obligation("tolerance: 3 * §eps"), "'eps'"),
        (obligation("tolerance: 1e-6, where: '§lambda: 1'"), "no functions of its own"),
        (obligation("between: [0, §top]", "bound"), "'top'"),
        (obligation("through: §__import__", "roundtrip"), "begins with a letter"),
        (obligation("through: §__import__(y)", "roundtrip"), "begins with a letter"),
        (obligation("formal: y == §sum", "invariant"), "is a function: call it"),
        (obligation("formal: alpha <= 1", "invariant").replace("alpha", "§alpha"), "'alpha'"),
        (obligation("formal: y <= z, let: {z: 2 * §w}", "invariant"), "'w'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (equation("formal: exp(x) / §sun(x)"), "did you mean 'sin' or 'sum'?"),
        (equation("let: {a: 1 + §gama(n)}"), "did you mean 'gamma'?"),
        (obligation("formal: y <= §expp(x)", "invariant"), "did you mean 'exp'?"),
        (obligation("between: [0, §bsqrt(n)]", "bound"), "did you mean 'sqrt'?"),
        (obligation("formal: z > 0, let: {z: §fexp(y)}", "invariant"), "did you mean 'exp'?"),
    ],
)
def test_a_call_that_is_nearly_a_function_is_looked_at_twice(rule: Tried, text: str, words: str) -> None:
    found = rule.finds(text, words)
    assert found.severity is Severity.WARNING
    assert "looked for in the subject" in found.message


def test_a_kernel_may_be_called_as_it_likes(rule: Tried) -> None:
    rule.accepts(equation("formal: min_p(x) + softmax(x) + top_k(x) + g(x) + s(x)"))
    rule.accepts(f"equations:\n  sun: {{formula: y, {DOMAIN}}}\n  f: {{formula: y, {DOMAIN}, formal: sun(x)}}\n")


@pytest.mark.parametrize("style", [">-", "|", ">"])
def test_the_place_is_the_character_in_a_block(rule: Tried, style: str) -> None:
    rule.finds(
        f"""\
equations:
  f:
    formula: y
    {DOMAIN}
    formal: {style}
      exp(x)
        + sum(x) * §wrong
        + 1
""",
        "'wrong'",
    )


def test_the_place_is_the_character_in_plain_text_over_lines_and_in_quotes(rule: Tried) -> None:
    for text in ("exp(x) +\n      §w + 1", "'exp(x) +\n      §w + 1'", '"exp(x) + §w"'):
        rule.finds(f"equations:\n  f:\n    formula: y\n    {DOMAIN}\n    formal: {text}\n", "'w'")


def test_an_escape_is_not_followed(rule: Tried) -> None:
    (one,) = rule.found(f'equations:\n  f:\n    formula: y\n    {DOMAIN}\n    formal: "exp(x) \\x2b w"\n')
    assert "'w'" in one.message
    assert one.span.col == len("    formal: ") + 1


def test_each_equation_and_each_obligation_has_its_say(rule: Tried) -> None:
    found = rule.found(
        f"equations:\n  f: {{formula: y, {DOMAIN}, formal: q}}\n  g: {{formula: y, {DOMAIN}}}\n"
        "proof_obligations:\n"
        "  - {type: invariant, property: p, applies_to: f, formal: q2}\n"  # waits until f is mended
        "  - {type: invariant, property: p, applies_to: g, formal: q3}\n"
        "  - {type: invariant, property: p2, applies_to: g, formal: q4}\n"
    )
    assert [one.message.split("'")[-2] for one in found] == ["q", "q3", "q4"]
    assert found[1].message.startswith("proof obligation 2, formal: ")


def test_what_the_schema_says_is_said_once(rule: Tried) -> None:
    for text in (equation("let: {a: [1]}"), obligation("tolerance: [1]"), equation("kernel: 3")):
        assert [one.code for one in rule.read(text).findings if one.code in {"PV103", "PV242"}] == ["PV103"], text


def test_what_is_wrong_elsewhere_hides_nothing(rule: Tried) -> None:
    claims = "falsification_tests:\n  - {id: F-1, prediction: p, if_fails: q, rule: [x], rul: 3}\n"
    rule.finds(equation("formal: exp(§z)") + claims, "'z'")
    rule.finds(equation("formal: exp(§z), formally: 1"), "'z'")
    rule.finds(obligation("under: shift, tolerance: u * §q, axis: first", "symmetry"), "'q'")
