"""What appending reads of a ledger, and what becomes of one that changes or cannot be written meanwhile."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import append, read
from pv.ledger.append import _ends, _last_line
from pv.ledger.line import link, previous

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODE = sys.modules["pv.ledger.append"]  # `pv.ledger.append` is the function


def case(number: int, **more: Any) -> dict[str, Any]:
    key = {"kind": "case", "run": "1" * 32, "contract": "c", "claim": f"F-{number}", "params": "{}", "mutant": ""}
    seen = {"verdict": "discharged", "level": "authored", "compared": {"x": 1}, "inputs": [], "fingerprint": "0" * 64}
    return {**key, **seen, "falsifier": {"path": "falsifiers/f.py", "sha256": "0" * 64}, **more}


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A ledger of two lines, the longer one first."""
    _ends.clear()
    path = tmp_path / "ledger.jsonl"
    append(path, [case(1, message="z" * 900), case(2)])
    yield path
    _ends.clear()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Of how many bytes at which place the ledger is read."""
    asked: list[tuple[int, int]] = []
    real = os.pread

    def pread(descriptor: int, count: int, at: int) -> bytes:
        asked.append((count, at))
        return real(descriptor, count, at)

    monkeypatch.setattr("os.pread", pread)
    return asked


def test_who_appended_last_reads_one_byte_of_what_is_there(path: Path, asked: list[tuple[int, int]]) -> None:
    for number in range(3, 6):
        end = path.stat().st_size
        append(path, [case(number)])
        assert asked == [(1, end - 1)]
        asked.clear()
    assert not read(path).broken


def test_who_did_not_reads_the_last_line(
    path: Path, asked: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CODE, "_BLOCK", 512)
    _ends.clear()
    first, last = path.read_bytes().splitlines()
    end = path.stat().st_size
    append(path, [case(3)])
    assert len(first) > 512 > len(last)
    assert asked == [(512, end - 512), (1, end - 1), (len(last), len(first) + 1), (1, end - 1)]


def test_of_a_line_without_end_ever_more_is_read_and_then_no_more_than_before(
    tmp_path: Path, asked: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CODE, "_BLOCK", 8)
    path = tmp_path / "junk"
    path.write_bytes(b"a" * 30 + b"\n" + b"b" * 20)
    with path.open("rb") as file:
        assert _last_line(file.fileno(), 51) == 0
    assert asked == [(8, 43), (16, 27), (8, 19), (16, 3), (3, 0)]


def test_all_folders_of_a_ledger_are_made(tmp_path: Path) -> None:
    append(tmp_path / "a" / "b" / "c" / "ledger.jsonl", [case(1)])
    assert len(list(read(tmp_path / "a" / "b" / "c" / "ledger.jsonl").entries())) == 1


def test_a_last_line_without_its_end_is_what_the_next_holds_on_to(path: Path) -> None:
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    last = path.read_bytes().splitlines()[-1]
    append(path, [case(3)])
    lines = path.read_bytes().splitlines()
    assert (len(lines), previous(lines[-1])) == (3, link(last))


def test_a_ledger_that_shrinks_while_it_is_read_is_not_appended_to(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def last_line(descriptor: int, end: int) -> int:
        place = _last_line(descriptor, end)
        os.truncate(path, place + 20)
        return place

    _ends.clear()
    monkeypatch.setattr(CODE, "_last_line", last_line)
    whole = path.read_bytes()
    with pytest.raises(OSError, match="shorter") as caught:
        append(path, [case(3)])
    assert str(caught.value) == "the ledger became shorter while it was read"
    left = path.read_bytes()
    assert whole.startswith(left)
    assert len(left) == len(whole.splitlines()[0]) + 1 + 20


def test_a_line_that_a_full_disk_tore_and_nobody_can_take_back_is_left_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    taken: list[int] = []

    def full(descriptor: int, data: memoryview) -> int:
        if taken:
            raise OSError(28, "No space left on device")
        taken.append(real(descriptor, data[:100]))
        return 100

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    before = path.read_bytes()
    with monkeypatch.context() as disk:
        disk.setattr("os.write", full)
        disk.setattr("os.ftruncate", refuse)
        with pytest.raises(OSError, match="No space left"):
            append(path, [case(3)])
    assert len(path.read_bytes()) == len(before) + 100
    append(path, [case(4)])
    found = read(path)
    assert [one.row["claim"] for one in found.entries()] == ["F-1", "F-2", "F-4"]
    assert (found.broken, found.problems) == (False, [f"{path}:3: not JSON; left aside"])
