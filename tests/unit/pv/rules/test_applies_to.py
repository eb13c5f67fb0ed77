"""Obligations that apply to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV338"
ONE = "equations: {layer_norm: {formula: f}, gelu: {formula: f}}\nproof_obligations:\n  - {type: invariant, property: p, applies_to: %s}\n"


@pytest.mark.parametrize(
    "good",
    [
        ONE % "all",
        ONE % "scalar",
        ONE % "simd",
        ONE % "converter",
        ONE % "not_applicable",
        ONE % "layer_norm",
        ONE % "gelu",
        ONE % "layers_of_the_model",
        ONE % "Q4_K and Q5_K",
        ONE % "null",
        ONE % "[a]",
        ONE % "x",
        ONE % "''",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (ONE % "§layer_nrom", "did you mean 'layer_norm'?"),
        (ONE % "§Layer_norm", "did you mean 'layer_norm'?"),
        (ONE % "§scalr", "did you mean 'scalar'?"),
        (ONE % "§not-applicable", "did you mean 'not_applicable'?"),
        (ONE % "§ALL", "did you mean 'all'?"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
