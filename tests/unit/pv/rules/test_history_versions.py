"""Versions that fall, or disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV312"
META = 'metadata: {version: "2.0.0", description: d, references: [r]}\n'
HISTORY = "status_history:\n  - {date: 2026-01-01, from: DRAFT, to: PROPOSED, %s}\n"


@pytest.mark.parametrize(
    "good",
    [
        META + HISTORY % "version: 1.2" + "  - {date: 2026-02-01, from: PROPOSED, to: DRAFT, version: 1.2.0}\n",
        META + HISTORY % "version: 1.2",
        META + HISTORY % "version: 2.0",
        # 1.0 is 1.0.0
        META + "version: '2'\n",
        META.replace("}", ", changelog: [first, 5, {version: 1.9.9}, {version: [a]}]}"),
        META.replace("}", ", amendment_history: {version: 9}}"),
        META.replace("2.0.0", "two").replace("}", ", changelog: [{version: 9}]}"),
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            META + HISTORY % "version: '1.10'" + "  - §{date: 2026-02-01, from: PROPOSED, to: DRAFT, version: 1.9.0}\n",
            "version 1.9.0 comes after version 1.10",
        ),
        (
            META + "status_history:\n  - §{date: 2026-01-01, to: PROPOSED v9.0.1}\n",
            "the newest move is at version 9.0.1, but the contract is at 2.0.0",
        ),
        (META + "version: §2.1.0\n", "version is 2.1.0, but metadata.version is 2.0.0"),
        (
            META.replace("}", ", changelog: [{version: 1.0}, {version: §2.0.1}, {version: 2.0}]}"),
            "changelog goes to version 2.0.1, but metadata.version is 2.0.0",
        ),
        (META.replace("}", ", amendment_history: [{version: §10.0.0}]}"), "amendment_history goes to version 10.0.0"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
