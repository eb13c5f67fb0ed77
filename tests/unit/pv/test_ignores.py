"""`# pv: ignore[CODE] reason`: what it hides, and what is wrong with it itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from pv.corpus import read_text
from pv.policy import Policy
from pv.source import Source

ABOVE = """\
metadata: {version: "1.0.0", description: d, references: [r], created: "2026-01-02"}
equations: {f: {formula: x, domain: R}}
proof_obligations: [{type: invariant, property: x}]
falsification_tests: [{id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}]
"""


def told(text: str, policy: Policy | None = None) -> list[tuple[str, int]]:
    """Code and line of what is said of `text`, which stands below a contract; its lines are counted from 1."""
    found = read_text(Path("a.yaml"), Source("a.yaml", ABOVE + text), policy=policy or Policy()).findings
    lines = [(one.code, one.span.line - ABOVE.count("\n")) for one in found if one.severity != "note"]
    return [(code, line) for code, line in lines if line > 0]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("status: Wrong", [("PV302", 1)]),
        ("status: Wrong # pv: ignore[PV302] our board's word", []),
        ("status: Wrong  #pv:ignore[pv302]  our board's word", []),
        ("status: Wrong # pv: ignore[PV302, PV102] our board's word", [("PV903", 1)]),
        ("# pv: ignore[PV302] our board's word\nstatus: Wrong", []),
        ("# pv: ignore[PV302] our board's word\n# and another remark\n\nstatus: Wrong", []),
        ("status: Wrong # pv: ignore[PV302]", [("PV902", 1)]),
        ("status: Wrong # pv: ignore", [("PV302", 1), ("PV901", 1)]),
        ("status: Wrong # pv: ignore[]", [("PV302", 1), ("PV901", 1)]),
        ("status: Wrong # pv: ignore[PV3002] r", [("PV302", 1), ("PV901", 1)]),
        ("status: PROPOSED # pv: ignore[PV302] r", [("PV903", 1)]),
        ("# pv: ignore[PV302] r\nx-a: 1\nstatus: Wrong", [("PV903", 1), ("PV302", 3)]),
        # text of a value is no comment
        ("x-a: 'see # pv: ignore[PV302] r'\nstatus: Wrong", [("PV302", 2)]),
        ("x-a: |\n  # pv: ignore[PV302] r\nstatus: Wrong", [("PV302", 3)]),
        ("status: Wrong # pv: ignored[PV302] r", [("PV302", 1)]),
    ],
)
def test_an_ignore_hides_what_it_names_on_its_line(text: str, kept: list[tuple[str, int]]) -> None:
    assert told(text) == kept


def test_an_ignore_for_a_rule_that_is_left_out_is_not_called_useless() -> None:
    text = "status: Wrong # pv: ignore[PV302] our board's word"
    assert told(text, Policy(ignore=("PV302",))) == []
    assert told("status: PROPOSED # pv: ignore[PV302] r", Policy(ignore=("PV302",))) == []


def test_the_ignores_themselves_can_be_left_out() -> None:
    assert told("status: Wrong # pv: ignore[PV302]", Policy(ignore=("PV9",))) == []


def test_a_file_that_cannot_be_read_is_not_hidden() -> None:
    found = read_text(Path("a.yaml"), Source("a.yaml", "# pv: ignore[PV003] r\na: [")).findings
    assert [one.code for one in found] == ["PV003"]
