"""Files that are no contracts."""

from __future__ import annotations

from pathlib import Path

import pytest

from pv.corpus import read_text
from pv.source import Source
from pv.types import Severity

CODE = "PV010"


@pytest.mark.parametrize(
    ("text", "severity", "words"),
    [
        ("", Severity.NOTE, "no 'metadata'"),
        ("# only a comment\n", Severity.NOTE, "no 'metadata'"),
        ("---\n...\n", Severity.NOTE, "no 'metadata'"),
        ("[1, 2]", Severity.NOTE, "no 'metadata'"),
        ("just words", Severity.NOTE, "no 'metadata'"),
        ("surface: 1", Severity.NOTE, "no 'metadata'"),
        ("version: 1\ntarget_crate: c\nbindings: []", Severity.NOTE, "binding registry"),
        ("equations: {}", Severity.ERROR, "it has equations but lacks 'metadata'"),
        ("metdata: {}", Severity.ERROR, "did you mean 'metadata'"),
    ],
)
def test_what_is_no_contract_is_said_once(text: str, severity: Severity, words: str) -> None:
    reading = read_text(Path("a.yaml"), Source("a.yaml", text))
    (found,) = reading.findings
    assert (found.code, found.severity, found.span.line) == (CODE, severity, 1)
    assert words in f"{found.message} {found.help}"
    assert reading.contract is None


def test_a_contract_is_one() -> None:
    reading = read_text(Path("a.yaml"), Source("a.yaml", "metadata: {}"))
    assert reading.contract is not None
    assert CODE not in {one.code for one in reading.findings}
