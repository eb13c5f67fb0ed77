"""The kinds of contract: which there are, what a misspelt one is told, and what becomes of one that gives none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.rules import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.parse import Contract

META = 'metadata: {version: "1", created: "2026-01-02", description: d, references: [r], %s}'
KINDS = [
    *("kernel", "registry", "model-family", "model-family-variant", "tokenizer", "training-loop", "pretraining-corpus"),
    *("training-precondition-gate", "corpus-assembly", "pattern", "schema", "beat-benchmark", "competitive-parity"),
    "kaizen",
]


def of_the_kind(contract: Contract) -> list[tuple[str, str]]:
    """Message and help of what the schema says where the kind stands."""
    place = contract.document.value_span("metadata", "kind")
    return [(one.message, one.help or "") for one in check(contract) if one.span == place and one.code == "PV103"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_known(contract_of: Callable[..., Contract], kind: str) -> None:
    contract = contract_of(META % f"kind: {kind}")
    assert contract.kind == kind
    assert of_the_kind(contract) == []


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("kernal", "did you mean 'kernel'?"),
        ("model_family", "did you mean 'model-family'?"),
        ("Schema", "did you mean 'schema'?"),
        ("competitive parity", "did you mean 'competitive-parity'?"),
        ("reference", "one of kernel, registry"),
    ],
)
def test_an_unknown_kind_is_an_error(contract_of: Callable[..., Contract], kind: str, words: str) -> None:
    [(message, help_)] = of_the_kind(contract_of(META % f"kind: {kind}"))
    assert kind in message
    assert words in help_


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("author: a", "kernel"),
        ("registry: false", "kernel"),
        ("registry: true", "registry"),
        ("kind: kernel, registry: true", "registry"),
        ("kind: competitive-parity, registry: true", "competitive-parity"),
        ("kind: tokenizer, registry: true", "tokenizer"),
        ("registry: 'true'", "kernel"),
    ],
)
def test_a_kernel_marked_as_a_registry_is_one(contract_of: Callable[..., Contract], said: str, kind: str) -> None:
    assert contract_of(META % said).kind == kind


def test_a_registry_is_not_asked_for_what_a_kernel_is(contract_of: Callable[..., Contract]) -> None:
    text = META % "%s" + "\nequations: {}\nproof_obligations: []\nfalsification_tests: []\nx-rows: [1]"
    asked = {one.code for one in check(contract_of(text % "author: a"))}
    assert asked >= {"PV203", "PV210", "PV215", "PV223", "PV224"}
    assert {one.code for one in check(contract_of(text % "registry: true"))} & asked == {"PV229"}
