"""What the machine allows, found out by trying; tests that need more are skipped with its reason."""

from __future__ import annotations

import pytest

from apr.sandbox import machine


@pytest.fixture
def confined() -> None:
    reason = machine().network
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture
def watched(confined: None) -> None:  # noqa: ARG001 - what is watched here is confined, too
    for reason in (machine().watching, machine().names):
        if reason is not None:
            pytest.skip(reason)
