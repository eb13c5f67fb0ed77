"""What an executable contract asks for less than it did, key by key, and what only looks like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.history.loosened import Kind, Loosening, compare

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.parse import Contract
    from tests.unit.pv.history.conftest import Repo

OLD = """\
metadata: {version: 1.0.0, description: d, references: [r]}
subject: kernels
equations:
  softmax:
    formula: p = exp(x) / sum exp(x)
    formal: exp(x - max(x)) / sum(exp(x - max(x)))
    kernel: softmax(x)
    let: {top: max(x)}
    domain:
      m: 1..4
      n: [32, 64, 96]
      h: 8
      e: 5..5
      k: 1..n
      x: {dtype: f32, shape: [m, n], range: [-1e3, 1e3], nonfinite: true}
      z: {dtype: f32, shape: [j], j: 2..9, values: [-1, 0, 1]}
      w: {dtype: f16, shape: [n], bits: any}
      b: {dtype: u8, shape: [n]}
      s: {dtype: f32, range: [0, n * 2]}
  prose: {formula: f, domain: x in R}
proof_obligations:
  - id: close
    type: equivalence
    property: the same
    applies_to: softmax
    to: softmax(x) + 0
    let: {part: y * 2}
    where: n > 1
    tolerance: (n + 3) * u * f
    forall: {c: {dtype: f32, range: [-10, 10]}, h: 8, x: {dtype: f32, shape: [m, n], range: [-5, 5]}}
  - {id: inside, type: bound, property: within, applies_to: softmax, between: [0, 1 + u]}
  - {id: steep, type: monotonicity, property: rises, applies_to: softmax, in: x, direction: increasing}
  - {id: drawn, type: invariant, property: drawn so, applies_to: softmax, formal: sum(y) <= 1, alpha: 1e-6, tolerance: 1e-6}
  - {id: exact, type: equivalence, property: exact, applies_to: softmax}
  - {id: said, type: invariant, property: said, applies_to: prose, formal: sum p = 1, tolerance: 1e-6}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, binds_to: softmax, obligation: close}
