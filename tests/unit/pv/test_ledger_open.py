"""How a ledger is opened: when nobody writes to it; what keeps it from being read; and that it is closed again."""

from __future__ import annotations

import fcntl
import gc
import os
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import append, read
from pv.ledger.scan import lines_of
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.jsonl"
    append(path, [{"kind": "end", "run": "1" * 32, "cases": 0, "exit": 0}])
    return path


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The descriptors that were closed."""
    closed: list[int] = []
    real = os.close

    def close(descriptor: int) -> None:
        real(descriptor)
        closed.append(descriptor)

    monkeypatch.setattr("os.close", close)
    return closed


def refuse(*_: Any) -> Any:
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("call", ["os.pread", "fcntl.flock"])
def test_a_ledger_that_cannot_be_read_says_why_and_is_closed(
    path: Path, closed: list[int], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(call, refuse)
    with pytest.raises(UsageProblem) as caught:
        read(path)
    assert str(caught.value) == f"{path}: the ledger cannot be read: Input/output error"
    assert len(closed) == 1


def test_a_ledger_is_open_as_long_as_somebody_holds_it(path: Path, closed: list[int]) -> None:
    found = read(path)
    assert [one.row["kind"] for one in found.entries()] == ["end"]
    assert closed == []
    del found
    gc.collect()
    assert len(closed) == 1


def test_readers_keep_out_who_writes_and_not_each_other(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("fcntl.flock", lambda _, what: asked.append(what))
    read(path)
    assert asked == [fcntl.LOCK_SH, fcntl.LOCK_UN]


def test_only_what_stood_there_when_it_was_opened_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pv.ledger.scan._BLOCK", 3)
    (tmp_path / "x").write_bytes(b"ab\ncd\nef")
    with (tmp_path / "x").open("rb") as file:
        assert list(lines_of(file.fileno(), 4)) == [b"ab", b"c"]
        with pytest.raises(OSError, match="shorter") as caught:
            list(lines_of(file.fileno(), 9))
    assert str(caught.value) == "it became shorter while it was read"
