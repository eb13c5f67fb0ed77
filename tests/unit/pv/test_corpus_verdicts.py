"""What `pv validate` says of real contracts that nobody here wrote: file by file, as `corpus_verdicts.toml` states and explains."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv.corpus import display, read, walk
from pv.index import Index
from pv.rules import _today
from pv.types import Severity

if TYPE_CHECKING:
    from pv.corpus import Reading

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
VERDICTS = tomllib.loads(Path(__file__).with_name("corpus_verdicts.toml").read_text("utf-8"))

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real contracts is not here")


@pytest.fixture(scope="module")
def readings() -> dict[str, Reading]:
    """Every file of the corpus, read on the day on which the table was made."""
    files = list(walk([CORPUS]))
    index = Index(lambda: files, lambda path: display(path, CORPUS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_today, "today", lambda: date(2026, 11, 22))
        return {display(path, CORPUS): read(path, display(path, CORPUS), index=index) for path in files}


def what(reading: Reading) -> str:
    contract = reading.contract
    if contract is None:
        return str(reading.shape)
    obligations = contract.document.data.get("proof_obligations") or []
    counts = f"{len(contract.equations)} equations, {len(obligations)} obligations, {len(contract.claims)} claims"
    return f"{contract.kind}: {counts}"


def told(reading: Reading, severity: Severity) -> list[str]:
    return [f"{found.code}:{found.span.line}" for found in reading.findings if found.severity is severity]


@pytest.mark.parametrize("name", VERDICTS)
def test_a_real_file_gets_the_verdict_of_the_table(name: str, readings: dict[str, Reading]) -> None:
    stated: dict[str, Any] = VERDICTS[name]
    reading = readings[name]
    assert what(reading) == stated["is"]
    assert told(reading, Severity.ERROR) == stated.get("errors", [])
    assert told(reading, Severity.WARNING) == stated.get("warnings", [])
    assert ("why" in stated) == bool(stated.keys() & {"errors", "warnings"})


def test_the_table_has_every_file(readings: dict[str, Reading]) -> None:
    assert set(VERDICTS) == set(readings)
    assert len(readings) == 98
    assert sum(len(reading.contract.claims) for reading in readings.values() if reading.contract) == 531
