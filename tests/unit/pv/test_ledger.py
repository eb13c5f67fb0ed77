from __future__ import annotations

import json
import multiprocessing
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import SCHEMA, append, read, sync
from pv.types import UsageProblem

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier
    from pathlib import Path


def row(n: int, **more: Any) -> dict[str, Any]:
    key = {"kind": "case", "run": "1" * 32, "contract": "c", "claim": f"F-{n}", "params": "{}", "mutant": ""}
    seen = {"verdict": "discharged", "level": "authored", "compared": {"x": 1}, "inputs": [], "fingerprint": "0" * 64}
    return {**key, **seen, "falsifier": {"path": "falsifiers/f.py", "sha256": "0" * 64}, **more}


def names(path: Path) -> list[str]:
    return [one.row["claim"] for one in read(path).entries()]


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.jsonl"
    append(path, [row(1), row(2)])
    append(path, [])
    append(path, [row(3, message="ünï\ncode")])
    sync(path)
    ledger = read(path)
    assert names(path) == ["F-1", "F-2", "F-3"]
    rows = [one.row for one in ledger.entries()]
    assert rows[2]["message"] == "ünï\ncode"
    assert all(one["schema"] == SCHEMA for one in rows)
    assert (ledger.problems, ledger.exists) == ([], True)
    assert path.read_bytes().count(b"\n") == 3


def test_no_ledger_is_an_empty_one_that_says_so(tmp_path: Path) -> None:
    ledger = read(tmp_path / "none.jsonl")
    assert (list(ledger.entries()), ledger.problems, ledger.exists, ledger.head) == ([], [], False, "")


def test_a_line_torn_anywhere_hides_no_earlier_one_and_no_later_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, [row(1), row(2)])
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for cut in range(second + 1, len(whole) - 1):
        path.write_bytes(whole[:cut])
        torn = read(path)
        assert [one.row["claim"] for one in torn.entries()] == ["F-1"]
        assert torn.problems == [f"{path}:2: the last line is torn; left aside"]
        append(path, [row(3)])
        assert names(path) == ["F-1", "F-3"]


def test_a_last_line_that_lacks_only_its_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, [row(1)])
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    append(path, [row(2)])
    assert names(path) == ["F-1", "F-2"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("not json", "not JSON"),
        ("[1]", "not a line of pv-ledger-v2"),
        ('{"schema": "pv-ledger-v0"}', "not a line of pv-ledger-v2"),
        ('{"schema": "pv-ledger-v2", "kind": "case"}', "not a line of pv-ledger-v2"),
        ("\xff", "not JSON"),
        ("[" * 200_000, "not JSON"),
    ],
)
def test_foreign_lines_are_reported_and_left_aside(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, [row(1)])
    with path.open("ab") as file:
        file.write(line.encode("latin-1") + b"\n")
    append(path, [row(2)])
    ledger = read(path)
    assert [one.row["claim"] for one in ledger.entries()] == ["F-1", "F-2"]
    assert len(ledger.problems) == 1
    assert ledger.problems[0].startswith(f"{path}:2: ")
    assert words in ledger.problems[0]


def write_many(path: Path, start: int, together: Barrier) -> None:
    together.wait(60)
    for n in range(start, start + 200):
        append(path, [row(n, message="x" * (300_000 if n % 10 == 0 else 3000))])


def test_writers_at_the_same_time_keep_lines_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(3)
    workers = [context.Process(target=write_many, args=(path, start, together)) for start in (0, 1000, 2000)]
    for worker in workers:
        worker.start()
    seen = 0
    while any(worker.is_alive() for worker in workers):  # whoever reads meanwhile sees whole lines only
        ledger = read(path)
        assert ledger.problems == []
        assert len(list(ledger.entries())) >= seen
        seen = len(list(ledger.entries()))
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(names(path)) == 600
    assert read(path).problems == []
    assert [n for n in names(path) if int(n[2:]) < 1000] == [f"F-{n}" for n in range(200)]
    for line in path.read_text().splitlines():
        assert len(json.loads(line)["message"]) in (3000, 300_000)


def test_a_ledger_that_is_no_file_is_a_usage_problem(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot be read"):
        read(tmp_path)
    with pytest.raises(OSError, match=str(tmp_path)):
        append(tmp_path, [row(1)])
