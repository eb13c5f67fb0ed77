"""Statuses outside the vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV302"


@pytest.mark.parametrize(
    "good",
    [
        "status: ACTIVE_RUNTIME",
        "status: active",
        "status: REFUTED",
        "x-status: whatever",
        # no text: PV103 says so, once
        "status: [a]",
        "status: 3",
        "status:",
        'metadata: {version: "1", description: d, status: DRAFT}',
        # kinds with words of their own
        'metadata: {version: "1", description: d, kind: kaizen}\nstatus: implemented',
        'metadata: {version: "1", description: d, kind: beat-benchmark}\nstatus: enforced',
        'metadata: {version: "1", description: d, kind: beat-benchmark}\nstatus: TRACKING',
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("status: §runing", "unknown status 'runing'"),
        ("status: §ACTIV_RUNTIME", "did you mean 'ACTIVE_RUNTIME'?"),
        ('metadata: {version: "1", description: d, status: §zz}', "one of REFUTED, PROPOSED"),
        ("status: §enforced", "unknown status"),
        ('metadata: {version: "1", description: d, kind: beat-benchmark}\nstatus: §won', "unknown status"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
