"""Each way to ask for less is seen and named; what only looks like one is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.history.loosened import Kind, Loosening, compare

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.parse import Contract

OLD = """\
metadata:
  version: 1.0.0
  description: d
  references: [r]
valid_for: 30d
out_of_scope: [keyboard-shortcuts, {id: status-line, reason: r}]
scope:
  in: x
equations:
  f: {formula: f, float_tolerance: 1e-6}
proof_obligations:
  - {type: bound, property: close, tolerance: 1e-6}
  - {type: bound, property: closer, tolerance: 1e-7}
falsification_tests:
  - id: F-1
    rule: r
    prediction: p
    if_fails: q
    level: measured
    tolerance: 1e-6
    domain: x in R
    params: {n: [3, 5], kind: [a]}
    x-min-cosine: 0.999
    x-max-drift: 3
    x-threshold: 0.95
    x-far: {threshold: 1e-3}
    x-max-name: a
    mutants:
      - {id: nibble, stage: ffn, layer: 3}
      - {id: theta, stage: rope}
  - id: F-2
    prediction: p
    if_fails: q
    valid_for: 7d
    expect: refuted
    tolerance: {abs: 1e-6, rel: 1e-5}
    mutants: [{id: cure}]
"""


def changed(contract_of: Callable[..., Contract], *edits: tuple[str, str]) -> tuple[Loosening, ...]:
    new = OLD
    for old, after in edits:
        assert new.count(old) == 1, old
        new = new.replace(old, after)
    return compare(contract_of(OLD), contract_of(new))


@pytest.mark.parametrize(
    ("old", "new", "key", "words", "kind"),
    [
        ("    tolerance: 1e-6\n", "    tolerance: 1e-5\n", "F-1: tolerance", "1e-06 -> 1e-05", Kind.TOLERANCE),
        ("    tolerance: 1e-6\n", "    tolerance: '0.00001'\n", "F-1: tolerance", "-> 0.00001", Kind.TOLERANCE),
        ("    tolerance: 1e-6\n", "    tolerance: .nan\n", "F-1: tolerance", "-> nan", Kind.TOLERANCE),
        ("    tolerance: 1e-6\n", "    tolerance: loose\n", "F-1: tolerance", "-> loose", Kind.TOLERANCE),
        ("    tolerance: 1e-6\n", "", "F-1: tolerance", "-> none", Kind.TOLERANCE),
        ("rel: 1e-5}", "rel: 1e-4}", "F-2: tolerance", "1e-05", Kind.TOLERANCE),
        ("rel: 1e-5}", "rel: 1e-5, ulp: 4}", "F-2: tolerance", "ulp", Kind.TOLERANCE),
        ("x-min-cosine: 0.999", "x-min-cosine: 0.99", "F-1: x-min-cosine", "0.999 -> 0.99", Kind.FIGURE),
        ("x-max-drift: 3", "x-max-drift: 4", "F-1: x-max-drift", "3 -> 4", Kind.FIGURE),
        ("x-threshold: 0.95", "x-threshold: 0.8", "F-1: x-threshold", "0.95 -> 0.8", Kind.FIGURE),
        ("threshold: 1e-3", "threshold: 1e-2", "F-1: x-far.threshold", "0.001 -> 0.01", Kind.FIGURE),
        ("level: measured", "level: authored", "F-1: level", "measured -> authored", Kind.LEVEL),
        ("    level: measured\n", "", "F-1: level", "measured -> algorithm", Kind.LEVEL),
        ("    expect: refuted\n", "", "F-2: expect", "refuted -> discharged", Kind.EXPECT),
        ("id: F-1", "id: F-9", "F-1: removed", "F-1: removed (renamed to F-9)", Kind.CLAIM),
        ("      - {id: theta, stage: rope}\n", "", "F-1: mutant theta", "mutant theta removed", Kind.MUTANT),
        ("{id: theta, ", "{id: thetb, ", "F-1: mutant theta", "removed", Kind.MUTANT),
        ("stage: ffn, layer: 3", "stage: ffn", "F-1: mutant nibble", "any layer, not only in 3", Kind.MUTANT),
        ("{id: theta, stage: rope}", "{id: theta}", "F-1: mutant theta", "need not be found at rope", Kind.MUTANT),
        ("n: [3, 5]", "n: [5, 7]", "F-1: params n", "without 3", Kind.PARAMS),
        (", kind: [a]", "", "F-1: params kind", "without a", Kind.PARAMS),
        ("domain: x in R", "domain: x > 0", "F-1: domain", "x in R -> x > 0", Kind.DOMAIN),
        ("    expect: refuted\n", "    expect: refuted\n    domain: x > 0\n", "F-2: domain", "none -> x > 0", Kind.DOMAIN),
        ("valid_for: 30d", "valid_for: 60d", "valid_for", "30d -> 60d", Kind.VALID_FOR),
        ("valid_for: 30d\n", "", "valid_for", "30d -> none", Kind.VALID_FOR),
        ("valid_for: 7d", "valid_for: P2W", "F-2: valid_for", "7d -> P2W", Kind.VALID_FOR),
        ("    valid_for: 7d\n", "", "F-2: valid_for", "7d -> 30d", Kind.VALID_FOR),
        ("[keyboard-shortcuts, ", "[keyboard-shortcuts, mouse, ", "out_of_scope: mouse", "mouse added", Kind.SCOPE),
        ("  in: x", "  out_of_scope: [mouse]", "out_of_scope: mouse", "mouse added", Kind.SCOPE),
        ("  description: d", "  description: d\n  oos_rows: {mouse: why}", "out_of_scope: mouse", "mouse added", Kind.SCOPE),
        ("    rule: r", "    out_of_scope: layer 3", "F-1: out_of_scope layer 3", "layer 3 added", Kind.SCOPE),
        ("property: close,", "property: near,", None, "", None),
        ("float_tolerance: 1e-6", "float_tolerance: 1e-3", "equation f: float_tolerance", "1e-06 -> 0.001", Kind.TOLERANCE),
        ("property: close, tolerance: 1e-6", "property: close, tolerance: 1e-5", "obligation close: tolerance", "1e-05", Kind.TOLERANCE),
        ("  - {type: bound, property: closer, tolerance: 1e-7}\n", "", "obligation closer: removed", "closer: removed", Kind.OBLIGATION),
    ],
)  # fmt: skip
def test_a_loosening_has_its_key(
    contract_of: Callable[..., Contract], old: str, new: str, key: str | None, words: str, kind: Kind | None
) -> None:
    found = changed(contract_of, (old, new))
    assert [(one.key, one.kind) for one in found] == ([(key, kind)] if key else [])
    if key:
        assert words in found[0].text
        assert found[0].text == key or found[0].text.startswith(f"{key} ")  # so that an entry may quote it whole
        assert found[0].claim == (key.split(":")[0] if key.startswith("F-") else "")


def test_a_claim_that_goes_is_seen_and_not_called_renamed(contract_of: Callable[..., Contract]) -> None:
    (one,) = changed(contract_of, (OLD[OLD.index("  - id: F-2") :], ""))
    assert (one.key, one.text) == ("F-2: removed", "F-2: removed")
    found = changed(contract_of, ("id: F-1", "id: F-9"), ("x-max-drift: 3", "x-max-drift: 4"))
    assert [(one.key, one.text) for one in found] == [("F-1: removed", "F-1: removed")]


def test_of_two_claims_with_one_id_each_counts(contract_of: Callable[..., Contract]) -> None:
    twin = "  - {id: F-1, prediction: p, if_fails: q, tolerance: 1e-9}\n"
    both, one = contract_of(OLD + twin), contract_of(OLD)
    assert [found.key for found in compare(both, one)] == ["F-1: removed"]
    assert compare(one, both) == ()


def test_several_at_once_are_each_named(contract_of: Callable[..., Contract]) -> None:
    found = changed(contract_of, ("level: measured", "level: algorithm"), ("n: [3, 5]", "n: [7]"))
    assert [one.key for one in found] == ["F-1: level", "F-1: params n"]
    assert "3, 5" in found[1].text


@pytest.mark.parametrize(
    "edits",
    [
        [("    tolerance: 1e-6\n", "    tolerance: 1e-7\n")],
        [("    tolerance: 1e-6\n", "    tolerance: 0.000001\n")],
        [("{abs: 1e-6, rel: 1e-5}", "{rel: 0.00001, abs: 1e-6}")],
        [("level: measured", "level: independent")],
        [("n: [3, 5]", "n: [5, 3, 9]")],
        [("kind: [a]}", "kind: [a], more: [1, 2]}")],
        [("{id: theta, stage: rope}", "{id: theta, stage: rope, layer: 0}\n      - {id: extra, stage: s}")],
        [("stage: ffn, layer: 3", "stage: ffn_up, layer: 4")],  # found elsewhere is not found more vaguely
        [("prediction: p\n    if_fails: q\n    level", "prediction: something else\n    if_fails: q\n    level")],
        [("domain: x in R", "domain: >-\n      X  in\n      r")],
        [("domain: x in R", "x-note: about all")],  # no domain is every domain
        [("valid_for: 30d", "valid_for: P30D")],
        [("valid_for: 7d", "valid_for: 1d")],
        [("valid_for: 30d\n", "valid_for: 1d\n")],
        [("[keyboard-shortcuts, {id: status-line, reason: r}]", "[Status-Line]")],
        [("x-min-cosine: 0.999", "x-min-cosine: 0.9999"), ("x-max-drift: 3", "x-max-drift: 2")],
        [("x-threshold: 0.95", "x-threshold: 0.99"), ("threshold: 1e-3", "threshold: 1e-4")],
        [("x-max-name: a", "x-max-name: b")],
        [("x-max-drift: 3", "x-max-drift: '3'")],
        [("tolerance: 1e-7}", "tolerance: 1e-8}")],
        [("property: close, tolerance: 1e-6", "property: within reach, formal: x, tolerance: 1e-6")],
        [("  description: d", "  description: other"), ("rule: r", "rule: other")],
        [("falsification_tests:", "falsification_tests:\n  - {id: F-0, prediction: p, if_fails: q}")],
        [("  f: {formula: f,", "  f: {formula: g,")],
    ],
)  # fmt: skip
def test_what_asks_for_as_much_or_more_is_no_loosening(
    contract_of: Callable[..., Contract], edits: list[tuple[str, str]]
) -> None:
    assert changed(contract_of, *edits) == ()


def test_order_and_layout_say_nothing(contract_of: Callable[..., Contract]) -> None:
    head, first = OLD.split("falsification_tests:\n")
    one, two = first.split("  - id: F-2")
    turned = f"{head}falsification_tests:\n  - id: F-2{two}{one}"
    assert compare(contract_of(OLD), contract_of(turned)) == ()
    assert compare(contract_of(OLD), contract_of(OLD.replace("\n", "\n\n"))) == ()
