"""How a ledger hands out its rows: by key, by id, once for all who hold them, and only those that are sound."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import Ledger, append, read
from pv.ledger.line import chain, link, write

if TYPE_CHECKING:
    from pathlib import Path

KEY = ("c", "F-1", '{"n":1}', "")


def row(number: int = 1, **more: Any) -> dict[str, Any]:
    key = {"kind": "case", "run": "1" * 32, "contract": "c", "claim": f"F-{number}", "params": '{"n":1}', "mutant": ""}
    inputs = [{"kind": "data", "path": "d", "sha256": "0" * 64}]
    seen = {
        "verdict": "discharged",
        "level": "authored",
        "compared": {"x": 1},
        "inputs": inputs,
        "fingerprint": "0" * 64,
    }
    return {**key, **seen, "falsifier": {"path": "falsifiers/f.py", "sha256": "0" * 64}, **more}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def test_the_newest_comes_first_and_other_keys_do_not(path: Path) -> None:
    others = [row(mutant="m", verdict="killed"), row(params="{}"), row(2), row(contract="d")]
    append(path, [row(message="1"), others[0], row(message="2"), *others[1:], row(message="3")])
    ledger = read(path)
    assert [(one.row["message"], one.number) for one in ledger.newest(KEY)] == [("3", 7), ("2", 3), ("1", 1)]
    assert [one.number for one in ledger.newest(("c", "F-1", '{"n":1}', "m"))] == [2]
    assert list(ledger.newest(("c", "F-1", '{"n":2}', ""))) == []


def test_the_key_may_hold_any_character(path: Path) -> None:
    odd = ('c"\\', "F\n\u00e9\U0001f600", '{"t":"}\\",\\"mutant\\":\\"x"}', "m\u2028")
    names: dict[str, Any] = dict(zip(("contract", "claim", "params", "mutant"), odd, strict=True))
    append(path, [row(**names, verdict="killed")])
    assert [one.number for one in read(path).newest(odd)] == [1]


def test_a_row_whose_key_is_written_in_another_way_is_found_by_it(path: Path) -> None:
    """It could otherwise be hidden behind an older row."""
    append(path, [row()])
    text = write(row(verdict="refuted")).replace(b'"claim":"F-1"', b'"claim":"\\u0046-1"')
    moved = write(row(verdict="refuted"))
    moved = b'{"schema":"pv-ledger-v2","claim":"F-1",' + moved.replace(b'"claim":"F-1",', b"").partition(b",")[2]
    for number, other in enumerate((text, moved), 2):
        with path.open("ab") as file:
            file.write(chain(other, read(path).head) + b"\n")
        assert next(read(path).newest(KEY)).row["verdict"] == "refuted"
        assert read(path).head == link(path.read_bytes().splitlines()[-1])
        assert next(read(path).newest(KEY)).number == number
    assert read(path).problems == []


def test_a_line_that_names_its_key_twice_is_no_row_of_either(path: Path) -> None:
    append(path, [row()])
    with path.open("ab") as file:
        file.write(chain(write(row(2)).replace(b'"verdict"', b'"claim":"F-1","verdict"'), read(path).head) + b"\n")
    ledger = read(path)
    assert list(ledger.newest(("c", "F-2", '{"n":1}', ""))) == []
    assert ledger.problems == [f"{path}:2: says twice which case it is about; left aside"]


def test_a_faulty_row_is_told_once_and_hides_no_older_one(path: Path) -> None:
    append(path, [row(message="1"), row(verdict="green"), row(message="3", level="sure")])
    ledger = read(path)
    assert ledger.problems == []
    for _ in range(2):
        assert [one.row["message"] for one in ledger.newest(KEY)] == ["1"]
        assert [one.number for one in ledger.entries()] == [1]
    assert ledger.problems == [
        f"{path}:2: its verdict is no known word; left aside",
        f"{path}:3: its level is no known word; left aside",
    ]


def test_many_problems_are_counted(path: Path) -> None:
    append(path, [row()])
    with path.open("a") as file:
        file.write("x\n" * 50)
    append(path, [row()])
    problems = read(path).problems
    assert len(problems) == 21
    assert problems[-1] == f"{path}: and 30 more"


def test_rows_are_found_by_id_and_keep_it_when_they_are_chained_anew(path: Path, tmp_path: Path) -> None:
    append(path, [row(number) for number in range(300)])
    entries = list(read(path).entries())
    other = tmp_path / "other.jsonl"
    append(other, [row(999), *(one.row for one in entries)])
    ledger = read(other)
    for one in entries:
        for digits in (12, 20, 64):
            found = ledger.find(one.id[:digits])
            assert found
            assert (found.id, found.row, found.number) == (one.id, one.row, one.number + 1)
    assert ledger.find("0" * 12) is None
    assert ledger.find("f" * 64) is None


def test_of_equal_rows_the_newest_is_found(path: Path) -> None:
    append(path, [row(), row(2), row()])
    ledger = read(path)
    found = ledger.find(next(ledger.newest(KEY)).id)
    assert found
    assert found.number == 3


@pytest.mark.parametrize("text", ["", "0" * 11, "0" * 65, "G" * 12, "A" * 12])
def test_what_is_no_id_is_refused(path: Path, text: str) -> None:
    append(path, [row()])
    with pytest.raises(ValueError, match="is no id of a line"):
        read(path).find(text)


def test_a_row_is_parsed_once_while_somebody_holds_it(path: Path) -> None:
    append(path, [row(), row(2)])
    ledger = read(path)
    first = next(ledger.newest(KEY)).row
    assert next(ledger.newest(KEY)).row is first
    assert first["inputs"][0] is next(ledger.newest(("c", "F-2", '{"n":1}', ""))).row["inputs"][0]
    assert json.loads(json.dumps(first)) == row() | {"schema": "pv-ledger-v2"}
    del first
    gc.collect()
    assert not ledger._rows


def test_values_that_are_equal_and_not_the_same_are_not_mixed_up(path: Path) -> None:
    append(path, [row(reported={"x": 1}), row(reported={"x": True}), row(reported={"x": 1.0})])
    values = [one.row["reported"]["x"] for one in read(path).entries()]
    assert [type(value) for value in values] == [int, bool, float]


def test_a_ledger_of_rows_reads_like_one_of_a_file(path: Path) -> None:
    rows = [
        row(message="1"),
        row(2),
        row(kind="begin", verdict="error"),
        row(message="2"),
        row(run="2" * 32, kind="begin"),
    ]
    append(path, rows)
    made, found = Ledger.of(rows), read(path)
    for ledger in (made, found):
        assert [one.number for one in ledger.newest(KEY)] == [5, 4, 1]
    assert [one.id for one in made.entries()] == [one.id for one in found.entries()]
    assert made.head == found.head
    assert not made.problems


def test_a_ledger_that_grows_while_it_is_read_stays_as_it_was(path: Path) -> None:
    append(path, [row(message="1")])
    ledger = read(path)
    append(path, [row(message="2")])
    assert [one.row["message"] for one in ledger.newest(KEY)] == ["1"]
    assert [one.row["message"] for one in read(path).newest(KEY)] == ["2", "1"]
