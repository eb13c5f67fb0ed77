"""Competitors without a fixed version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV535"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "parity: {rows: [{competitor_version: 0.12.4}]}",
        KIND + 'parity: {rows: [{competitor_version: "1.9.0"}]}',
        KIND + "parity: {rows: [{competitor_version: bitsandbytes==0.49.2}]}",
        KIND + "parity: {rows: [{competitor_version: b4589}]}",
        KIND + 'parity: {rows: [{competitor_version: "b4589 (0f1d51b2c9e4)"}]}',
        KIND + 'parity: {rows: [{competitor_version: "sha256:6b3f2c1d9a0e4f5b8c7d"}]}',
        KIND + "parity: {rows: [{competitor_version: v2}]}",
        KIND + 'parity: {rows: [{competitor_version: "2026-10-01"}]}',
        KIND + 'parity: {rows: [{competitor_version: "rev 17"}]}',
        KIND + 'parity: {rows: [{competitor_version: "CUDA domain 12.4"}]}',
        # a branch beside the commit that it stood at
        KIND + "parity: {rows: [{competitor_version: main@0f1d51b2c9e4}]}",
        KIND + 'parity: {rows: [{competitor_version: "HEAD (0f1d51b)"}]}',
        KIND + "parity: {rows: [{competitor_version: 1.9}]}",
        KIND + "parity: {rows: [{competitor_version: 12}]}",
        # the shape is for another rule to report
        KIND + "parity: {rows: [{competitor_version: [latest]}]}",
        KIND + "parity: {rows: [{competitor_version: true}]}",
        # other kinds have no rows
        "parity: {rows: [{competitor_version: latest}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + 'parity: {rows: [{competitor_version: §""}]}', "says no version"),
        (KIND + "parity: {rows: [{competitor_version: §}]}", "says no version"),
        (KIND + "parity: {rows: [{competitor_version: §latest}]}", "moves"),
        (KIND + "parity: {rows: [{competitor_version: §LATEST}]}", "moves"),
        (KIND + "parity: {rows: [{competitor_version: §HEAD}]}", "moves"),
        (KIND + 'parity: {rows: [{competitor_version: §"llama.cpp@main"}]}', "moves"),
        (KIND + 'parity: {rows: [{competitor_version: §"llama3@main"}]}', "moves"),
        (KIND + "parity: {rows: [{competitor_version: §unpinned}]}", "moves"),
        (KIND + 'parity: {rows: [{competitor_version: §"current release 0.12"}]}', "moves"),
        (KIND + 'parity: {rows: [{competitor_version: §"nightly 12"}]}', "moves"),
        (KIND + "parity: {rows: [{competitor_version: §scikit-learn}]}", "no version of it"),
        (KIND + 'parity: {rows: [{competitor_version: §"whatever uv resolves"}]}', "moves"),
        (KIND + 'parity: {rows: [{competitor_version: §">=1.2"}]}', "range"),
        (KIND + 'parity: {rows: [{competitor_version: §"~=1.2"}]}', "range"),
        (KIND + 'parity: {rows: [{competitor_version: §"~1.2"}]}', "range"),
        (KIND + 'parity: {rows: [{competitor_version: §"^1.2"}]}', "range"),
        (KIND + 'parity: {rows: [{competitor_version: §"<2, >1"}]}', "range"),
        (KIND + 'parity: {rows: [{competitor_version: §"1.x"}]}', "range"),
        (KIND + 'parity: {rows: [{competitor_version: §"pkg==1.*"}]}', "range"),
        (KIND + 'parity: {rows: [{competitor_version: §"main@abcdefa"}]}', "moves"),
        (KIND + "parity: {rows: [§{entry_point: a}]}", "says no version"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
