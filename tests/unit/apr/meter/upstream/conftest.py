"""Traces of single lines for the upstream's reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apr.errors import UnusableInput
from apr.meter.upstream.records import read_records
from apr.meter.upstream.score import Parity, compare

if TYPE_CHECKING:
    from pathlib import Path


class Upstream:
    """What the upstream's meter makes of text."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "one.ccpa-trace.jsonl"

    def records(self, text: str | bytes) -> list[tuple[str, dict[str, Any]]]:
        """The records of a trace."""
        self._path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_records(self._path)

    def reads(self, text: str | bytes) -> bool:
        """Whether it is accepted."""
        try:
            self.records(text)
        except UnusableInput:
            return False
        return True

    def parity(self, teacher: str, student: str) -> Parity:
        """The score of two traces."""
        return compare(self.records(teacher), self.records(student))


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    """The upstream's reader and meter."""
    return Upstream(tmp_path)
