"""The lines that back promotions, copied beside the ledger and found again by their ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pv.archive import archive_of, keep, with_runs
from pv.config import Config
from pv.ledger import Ledger, append, read
from pv.ledger.line import environment_name
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pv.ledger import Entry

DATA = {"python": "3.11.7"}
RUNS = ("a" * 32, "b" * 32)


def run(name: str) -> dict[str, Any]:
    return {
        "kind": "run",
        "run": name,
        "started": "2026-03-01T11:00:00+00:00",
        "commit": None,
        "dirty": None,
        "pv": "0.1.0",
        "python": "3.11.7",
        "arguments": [],
    }


def case(name: str, claim: str) -> dict[str, Any]:
    return {
        "kind": "case",
        "run": name,
        "contract": "x",
        "claim": claim,
        "params": "{}",
        "mutant": "",
        "fingerprint": "0" * 64,
        "verdict": "inconclusive",
        "reason": "no model",
        "level": "algorithm",
        "compared": {},
        "inputs": [],
        "falsifier": None,
        "environment": environment_name(DATA),
    }


def rows() -> Iterator[dict[str, Any]]:
    """Two runs in one ledger, with lines that are begun, and others that end."""
    for name in RUNS:
        yield run(name)
        yield {"kind": "environment", "run": name, "environment": environment_name(DATA), "data": DATA}
        other = {**DATA, "seen": "by nobody"}
        yield {"kind": "environment", "run": name, "environment": environment_name(other), "data": other}
        for claim in ("F-1", "F-2"):
            yield {**case(name, claim), "kind": "begin"}
            yield case(name, claim)
        yield {"kind": "end", "run": name, "cases": 2, "exit": 0}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger.of(rows())


def cases(ledger: Ledger, name: str) -> list[Entry]:
    return [one for one in ledger.entries() if one.row["kind"] == "case" and one.row["run"] == name]


def test_rows_bring_the_run_and_the_environment_that_they_name(ledger: Ledger) -> None:
    lines = with_runs(ledger, cases(ledger, RUNS[1]))
    assert [one.row["kind"] for one in lines] == ["run", "environment", "case", "case"]
    assert {one.row["run"] for one in lines} == {RUNS[1]}
    assert lines[1].row["data"] == DATA
    assert with_runs(ledger, []) == []


def test_lines_keep_their_ids_and_are_kept_once(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "evidence" / "x.jsonl"
    lines = with_runs(ledger, cases(ledger, RUNS[0]))
    assert keep(path, lines) == 4
    before = path.read_bytes()
    assert keep(path, lines) == 0
    assert path.read_bytes() == before
    assert keep(path, with_runs(ledger, [*cases(ledger, RUNS[0]), *cases(ledger, RUNS[1])])) == 4
    assert path.read_bytes().startswith(before)
    texts = path.read_text().splitlines()
    assert len(texts) == 8
    first = [json.loads(text) for text in texts]
    assert [{**one, "prev": ""} for one in first[:4]] == [{"prev": "", **one.row} for one in lines]


def test_a_line_that_pv_would_write_otherwise_is_not_copied(ledger: Ledger, tmp_path: Path) -> None:
    from dataclasses import replace

    (line, *_) = cases(ledger, RUNS[0])
    path = tmp_path / "x.jsonl"
    with pytest.raises(UsageProblem, match="is not written as pv writes it"):
        keep(path, [replace(line, row={**line.row, "claim": "F-9"})])
    assert not path.exists()


def test_an_archive_that_cannot_be_written_is_said(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("in the way")
    with pytest.raises(UsageProblem, match="evidence"):
        keep(tmp_path / "evidence" / "x.jsonl", cases(ledger, RUNS[0]))


def test_archives_of_two_branches_joined_line_by_line_hold_what_both_hold(tmp_path: Path) -> None:
    runs = [run(name) for name in RUNS]
    whole = Ledger.of(runs)
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    for path, row in ((first, runs[0]), (second, runs[1])):
        append(path, [row])
    joined = tmp_path / "joined.jsonl"
    joined.write_bytes(first.read_bytes() + b"<<<<<<< ours\n" + second.read_bytes())
    assert read(joined).problems
    for one in whole.entries():
        found = read(joined).find(one.id[:16])
        assert found is not None
        assert found.row == one.row
    assert keep(joined, whole.entries()) == 0
    joined.write_bytes(first.read_bytes())
    assert keep(joined, whole.entries()) == 1


def test_where_archives_are(tmp_path: Path) -> None:
    config = Config(tmp_path, (), (), tmp_path / "deep" / "ledger.jsonl")
    assert archive_of(config, "x-v1") == tmp_path / "deep" / "evidence" / "x-v1.jsonl"
    config = Config(tmp_path, (), (), tmp_path / "l.jsonl", evidence=tmp_path / "proofs")
    assert archive_of(config, "x-v1") == tmp_path / "proofs" / "x-v1.jsonl"
