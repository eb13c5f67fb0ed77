"""Fields under older spellings, and the new names that `pv fix` gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV105"
CLAIM = "falsification_tests:\n  - {id: F-1, if_fails: q, "


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "rule: r, prediction: p, test: t}",
        # both stand: that is PV104's to tell, and nothing to rename
        CLAIM + "rule: r, description: d}",
        "falsification_conditions:\n  - {id: F-1, description: d, expected: e}",
        "equations:\n  f: {formula: x, description: d}",
        "falsification_tests: {description: d}",
        "falsification_tests: [description, 1, [expected]]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "fix"),
    [
        (CLAIM + "§description: d}", "older spelling of 'rule'", "rule"),
        (CLAIM + "§expected: 0}", "older spelling of 'prediction'", "prediction"),
        (CLAIM + "§'command': c}", "older spelling of 'test'", "'test'"),
        (CLAIM + '§"command":c}', "older spelling of 'test'", '"test"'),
        ("falsification_tests:\n  - id: F-1\n    ? §fails_if\n    : q", "older spelling of 'if_fails'", "if_fails"),
        # nothing that could stand under the present name
        (CLAIM + "§expected: [a]}", "write the value as text", None),
        (CLAIM + "§expected: null}", "write the value as text", None),
        (CLAIM + "§command: 3}", "write the value as text", None),
        # not the bare word: an escape, an anchor
        (CLAIM + '§"\\x63ommand": c}', "'command'", None),
        (CLAIM + "§&a command : c}", "'command'", None),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, fix: str | None) -> None:
    found = rule.finds(bad, words)
    assert (found.fix.text if found.fix else None) == fix
