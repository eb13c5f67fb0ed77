"""What `verify` makes of a ledger that somebody was at, and of one that was only cut off."""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import Kind, append, read, verify
from pv.ledger.line import PREFIX, chain, environment_name, link, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DATA = {"python": "3.11"}
WHERE = environment_name(DATA)


def run_of(name: str, cases: int, *, ended: bool = True) -> list[dict[str, Any]]:
    """The rows of a run: its beginning, and for each case that it began and how it ended."""
    run = name * 32
    sources = {"commit": None, "dirty": None}
    about = {"started": "2026-01-02T03:04:05+00:00", "pv": "1", "python": "3", "arguments": ["-m", "falsify"]}
    rows: list[dict[str, Any]] = [
        {"kind": "run", "run": run, **sources, **about},
        {"kind": "environment", "run": run, "environment": WHERE, "data": DATA},
    ]
    for number in range(cases):
        key = {"run": run, "contract": "c", "claim": f"F-{number}", "params": "{}", "mutant": ""}
        seen: dict[str, Any] = {"level": "algorithm", "inputs": [], "fingerprint": "0" * 64, "falsifier": None}
        rows.append({"kind": "begin", **key, **seen, "verdict": "error", "compared": {}})
        falsifier = {"path": "falsifiers/f.py", "sha256": "0" * 64}
        case = {"kind": "case", **key, **seen, "verdict": "discharged", "compared": {"x": 1}, "environment": WHERE}
        rows.append({**case, "falsifier": falsifier})
    return [*rows, {"kind": "end", "run": run, "cases": cases, "exit": 0}] if ended else rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two runs of three cases: lines 1 to 9 and 10 to 18."""
    path = tmp_path / "ledger.jsonl"
    for name in "ab":
        append(path, run_of(name, 3))
    return path


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def put(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def kinds(path: Path) -> set[tuple[int, Kind]]:
    return {(one.number, one.kind) for one in verify(path).faults}


def test_a_sound_ledger_has_no_fault_and_its_head_is_the_hash_of_its_last_line(path: Path) -> None:
    found = verify(path)
    assert (found.lines, found.runs, found.cases, found.faults, found.notes) == (18, 2, 6, (), ())
    assert found.head == hashlib.sha256(lines_of(path)[-1]).hexdigest() == read(path).head


def test_each_line_holds_the_hash_of_the_one_before(path: Path) -> None:
    lines = lines_of(path)
    held = [json.loads(line)["prev"] for line in lines]
    assert held == [hashlib.sha256(line).hexdigest() for line in [b"", *lines[:-1]]]


def test_any_byte_that_is_changed_is_found_but_in_the_last_line(path: Path) -> None:
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    chance = random.Random(1)  # noqa: S311  places to try, no secrets
    for at in sorted(chance.sample(range(last), 300)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert verify(path).faults, at
        problems = read(path).problems
        assert problems, at


def test_what_was_changed_is_named(path: Path) -> None:
    lines = lines_of(path)
    lines[3] = lines[3].replace(b'"discharged"', b'"refuted"')  # line 4 says how a case ended
    put(path, lines)
    assert kinds(path) == {(4, Kind.CHANGED)}
    assert read(path).problems == [
        f"{path}:5: the chain is broken: what stands before this line was changed, or is missing"
    ]


@pytest.mark.parametrize("gone", [[4], [5], [4, 5], [2], [4, 5, 6], [8], [9], [10], [5, 6, 7, 8, 9, 10, 11, 12]])
def test_lines_that_are_missing_are_a_gap(path: Path, gone: list[int]) -> None:
    put(path, [line for number, line in enumerate(lines_of(path), 1) if number not in gone])
    assert (gone[0], Kind.GAP) in kinds(path)
    assert read(path).problems


def test_a_run_that_is_missing_as_a_whole_is_a_gap(path: Path) -> None:
    append(path, run_of("c", 1))
    lines = lines_of(path)
    put(path, lines[:9] + lines[18:])
    assert kinds(path) == {(10, Kind.GAP)}
    put(path, lines[9:])
    assert kinds(path) == {(1, Kind.GAP)}


def test_lines_that_were_moved_are_reordered(path: Path) -> None:
    lines = lines_of(path)
    lines[2:6] = lines[4:6] + lines[2:4]  # two cases change places
    put(path, lines)
    assert {(3, Kind.REORDERED), (5, Kind.REORDERED), (7, Kind.REORDERED)} <= kinds(path)
    assert {one.kind for one in verify(path).faults} == {Kind.REORDERED}


def test_a_line_that_is_there_twice_is_a_duplicate(path: Path) -> None:
    lines = lines_of(path)
    put(path, [*lines[:5], lines[4], *lines[5:]])
    assert (6, Kind.DUPLICATED) in kinds(path)
    put(path, [*lines, lines[4]])
    assert (19, Kind.DUPLICATED) in kinds(path)


def test_a_line_that_was_put_in_is_found(path: Path) -> None:
    lines = lines_of(path)
    forged = chain(b"{" + lines[4][PREFIX:].replace(b"F-1", b"F-9"), link(lines[4]))
    put(path, [*lines[:5], forged, *lines[5:]])
    assert (7, Kind.REORDERED) in kinds(path)


def test_rows_left_out_and_all_that_follows_chained_anew_are_found_by_the_count_of_the_run(path: Path) -> None:
    rows = run_of("c", 3)
    append(path, [*rows[:4], *rows[6:]])
    assert kinds(path) == {(25, Kind.RUN)}
    assert "wrote 3 cases, and 2 are here" in verify(path).faults[0].text


def test_a_tail_that_was_cut_off_shows_only_against_a_head_that_was_kept(path: Path) -> None:
    head = verify(path).head
    put(path, lines_of(path)[:-3])
    assert verify(path).faults == ()
    assert not verify(path, head).holds_head
    assert not verify(path, head[:12]).holds_head
    append(path, run_of("c", 1))
    assert not verify(path, head).holds_head
    assert verify(path, verify(path).head[:12]).holds_head


def test_a_head_is_still_held_after_more_was_appended_and_after_a_torn_line(path: Path) -> None:
    head = verify(path).head
    with path.open("ab") as file:
        file.write(b'{"prev":"00')
    assert (verify(path).head, read(path).head) == (head, head)
    append(path, run_of("c", 1))
    assert verify(path, head).holds_head


@pytest.mark.parametrize(
    "torn",
    [b"{", b'{"prev":"', b'{"prev":"0123', b'{"prev":"%b","schema":"pv-ledger-v2","kind":"case","x":{}}' % (b"0" * 64)],
)
def test_a_torn_line_is_a_note_wherever_it_stands(path: Path, torn: bytes) -> None:
    if torn.endswith(b"}"):  # cut off where it still ends like a line: what it holds on to is right
        torn = chain(write(run_of("c", 1)[3]), verify(path).head)
        torn = torn[: torn.index(b'"falsifier"')] + b'"x":{}'
    with path.open("ab") as file:
        file.write(torn)
    assert [(one.number, one.kind) for one in verify(path).notes] == [(19, Kind.TORN)]
    assert read(path).problems == [f"{path}:19: the last line is torn; left aside"]
    append(path, run_of("c", 1))
    found = verify(path)
    assert found.faults == ()
    assert [(one.number, one.kind) for one in found.notes] == [(19, Kind.TORN)]
    assert read(path).problems == [f"{path}:19: not JSON; left aside"]


def test_a_torn_line_that_was_changed_later_is_found(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'{"prev":"0123')
    append(path, run_of("c", 1))
    path.write_bytes(path.read_bytes().replace(b'{"prev":"0123\n', b'{"prev":"0124\n'))
    assert kinds(path) == {(19, Kind.CHANGED)}
    assert read(path).problems


def test_what_an_older_version_wrote_is_left_aside_and_held_on_to(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"schema": "pv-ledger-v1", "n": 1}\n{"schema": "pv-ledger-v1", "n": 2}\n')
    append(path, run_of("a", 1))
    found = verify(path)
    told = [(one.number, one.kind, one.text) for one in found.notes]
    assert (found.faults, told) == ((), [(1, Kind.OLDER, "2 lines of pv-ledger-v1, here and below; left aside")])
    assert read(path).problems == [f"{path}: 2 lines of pv-ledger-v1, an older schema; left aside"]
    path.write_text(path.read_text().replace('"n": 2', '"n": 3'))
    assert kinds(path) == {(3, Kind.GAP)}


def test_a_run_that_was_killed_is_a_note(path: Path) -> None:
    append(path, run_of("c", 1, ended=False))
    found = verify(path)
    assert found.faults == ()
    assert [(one.number, one.kind) for one in found.notes] == [(19, Kind.UNENDED)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[1:], "did not begin before"),
        (lambda rows: [rows[0], *rows], "began before"),
        (lambda rows: [*rows, rows[3]], "had ended before"),
        (lambda rows: [rows[0], *rows[2:]], f"its environment {WHERE} does not stand before it"),
        (lambda rows: [*rows[:2], *rows[3:]], "its case was not begun before"),
        (lambda rows: [*rows[:3], {**rows[3], "extra": 1}, *rows[4:]], "the key 'extra' is unknown"),
        (lambda rows: [*rows[:1], {**rows[1], "data": {}}, *rows[2:]], "its data is of another environment"),
    ],
)
def test_rows_that_do_not_fit_together_are_found(
    tmp_path: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], words: str
) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, change(run_of("a", 2)))
    assert any(words in one.text for one in verify(path).faults)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"verdict":"discharged"', b'"verdict":"refuted","verdict":"discharged"'),
        (b'"claim":"F-0"', b'"claim":"\\u0046-0"'),
        (b'"x":1', b'"x": 1'),
    ],
)
def test_a_line_that_is_not_written_as_we_write_it_is_found(tmp_path: Path, old: bytes, new: bytes) -> None:
    path = tmp_path / "ledger.jsonl"
    previous, lines = hashlib.sha256().hexdigest(), []
    for row in run_of("a", 1):
        lines.append(chain(write(row).replace(old, new) if row["kind"] == "case" else write(row), previous))
        previous = link(lines[-1])
    put(path, lines)
    assert kinds(path) == {(4, Kind.SCHEMA)}
