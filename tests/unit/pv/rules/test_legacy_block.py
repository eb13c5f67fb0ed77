"""Claims under a name that nothing reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pv.corpus import read_text
from pv.source import Source

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV106"
ONE = "{id: F-1, prediction: p, if_fails: q}"
META = "metadata: {version: '1', description: d, references: [r]}\n"
FOLDER = Path("contracts")


@pytest.mark.parametrize(
    "good",
    [
        f"falsification_tests: [{ONE}]",
        f"falsification_conditions: [{ONE}]\ninvariants: []",
        "qa_gate: {id: a, name: b, falsification: c}",
        "x-falsification: []",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "fix"),
    [
        (f"{META}falsification: [{ONE}]", "`pv fix` does", "falsification_tests"),
        (f"{META}'falsification': [{ONE}]", "`pv fix` does", "'falsification_tests'"),
        (f"{META}falsification: {{id: F-1}}", "write its entries as a list", None),
        (f"{META}falsification: []", "write its entries as a list", None),
        (f"{META}falsification:", "write its entries as a list", None),
        (f"{META}falsification: [{ONE}, {{prediction: p}}]", "each with an 'id'", None),
        (f"{META}falsification: [{ONE}, F-2]", "each with an 'id'", None),
        (f"{META}falsification: [{ONE}]\nfalsification_tests: []", "which stands at line 3", None),
    ],
)
def test_bad(bad: str, words: str, fix: str | None) -> None:
    # whole contracts, for in a fragment good claims would stand beside the block
    (found,) = (one for one in read_text(FOLDER / "a.yaml", Source("a.yaml", bad)).findings if one.code == CODE)
    assert (found.span.line, found.span.col) == (2, 1)
    assert words in str(found.help)
    assert (found.fix.text if found.fix else None) == fix
