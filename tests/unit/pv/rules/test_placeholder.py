"""Texts that nobody has filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV290"
ONE = "{id: F-1, rule: r, prediction: %s, if_fails: q}"


@pytest.mark.parametrize(
    "good",
    [
        f"falsification_tests: [{ONE % 'todo lists are sorted'}]",
        f"falsification_tests: [{ONE % 'it is TODO of nobody'}]",
        f"falsification_tests: [{ONE % 'TODOS is the name of a table'}]",
        f"falsification_tests: [{ONE % 'fill in the blanks'}]",
        f"# TODO: more of them\nfalsification_tests: [{ONE % 'p'}]",
        "x-notes: {next: TODO write it}",
        "equations: {TODO: {formula: x, domain: d}}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (f"falsification_tests: [{ONE % '§TODO'}]", "'TODO'"),
        (f"falsification_tests: [{ONE % '§TBD after the release'}]", "'TBD after the release'"),
        (f"falsification_tests: [{ONE % '§FIXME'}]", "FIXME"),
        ('equations: {f: {formula: §"FILL IN: y = f(x)", domain: d}}', "FILL IN: y = f(x)"),
        ("equations: {f: {formula: x, domain: d, invariants: [a, §TODO]}}", "TODO"),
        ("equations: {f: {formula: x, domain: §fill-in-where}}", "fill-in-where"),
        ("qa_gate: {id: Q, name: n, checks: [], anything: {deep: [[§TBD]]}}", "TBD"),
        ("a: §&a TODO\nb: *a", "TODO"),
        ("a: &a [§TODO]\nb: *a\nc: {d: *a}", "TODO"),
        ('equations: {f: {formula: §"  TODO", domain: d}}', "TODO"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    assert rule.finds(bad, words).severity is Severity.WARNING


def test_a_long_text_is_cut(rule: Tried) -> None:
    found = rule.finds(f"equations: {{f: {{formula: §TODO {'x' * 100}, domain: d}}}}")
    assert found.message.endswith("xxx…'")
    assert len(found.message) < 100