"""


def changed(contract_of: Callable[..., Contract], old: str, after: str) -> tuple[Loosening, ...]:
    assert OLD.count(old) == 1, old
    return compare(contract_of(OLD), contract_of(OLD.replace(old, after)))


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("m: 1..4", "m: 2..4", "equation softmax: domain m", "1..4 -> 2..4"),
        ("m: 1..4", "m: 1..3", "equation softmax: domain m", "1..4 -> 1..3"),
        ("m: 1..4", "m: [1, 2, 4]", "equation softmax: domain m", "[1, 2, 4]"),
        ("m: 1..4", "m: 4", "equation softmax: domain m", "1..4 -> 4"),
        ("      h: 8\n", "", "equation softmax: domain h", "8 -> none"),
        ("h: 8\n", "h: {dtype: i32, range: [0, 8]}\n", "equation softmax: domain h", "8 -> "),
        ("s: {dtype: f32, range: [0, n * 2]}", "s: 1..4", "equation softmax: domain s", "-> 1..4"),
        ("h: 8\n", "h: 9\n", "equation softmax: domain h", "8 -> 9"),
        ("[32, 64, 96]", "[32, 64]", "equation softmax: domain n", ""),
        ("[32, 64, 96]", "33..96", "equation softmax: domain n", ""),
        ("k: 1..n", "k: [1, 2]", "equation softmax: domain k", "-> [1, 2]"),
        ("e: 5..5", "e: [6]", "equation softmax: domain e", "5..5 -> [6]"),
        ("k: 1..n", "k: 1..m", "equation softmax: domain k", "1..n -> 1..m"),
        ("k: 1..n", "k: 1..64", "equation softmax: domain k", "1..64"),
        ("j: 2..9", "j: 2..8", "equation softmax: domain j", "2..9 -> 2..8"),
        ("range: [-1e3, 1e3]", "range: [-1e3, 1e2]", "equation softmax: domain x.range", "1000"),
        ("range: [-1e3, 1e3]", "range: [-1, 1e3]", "equation softmax: domain x.range", "[-1, 1000.0]"),
        ("range: [0, n * 2]", "range: [0, n]", "equation softmax: domain s.range", "n * 2"),
        ("range: [-1e3, 1e3]", "values: [1, 2]", "equation softmax: domain x.range", "[-1000.0, 1000.0] -> none"),
        (", nonfinite: true", "", "equation softmax: domain x.nonfinite", "True -> none"),
        (", nonfinite: true", ", nonfinite: true, distinct: true", "equation softmax: domain x.distinct", "-> True"),
        ("bits: any", "range: [0, 1]", "equation softmax: domain w.bits", "any -> none"),
        ("dtype: f16", "dtype: f32", "equation softmax: domain w.dtype", "f16 -> f32"),
        ("shape: [m, n], range: [-1e3", "shape: [n, m], range: [-1e3", "equation softmax: domain x.shape", ""),
        ("values: [-1, 0, 1]", "values: [-1, 1]", "equation softmax: domain z.values", "[-1, 0, 1] -> [-1, 1]"),
        ("shape: [n]}", "shape: [n], range: [0, 9]}", "equation softmax: domain b.range", "none -> [0, 9]"),
        ("exp(x - max(x)) / sum(exp(x - max(x)))", "exp(x)", "equation softmax: formal", "-> exp(x)"),
        ("    kernel: softmax(x)\n", "", "equation softmax: kernel", "softmax(x) -> none"),
        ("let: {top: max(x)}", "let: {top: min(x)}", "equation softmax: let top", "max(x) -> min(x)"),
        ("subject: kernels", "subject: others", "subject", "kernels -> others"),
        ("subject: kernels\n", "", "subject", "kernels -> none"),
        ("to: softmax(x) + 0", "to: y", "obligation close: to", "-> y"),
        ("    to: softmax(x) + 0\n", "", "obligation close: to", "-> none"),
        ("type: equivalence\n    property: the same", "type: bound\n    property: the same", "obligation close: type", ""),
        ("let: {part: y * 2}", "let: {part: y}", "obligation close: let part", "y * 2 -> y"),
        ("where: n > 1", "where: n > 2", "obligation close: where", "n > 1 -> n > 2"),
        ("between: [0, 1 + u]}", "between: [0, 1 + u], where: n > 4}", "obligation inside: where", "none -> n > 4"),
        ("(n + 3) * u * f", "(n + 4) * u * f", "obligation close: tolerance", "(n + 3) * u * f -> (n + 4) * u * f"),
        ("(n + 3) * u * f", "1e-3", "obligation close: tolerance", "-> 0.001"),
        ("alpha: 1e-6, tolerance: 1e-6", "alpha: 1e-6, tolerance: 1e-5", "obligation drawn: tolerance", "1e-06 -> 1e-05"),
        ("property: exact, applies_to: softmax", "property: exact, applies_to: softmax, tolerance: 1e-9", "obligation exact: tolerance", "none -> 1e-09"),
        ("range: [-10, 10]", "range: [-10, 1]", "obligation close: forall c.range", ""),
        ("c: {dtype: f32, range: [-10, 10]}, ", "", "obligation close: forall c", ""),
        ("range: [-5, 5]", "range: [-4, 5]", "obligation close: forall x.range", ""),
        ("property: within,", "property: within, forall: {m: 1..3},", "obligation inside: forall m", "1..4 -> 1..3"),
        ("between: [0, 1 + u]", "between: [-1, 1 + u]", "obligation inside: between", ""),
        ("between: [0, 1 + u]", "between: [0, 2]", "obligation inside: between", ""),
        (", between: [0, 1 + u]", "", "obligation inside: between", "-> none"),
        ("direction: increasing", "direction: decreasing", "obligation steep: direction", ""),
        ("in: x,", "in: z,", "obligation steep: in", "x -> z"),
        ("formal: sum(y) <= 1", "formal: sum(y) <= 2", "obligation drawn: formal", ""),
        ("property: exact, applies_to: softmax", "property: exact, applies_to: softmax, oracle: other", "obligation exact: oracle", ""),
        ("property: exact, applies_to: softmax", "property: exact, applies_to: softmax, along: m", "obligation exact: along", ""),
        ("property: exact, applies_to: softmax", "property: exact, applies_to: softmax, under: shift", "obligation exact: under", ""),
        ("property: exact, applies_to: softmax", "property: exact, applies_to: softmax, axis: 0", "obligation exact: axis", ""),
        ("property: exact, applies_to: softmax", "property: exact, applies_to: softmax, result: odd", "obligation exact: result", ""),
        ("property: exact, applies_to: softmax", "property: exact, applies_to: softmax, through: y", "obligation exact: through", ""),
        ("property: exact, applies_to: softmax", "property: exact, applies_to: softmax, to: y", "obligation exact: to", ""),
        ("alpha: 1e-6, ", "alpha: 1e-9, ", "obligation drawn: alpha", "1e-06 -> 1e-09"),
        ("alpha: 1e-6, ", "", "obligation drawn: alpha", "-> none"),
        ("property: rises, applies_to: softmax", "property: rises, applies_to: prose", "obligation steep: applies_to", ""),
        ("formal: sum p = 1, tolerance: 1e-6", "formal: sum p = 1, tolerance: 1e-5", "obligation said: tolerance", ""),
    ],
)  # fmt: skip
def test_a_loosening_has_its_key(
    contract_of: Callable[..., Contract], old: str, new: str, key: str, words: str
) -> None:
    found = changed(contract_of, old, new)
    assert [one.key for one in found] == [key]
    assert words in found[0].text
    assert found[0].text.startswith(f"{key} ")  # so that an entry may quote it whole
    assert found[0].claim == ""
    tolerance, domain = key.endswith("tolerance"), key.startswith("equation softmax: domain")
    assert found[0].kind is (Kind.TOLERANCE if tolerance else Kind.DOMAIN if domain else Kind.FORMULA)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("m: 1..4", "m: 1 .. 5"),
        ("m: 1..4", "m: [1, 2, 3, 4]"),
        ("m: 1..4", "m: [0, 1, 2, 3, 4, 9]"),
        ("[32, 64, 96]", "[96, 128, 64, 32]"),
        ("[32, 64, 96]", "32..96"),
        ("h: 8\n", "h: [8]\n      g: 3\n"),
        ("h: 8\n", "h: 8..8\n"),
        ("e: 5..5", "e: [5]"),
        ("k: 1..n", "k: 0..(n)"),
        ("j: 2..9", "j: 1..9"),
        ("shape: [j], j: 2..9, values: [-1, 0, 1]}", "shape: [j], values: [0, -1.0, 1]}\n      j: 2..9"),
        ("range: [-1e3, 1e3]", "range: [-1.0e+4, 1000]"),
        ("range: [0, n * 2]", "range: [-1, n*2]"),
        ("range: [-1e3, 1e3]", "bits: any"),  # every value that there is
        ("values: [-1, 0, 1]", "values: [-1, 0, 1, 2]"),
        ("dtype: f16, ", "x-why: old halves, dtype: f16, "),
        ("exp(x - max(x)) / sum(exp(x - max(x)))", "exp(x-max(x))/(sum(exp(x - max(x))))"),
        ("formula: p = exp(x) / sum exp(x)", "formula: p ~ exp(x)\n    invariants: [p >= 0]\n    plot: {x: [0, 1], curves: {a: x}}"),
        ("let: {top: max(x)}", "let: {top: max(x), low: min(x)}"),
        ("    where: n > 1\n", ""),
        ("where: n > 1", "where: (n>1)"),
        ("(n + 3) * u * f", "(n+3)*u*f"),
        ("    tolerance: (n + 3) * u * f\n", ""),  # each bit
        ("(n + 3) * u * f", "0.0"),
        (", alpha: 1e-6, tolerance: 1e-6", ", alpha: 1e-6, tolerance: 1e-7"),
        ("property: exact,", "property: exact, tolerance: 0,"),
        ("range: [-10, 10]", "range: [-11, 10]"),
        (", x: {dtype: f32, shape: [m, n], range: [-5, 5]}", ""),  # then the wider one of the equation is drawn
        (", h: 8,", ","),
        ("property: within,", "property: within, forall: {m: 1..9, q: 1..2},"),
        ("between: [0, 1 + u]", "between: [0.5, 1+u]"),
        (", direction: increasing", ""),
        ("alpha: 1e-6, ", "alpha: 1e-5, "),
        ("property: rises", "property: never falls"),
        ("formal: sum p = 1,", "formal: all p are 1,"),  # prose is judged by nobody
        ("domain: x in R", "domain: {x: {dtype: f32, range: [0, 1]}}"),
    ],
)  # fmt: skip
def test_what_asks_for_as_much_or_more_is_no_loosening(
    contract_of: Callable[..., Contract], old: str, new: str
) -> None:
    assert changed(contract_of, old, new) == ()


def test_a_claim_that_runs_another_obligation_asks_for_something_else(contract_of: Callable[..., Contract]) -> None:
    for instead in ("obligation: exact", "obligation: [close]", "rule: r"):
        (one,) = changed(contract_of, "obligation: close}", f"{instead}}}")
        assert (one.key, one.claim, one.kind) == ("F-1: obligation", "F-1", Kind.FORMULA)
        assert one.text.startswith("F-1: obligation close -> ")
    prose = OLD.replace("obligation: close}", "obligation: said}")
    assert compare(contract_of(prose), contract_of(OLD)) == ()


def test_a_domain_that_becomes_prose_or_goes_is_one_loosening(contract_of: Callable[..., Contract]) -> None:
    start, end = OLD.index("    domain:\n"), OLD.index("  prose:")
    for instead, words in (("    domain: x in R^n\n", "executable -> x in R^n"), ("", "executable -> none")):
        (one,) = changed(contract_of, OLD[start:end], instead)
        assert (one.key, one.kind) == ("equation softmax: domain", Kind.DOMAIN)
        assert words in one.text
    found = changed(contract_of, OLD[OLD.index("  softmax:") : end], "")
    assert [one.key for one in found] == ["equation softmax: domain"]


COMMITTED = """\
metadata: {version: 1.0.0, description: d, references: [r]}
status: PARTIAL_ALGORITHM_LEVEL
equations:
  double: {formula: y = 2 x, domain: {n: 1..64, x: {dtype: f32, shape: [n], range: [-1e3, 1e3]}}}
