"""What `verify` says of a ledger that somebody was at: every finding, to the letter."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import Found, Kind, append, read, verify
from pv.ledger.line import chain, environment_name, link, write
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DATA = {"python": "3.11"}
WHERE = environment_name(DATA)
A, B, C = ("a" * 32, "b" * 32, "c" * 32)


def run_of(run: str, cases: int = 2, *, ended: bool = True) -> list[dict[str, Any]]:
    """A run: its beginning, its environment, two lines a case, its end."""
    about = {"started": "2026-01-02T03:04:05+00:00", "pv": "1", "python": "3", "arguments": []}
    rows: list[dict[str, Any]] = [
        {"kind": "run", "run": run, "commit": None, "dirty": None, **about},
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
    """Two runs of two cases: lines 1 to 7 and 8 to 14."""
    path = tmp_path / "ledger.jsonl"
    for name in (A, B):
        append(path, run_of(name))
    return path


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def put(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def found(path: Path) -> list[tuple[int, str, str]]:
    return [(one.number, str(one.kind), one.text) for one in verify(path).faults]


def noted(path: Path) -> list[tuple[int, str, str]]:
    return [(one.number, str(one.kind), one.text) for one in verify(path).notes]


ELSE = "line {} holds on to something else; or lines between them are missing"


def test_a_line_that_was_changed(path: Path) -> None:
    lines = lines_of(path)
    put(path, [lines[0], lines[1], lines[2].replace(b'"F-0"', b'"F-7"'), *lines[3:]])
    assert found(path) == [
        (4, "gap", "lines before it are missing; or line 3 was changed"),
        (4, "run", "its case was not begun before"),
    ]
    put(path, [*lines[:3], lines[3].replace(b'"discharged"', b'"refuted"'), *lines[4:]])
    assert found(path) == [(4, "changed", ELSE.format(5))]
    put(path, [*lines[:3], lines[3].replace(b'"discharged"', b'"green"'), *lines[4:]])
    assert (4, "changed", ELSE.format(5)) in found(path)
    assert (4, "schema", "its verdict is no known word") in found(path)


def test_lines_that_are_missing(path: Path) -> None:
    lines = lines_of(path)
    put(path, [*lines[:4], *lines[6:]])
    assert found(path) == [
        (5, "gap", "lines before it are missing; or line 4 was changed"),
        (5, "run", f"the run {A} wrote 2 cases, and 1 are here"),
    ]
    put(path, lines[7:])
    assert found(path) == [(1, "gap", "lines before it are missing or were changed: it is not the first written")]
    put(path, [*lines[:6], *lines[7:]])
    assert found(path) == [(7, "gap", "lines before it are missing; or line 6 was changed")]
    assert noted(path) == [(1, "unended", f"the run {A} never ended: it was killed, or goes on")]


def test_a_whole_run_that_is_missing(path: Path) -> None:
    append(path, run_of(C))
    lines = lines_of(path)
    put(path, [*lines[:7], *lines[14:]])
    assert found(path) == [(8, "gap", "lines before it are missing; or line 7 was changed")]


def test_a_run_in_the_middle_of_another_that_breaks_there_was_changed(path: Path) -> None:
    append(path, run_of(C))
    lines = lines_of(path)
    put(path, [*lines[:13], lines[13].replace(b'"exit":0', b'"exit":1'), *lines[14:]])
    assert found(path) == [(15, "gap", "lines before it are missing; or line 14 was changed")]
    put(path, [*lines[:14], lines[14].replace(b'"3"', b'"4"'), *lines[15:]])
    assert found(path) == [(15, "changed", ELSE.format(16))]


def test_lines_that_were_moved_or_put_in(path: Path) -> None:
    lines = lines_of(path)
    put(path, [*lines[:2], *lines[4:6], *lines[2:4], *lines[6:]])
    assert found(path) == [
        (3, "reordered", "it holds on to line 6, which stands after it"),
        (5, "reordered", "it holds on to line 2: what stands between was put in, or moved"),
        (7, "reordered", "it holds on to line 4: what stands between was put in, or moved"),
    ]
    put(path, [*lines, lines[4]])
    assert found(path) == [
        (15, "duplicated", "a duplicate of line 5"),
        (15, "run", f"the run {A} had ended before"),
    ]


def test_what_is_no_line_of_a_ledger(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'hello\n{"schema":"pv-ledger-v1"}\n\n{"prev":"00\n{')
    assert found(path) == [
        (15, "foreign", "no line of a ledger; left aside"),
        (17, "foreign", "no line of a ledger; left aside"),
    ]
    assert noted(path) == [
        (16, "older", "1 line of pv-ledger-v1, here and below; left aside"),
        (18, "torn", "torn; left aside"),
        (19, "torn", "torn; left aside"),
    ]
    append(path, run_of(C))
    assert noted(path)[1:] == [(18, "torn", "torn; left aside"), (19, "torn", "torn; left aside")]
    assert len(found(path)) == 2


def test_a_torn_line_that_was_changed_is_named_by_who_holds_on_to_it(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'{"prev":"01\n{"prev":"02\n')
    append(path, run_of(C))
    path.write_bytes(path.read_bytes().replace(b'"02', b'"03'))
    assert found(path) == [(15, "changed", "line 17 holds on to something else")]


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        (lambda rows: rows[1:], [(1, "run", f"the run {A} did not begin before")]),
        (lambda rows: [rows[0], *rows], [(2, "run", f"the run {A} began before")]),
        (
            lambda rows: [*rows, rows[3]],
            [(8, "run", f"the run {A} had ended before")],
        ),
        (lambda rows: [*rows, rows[1], rows[0]], [(8, "run", f"the run {A} had ended before"), (9, "run", f"the run {A} began before")]),
        (
            lambda rows: [rows[0], *rows[2:4], *rows[6:]],
            [
                (3, "run", f"its environment {WHERE} does not stand before it"),
                (4, "run", f"the run {A} wrote 2 cases, and 1 are here"),
            ],
        ),
        (lambda rows: [*rows[:2], *rows[3:]], [(3, "run", "its case was not begun before")]),
        (lambda rows: [rows[-1]], [(1, "run", f"the run {A} did not begin before")]),
        (lambda rows: [*rows[:4], rows[3], *rows[4:]], [(8, "run", f"the run {A} wrote 2 cases, and 3 are here")]),
        (
            lambda rows: [rows[0], {**rows[1], "data": {}}, *rows[2:4], rows[-1]],
            [
                (2, "schema", "its data is of another environment"),
                (4, "run", f"its environment {WHERE} does not stand before it"),
                (5, "run", f"the run {A} wrote 2 cases, and 1 are here"),
            ],
        ),
    ],
)  # fmt: skip
def test_rows_that_do_not_fit_together(
    tmp_path: Path,
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    faults: list[tuple[int, str, str]],
) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, change(run_of(A)))
    assert found(path) == faults


def test_a_case_may_be_without_an_environment_and_belongs_to_its_own_run(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    rows = run_of(A, 1)
    append(path, [*rows[:3], {key: rows[3][key] for key in rows[3] if key != "environment"}, *rows[4:]])
    assert (found(path), verify(path).cases) == ([], 1)
    other = run_of(B, 1)
    append(path, [other[0], *other[2:]])
    assert found(path) == [(8, "run", f"its environment {WHERE} does not stand before it")]
    assert verify(path).runs == 2


def test_a_run_that_neither_began_nor_ended_here_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, run_of(A, 1)[2:4])
    assert [text for _, _, text in found(path)] == [
        f"the run {A} did not begin before",
        f"its environment {WHERE} does not stand before it",
    ]
    assert noted(path) == []


@pytest.mark.parametrize("part", ["contract", "claim", "params", "mutant"])
def test_a_case_that_began_is_the_case_that_ended(tmp_path: Path, part: str) -> None:
    path = tmp_path / "ledger.jsonl"
    rows = run_of(A, 1)
    append(path, [*rows[:2], {**rows[2], part: '{"n":9}'}, *rows[3:]])
    assert found(path) == [(4, "run", "its case was not begun before")]


def test_a_break_between_runs_of_which_something_is_missing_is_a_gap(path: Path) -> None:
    rows = run_of(C, 1)
    append(path, [rows[0], *rows[2:]])  # its environment is missing, and its own lines are chained
    lines = lines_of(path)
    put(path, [*lines[:16], lines[16].replace(b'"discharged"', b'"refuted"'), *lines[17:]])
    assert (18, "gap", "lines before it are missing; or line 17 was changed") in found(path)


def test_a_line_with_more_than_its_row_is_not_as_we_write_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    before, lines = hashlib.sha256().hexdigest(), []
    for row in run_of(A, 1):
        text = write(row)
        lines.append(chain(text.replace(b'"x":1', b'"x": 1'), before))
        before = link(lines[-1])
    put(path, lines)
    assert found(path) == [(4, "schema", "not written as pv writes it")]


def test_a_line_changed_in_a_run_that_never_ended_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    append(path, run_of(A, ended=False))
    lines = lines_of(path)
    put(path, [*lines[:3], lines[3].replace(b'"discharged"', b'"refuted"'), *lines[4:]])
    assert found(path) == [(4, "changed", ELSE.format(5))]


def test_a_line_of_a_newer_pv_is_named_as_one(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'{"schema":"pv-ledger-v3"}\n{"schema":"pv-ledger-v10"}\n{"schema":"pv-ledger-v2"}\n')
        file.write(b'{"schema":"pv-ledger-v4"}')
    newer = "of {}, which a newer pv has written and this one cannot check; update pv"
    assert found(path) == [
        (15, "schema", newer.format("pv-ledger-v3")),
        (16, "schema", newer.format("pv-ledger-v10")),
        (17, "foreign", "no line of a ledger; left aside"),
    ]
    assert noted(path) == [(18, "torn", "torn; left aside")]
    assert read(path).problems == [
        f"{path}:15: of pv-ledger-v3, which a newer pv has written; left aside: update pv to read it",
        f"{path}:16: of pv-ledger-v10, which a newer pv has written; left aside: update pv to read it",
        f"{path}:17: not a line of pv-ledger-v2; left aside",
        f"{path}:18: the last line is torn; left aside",
    ]


def test_progress_is_told_in_bytes_of_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["pv.ledger.verify"], "_STEP", 4)
    told: list[tuple[int, int]] = []
    verify(path, progress=lambda done, of: told.append((done, of)))
    lines, size = lines_of(path), path.stat().st_size
    assert told == [(sum(len(line) + 1 for line in lines[:count]), size) for count in (4, 8, 12)]


def test_a_head_is_asked_for_by_its_beginning(path: Path) -> None:
    third = link(lines_of(path)[2])
    assert verify(path, third).holds_head
    assert verify(path, third[:12]).holds_head
    assert not verify(path, "0" * 64).holds_head
    assert verify(path).holds_head
    empty = path.parent / "empty.jsonl"
    empty.write_bytes(b"")
    assert verify(empty).holds_head
    assert not verify(empty, third).holds_head
    assert (verify(empty).lines, verify(empty).head, verify(empty).path) == (0, "", empty)


def test_no_ledger_and_one_that_cannot_be_read_say_so(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageProblem) as caught:
        verify(tmp_path / "none")
    assert str(caught.value) == f"{tmp_path / 'none'}: no such ledger"

    def refuse(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.pread", refuse)
    with pytest.raises(UsageProblem) as caught:
        verify(path)
    assert str(caught.value) == f"{path}: the ledger cannot be read: Input/output error"


def test_findings_are_in_the_order_of_the_file(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x\ny\n")
    lines = lines_of(path)
    put(path, [*lines[:3], lines[3].replace(b'"discharged"', b'"green"'), *lines[4:]])
    assert [one.number for one in verify(path).faults] == sorted(one.number for one in verify(path).faults)
    assert Found(1, Kind.GAP, "b") < Found(2, Kind.CHANGED, "a")
