"""A minimal contract, and the ways in which tests vary it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pv.load import Document, load
from pv.parse import Contract, parse
from pv.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = {
    "metadata": 'metadata: {version: "1.0.0", created: "2026-01-02", description: d, references: [r]}',
    "equations": "equations:\n  f: {formula: 'f(x) = x', domain: x is a vector}",
    "proof_obligations": "proof_obligations:\n  - {type: invariant, property: f changes nothing, formal: 'f(x) = x'}",
    "falsification_tests": "falsification_tests:\n"
    "  - {id: FALSIFY-B-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}",
}


def whole(fragment: str) -> str:
    """A contract in which the blocks of `fragment` stand instead of the good ones; a binding registry as it is."""
    present = set(re.findall(r"^([\w-]+):", fragment, re.MULTILINE))
    if {"bindings", "target_crate"} <= present:
        return f"{fragment}\n"
    return "\n".join([block for name, block in BASE.items() if name not in present] + [fragment, ""])


@pytest.fixture
def contract_of() -> Callable[[str], Contract]:
    """Parses a contract made of a fragment and of good blocks for the rest."""

    def make(fragment: str = "", stem: str = "base-v1") -> Contract:
        document = load(Source(f"{stem}.yaml", whole(fragment)))
        assert isinstance(document, Document), document
        return parse(document, stem)

    return make


@pytest.fixture
def whole_of() -> Callable[[str], str]:
    """Makes a contract of a fragment and of good blocks for the rest."""
    return whole