proof_obligations:
  - {id: close, type: equivalence, property: p, applies_to: double, to: 2 * x, tolerance: n * u * f}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, obligation: close, mutants: [{id: m, stage: double}]}
status_history:
  - {date: "2026-01-01", from: NEW, to: PROPOSED, reason: written}
  - {date: "2026-01-02", from: PROPOSED, to: PARTIAL_ALGORITHM_LEVEL, evidence: [4f1d0c52a3b96e78]}
"""
ENTRY = '  - {date: "2026-03-05T10:00:00Z", from: PARTIAL_ALGORITHM_LEVEL, to: PARTIAL_ALGORITHM_LEVEL, reason: so it is, loosens: [%s]}\n'


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("n: 1..64", "n: 1..32", "equation double: domain n"),
        ("n * u * f", "2 * n * u * f", "obligation close: tolerance"),
        ("to: 2 * x", "to: 2 * x, where: n > 1", "obligation close: where"),
    ],
)
def test_what_was_committed_is_remembered_until_an_entry_owns_up(repo: Repo, old: str, new: str, key: str) -> None:
    repo.commit(COMMITTED)
    assert repo.grave() == []
    looser = COMMITTED.replace(old, new)
    repo.write(looser)
    (told,) = repo.grave()
    assert told.startswith(f"{key} ")
    assert "no entry says so" in told
    repo.commit()
    assert len(repo.grave()) == 1
    repo.write(looser + ENTRY % f'"{key}"')
    assert repo.grave() == []
    assert [one.text for one in repo.remarks() if one.caps and one.text.startswith(key)]


def test_what_is_asked_for_more_is_nobody_s_business(repo: Repo) -> None:
    repo.commit(COMMITTED)
    repo.write(
        COMMITTED.replace("n: 1..64", "n: 1..128").replace("[-1e3, 1e3]", "[-1e4, 1e4]").replace("n * u * f", "n*u*f")
    )
    assert repo.grave() == []
    assert [one for one in repo.remarks() if one.caps] == []


def test_a_draft_is_still_being_written_and_what_came_before_it_is_not_forgotten(repo: Repo) -> None:
    draft = COMMITTED.replace("status: PARTIAL_ALGORITHM_LEVEL", "status: PROPOSED")
    looser = COMMITTED.replace("n: 1..64", "n: 1..32").replace("n * u * f", "2 * n * u * f")
    repo.commit(draft)
    repo.write(looser)
    assert [one for one in repo.grave() if "domain" in one or "tolerance" in one] == []
    repo.commit(COMMITTED)
    repo.commit(draft)  # put back, and loosened only then
    repo.write(looser)
    assert [one.split(" ")[0:3] for one in repo.grave() if "double" in one or "close" in one] == [
        ["equation", "double:", "domain"],
        ["obligation", "close:", "tolerance"],
    ]


def test_faults_of_a_draft_move_from_claim_to_claim_until_it_is_promoted(repo: Repo) -> None:
    draft = COMMITTED.replace("status: PARTIAL_ALGORITHM_LEVEL", "status: PROPOSED")
    other = COMMITTED.replace("id: m, stage", "id: another, stage")
    repo.commit(draft)
    repo.write(other)
    assert [one for one in repo.grave() if "mutant" in one] == []
    repo.commit(COMMITTED)
    repo.write(other)
    assert [one.split(" removed")[0] for one in repo.grave() if "mutant" in one] == ["F-1: mutant m"]
