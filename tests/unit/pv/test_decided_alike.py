"""Lines of a case that rest on the same code are recognised without parsing, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pv.commands._remarks import _rows
from pv.ledger import Ledger, append, read
from pv.ledger.line import decided, write

if TYPE_CHECKING:
    from pathlib import Path

    from pv.parse import Claim

KEY = ("c", "F-1", "{}", "")


def row(sha: str = "0", **more: Any) -> dict[str, Any]:
    return {
        "kind": "case",
        "run": "1" * 32,
        **dict(zip(("contract", "claim", "params", "mutant"), KEY, strict=True)),
        "verdict": "discharged",
        "level": "authored",
        "compared": {"x": 1},
        "inputs": [{"kind": "falsifiers", "path": "falsifiers", "sha256": "0" * 64}],
        "fingerprint": "0" * 64,
        "falsifier": {"path": "falsifiers/f.py", "sha256": sha * 64},
        **more,
    }


def ledger_of(path: Path, *rows: dict[str, Any]) -> Ledger:
    append(path, rows)
    return read(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def test_equal_code_is_alike_whatever_was_seen(path: Path) -> None:
    ledger = ledger_of(path, row(message="1"), row(message="2", distance=0.5, bound=2.0))
    assert ledger.decided_alike(KEY, 4)


@pytest.mark.parametrize(
    "other",
    [
        {"falsifier": {"path": "falsifiers/f.py", "sha256": "1" * 64}},
        {"fingerprint": "1" * 64},
        {"inputs": [{"kind": "falsifiers", "path": "falsifiers", "sha256": "1" * 64}]},
        {"inputs": []},
    ],
)
def test_any_other_code_is_not(path: Path, other: dict[str, Any]) -> None:
    assert not ledger_of(path, row(), row(**other), row()).decided_alike(KEY, 4)


def test_only_so_many_are_looked_at(path: Path) -> None:
    ledger = ledger_of(path, row("1"), row(), row())
    assert ledger.decided_alike(KEY, 2)
    assert not ledger.decided_alike(KEY, 3)


def test_that_a_case_was_begun_says_nothing_of_how_it_ended(path: Path) -> None:
    begun = row(kind="begin", verdict="error", compared={}, falsifier=None)
    assert ledger_of(path, begun, row(), begun, row()).decided_alike(KEY, 4)


def test_a_line_that_shows_it_twice_or_not_is_not_believed(path: Path) -> None:
    inner = {"falsifier": {"sha256": "x"}, "fingerprint": "0" * 64, "inputs": []}
    twice = row(counterexample=inner)
    assert decided(write(row())) is not None
    assert decided(write(twice)) is None
    assert not ledger_of(path, row(), twice).decided_alike(KEY, 4)
    assert not ledger_of(path, row(verdict="error", falsifier=None)).decided_alike(KEY, 4)


def test_another_case_does_not_count(path: Path) -> None:
    assert ledger_of(path, row(), row("1", claim="F-2")).decided_alike(KEY, 4)


class _Case:
    mutant = None
    key = "{}"


class _Claim:
    contract, id = KEY[:2]

    def cases(self) -> list[_Case]:
        return [_Case()]


def test_rows_are_held_against_each_other_where_code_differs_or_was_promoted(path: Path, tmp_path: Path) -> None:
    claim: Claim = _Claim()  # type: ignore[assignment]  # what is asked of a claim here
    alike, other = ledger_of(path, row(), row()), ledger_of(tmp_path / "other.jsonl", row(), row("1"))
    nothing = read(tmp_path / "none.jsonl")
    assert list(_rows(claim, alike, nothing)) == []
    assert [len(rows) for rows in _rows(claim, other, nothing)] == [2]
    assert [len(rows) for rows in _rows(claim, alike, other)] == [4]
