"""References without a publication."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV229"


@pytest.mark.parametrize(
    "good",
    [
        'metadata: {version: "1", created: "2026-01-02", description: d, references: [\'Bridle (1990)\']}',
        'metadata: {version: "1", created: "2026-01-02", description: d, references: [\'Zhang and Sennrich 2019, equation 4\']}',
        'metadata: {version: "1", created: "2026-01-02", description: d, references: [\'arXiv:2210.17323\']}',
        'metadata: {version: "1", created: "2026-01-02", description: d, references: [\'IEEE 754-2019\']}',
        'metadata: {version: "1", created: "2026-01-02", description: d, references: [\'Qwen3 Technical Report — MoE\']}',
        'metadata: {version: "1", created: "2026-01-02", description: d, references: [src/a.rs, \'Dao et al.\']}',
        'metadata: {version: "1", created: "2026-01-02", description: d, references: [\'doi:10.1000/1\']}',
        # without references PV201 speaks
        'metadata: {version: "1", created: "2026-01-02", description: d, references: []}',
        # of text that is no list PV103
        'metadata: {version: "1", created: "2026-01-02", description: d, references: src/a.rs}',
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        (
            'metadata: {version: "1", created: "2026-01-02", description: d, §references: [src/softmax.rs]}',
            "none of the references",
            Severity.NOTE,
        ),
        (
            'metadata: {version: "1", created: "2026-01-02", description: d, §references: [\'notes of 2026-01-02\']}',
            "none of the references",
            Severity.NOTE,
        ),
        (
            'metadata: {version: "1", created: "2026-01-02", description: d, §references: [\'APR-SPEC.md — format\']}',
            "none of the references",
            Severity.NOTE,
        ),
        (
            'metadata: {version: "1", created: "2026-01-02", description: d, §references: [release-v2019.1]}',
            "none of the references",
            Severity.NOTE,
        ),
        (
            'metadata: {version: "1", created: "2026-01-02", description: d, §references: [\'GH-2020\']}',
            "none of the references",
            Severity.NOTE,
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
