"""Lines of a ledger by themselves: how they are written and recognised, what each kind must hold, how they are appended."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv.ledger import append as append_rows
from pv.ledger import read, sync
from pv.ledger.append import _ends
from pv.ledger.index import Ledger, _nothing
from pv.ledger.kinds import fault
from pv.ledger.line import (
    PREFIX,
    begun_run,
    chain,
    decided,
    environment_name,
    identity,
    link,
    looks_torn,
    parse,
    previous,
    schema_of,
    write,
)
from pv.ledger.scan import Problems, Scan, _plain_key, key_text, lines_of
from pv.types import UsageProblem
from tests.ledger_rows import CASE

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTHING = hashlib.sha256().hexdigest()
RUN: dict[str, Any] = {
    "schema": "pv-ledger-v2",
    "kind": "run",
    "run": "1" * 32,
    "started": "2026-01-02T03:04:05+00:00",
    "commit": None,
    "dirty": None,
    "pv": "1",
    "python": "3",
    "arguments": ["-m"],
}
ENVIRONMENT = {
    "schema": "pv-ledger-v2",
    "kind": "environment",
    "run": "1" * 32,
    "data": {"a": 1},
    "environment": environment_name({"a": 1}),
}
END = {"schema": "pv-ledger-v2", "kind": "end", "run": "1" * 32, "cases": 3, "exit": 0}


def test_a_row_is_written_in_one_way_alone() -> None:
    row = {"zeta": 1, "é": "ü", "prev": "0", "mutant": "m", "claim": "F", "alpha": [1, 0.5], "kind": "case", "run": "r"}
    text = write(row)
    assert text == (
        b'{"schema":"pv-ledger-v2","kind":"case","run":"r","claim":"F","mutant":"m",'
        b'"alpha":[1,0.5],"zeta":1,"\\u00e9":"\\u00fc"}'
    )
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write({"x": value})


def test_a_line_holds_the_hash_before_it_and_its_id_does_not_depend_on_that() -> None:
    text = write({"kind": "case"})
    line = chain(text, "a" * 64)
    assert line == b'{"prev":"' + b"a" * 64 + b'",' + text[1:]
    assert line[PREFIX:] == text[1:]
    assert previous(line) == "a" * 64
    assert link(line) == hashlib.sha256(line).hexdigest()
    assert identity(line) == identity(chain(text, "b" * 64)) == hashlib.sha256(text).hexdigest()
    assert previous(b'{"prev":"00') == previous(line[1:]) == ""


def test_an_environment_is_called_by_its_data_in_any_order() -> None:
    name = hashlib.sha256(b'{"a":1,"b":"\\u00e9"}').hexdigest()[:16]
    assert environment_name({"b": "é", "a": 1}) == environment_name({"a": 1, "b": "é"}) == name


def test_a_line_that_says_only_that_a_case_was_begun_is_known_without_parsing() -> None:
    row = {"kind": "begin", "run": "1f" * 16, "x": 1}
    assert begun_run(chain(write(row), NOTHING)) == "1f" * 16
    assert begun_run(chain(write({**row, "kind": "case"}), NOTHING)) is None
    odd = chain(write(row).replace(b'"' + b"1f" * 16, b'"\xff'), NOTHING)
    assert begun_run(odd) == "\ufffd"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b'{"prev":"0","schema":"pv-ledger-v2",',
        chain(b'{"schema":"pv-ledger-v1"}', NOTHING),
        chain(b'{"schema":"pv-ledger-v2","x":NaN}', NOTHING),
        chain(b'{"schema":"pv-ledger-v2","x":"\xff"}', NOTHING),
        chain(b'{"schema":"pv-ledger-v2","x":' + b"[" * 100_000, NOTHING),
        chain(write({"kind": "case"}), NOTHING) + b"x",
    ],
)
def test_what_is_no_line_of_ours_is_not_parsed(line: bytes) -> None:
    assert parse(line) is None


def test_a_line_of_ours_is_its_row() -> None:
    assert parse(chain(write({"kind": "case", "m": "é"}), NOTHING)) == {
        "schema": "pv-ledger-v2",
        "kind": "case",
        "m": "é",
    }


@pytest.mark.parametrize(
    ("line", "schema"),
    [
        (b"x", None),
        (b"[" * 100_000, None),
        (b"[1]", ""),
        (b"{}", ""),
        (b'{"schema": 3}', ""),
        (b'{"schema": "pv-ledger-v1"}', "pv-ledger-v1"),
    ],
)
def test_other_json_says_of_which_schema_it_is(line: bytes, schema: str | None) -> None:
    assert schema_of(line) == schema


@pytest.mark.parametrize(
    ("line", "torn"),
    [(b"", False), (b"{", True), (b'{"prev":"', True), (b'{"prev":"00', True), (b"[", False), (b'{"p":', False)],
)
def test_a_torn_line_begins_like_one_of_ours(line: bytes, torn: bool) -> None:
    assert looks_torn(line) is torn


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({**RUN, "schema": "pv-ledger-v1"}, "not a line of pv-ledger-v2"),
        ({**RUN, "kind": "walk"}, "its kind is no known word"),
        ({**RUN, "kind": 3}, "its kind is no known word"),
        ({**RUN, "kind": ["run"]}, "its kind is no known word"),
        ({**RUN, "run": "1" * 31}, "names no run"),
        ({**RUN, "run": "1" * 33}, "names no run"),
        (RUN, ""),
        ({key: RUN[key] for key in RUN if key not in {"pv", "started"}}, "lacks the key 'pv'"),
        ({**RUN, "z": 1, "b": 1}, "the key 'b' is unknown"),
        ({**RUN, "started": "2026-01-02"}, "started is no time of RFC 3339"),
        ({**RUN, "pv": 1}, "names no version of pv and python"),
        ({**RUN, "python": 3}, "names no version of pv and python"),
        ({**RUN, "arguments": "-m"}, "its arguments are no texts"),
        ({**RUN, "arguments": ["-m", 1]}, "its arguments are no texts"),
        ({**RUN, "shard": "2/5", "plan": "0123abcd"}, ""),
        ({**RUN, "shard": "0/5"}, "its shard is no 'N/M'"),
        ({**RUN, "shard": 2}, "its shard is no 'N/M'"),
        ({**RUN, "plan": "0123abc"}, "its plan is no hash"),
        ({**RUN, "plan": 7}, "its plan is no hash"),
        ({**RUN, "commit": "x"}, "its commit is no hash"),
        (ENVIRONMENT, ""),
        ({**ENVIRONMENT, "data": {}}, "its data is of another environment"),
        ({**ENVIRONMENT, "data": []}, "it names no environment and its data"),
        ({**ENVIRONMENT, "environment": "0" * 15}, "it names no environment and its data"),
        ({**ENVIRONMENT, "x": 1}, "the key 'x' is unknown"),
        (END, ""),
        ({**END, "x": 1}, "the key 'x' is unknown"),
        ({**END, "cases": -1}, "it holds no count and no exit code"),
        ({**END, "exit": "0"}, "it holds no count and no exit code"),
    ],
)
def test_what_keeps_a_line_from_being_of_its_kind(row: dict[str, Any], why: str) -> None:
    assert fault(row) == why


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    _ends.clear()
    yield tmp_path / "deep" / "ledger.jsonl"
    _ends.clear()


def case(number: int, **more: Any) -> dict[str, Any]:
    return {**CASE, "claim": f"F-{number}", **more}


def claims(path: Path) -> list[str]:
    found = read(path)
    assert found.problems == []
    return [one.row["claim"] for one in found.entries()]


def test_a_ledger_is_made_with_its_folders_and_can_be_read_by_all(path: Path) -> None:
    append_rows(path, [])
    assert not path.parent.exists()
    mask = os.umask(0)
    try:
        append_rows(path, [case(1)])
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o644
    assert claims(path) == ["F-1"]


def test_a_ledger_that_is_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is no regular file") as caught:
        append_rows(tmp_path, [case(1)])
    assert str(caught.value) == f"{tmp_path} is no regular file"


@pytest.mark.parametrize("forget", [True, False])
def test_the_chain_goes_on_whoever_appended_last(path: Path, forget: bool) -> None:
    for number in range(4):
        append_rows(path, [case(number), case(number, mutant="m", verdict="killed")])
        if forget:
            _ends.clear()
        if number == 1:  # somebody else appends, and this process does not know of it
            text = chain(write(case(9)), link(path.read_bytes().splitlines()[-1]))
            with path.open("ab") as file:
                file.write(text + b"\n")
    held = [json.loads(line)["prev"] for line in path.read_bytes().splitlines()]
    assert held == [NOTHING, *map(link, path.read_bytes().splitlines()[:-1])]
    assert claims(path) == ["F-0", "F-0", "F-1", "F-1", "F-9", "F-2", "F-2", "F-3", "F-3"]


def test_an_end_of_the_same_size_that_was_changed_later_is_read_again(path: Path) -> None:
    append_rows(path, [case(1)])
    whole = path.read_bytes().replace(b'"F-1"', b'"F-7"')
    path.write_bytes(whole)
    os.utime(path, ns=(1, 1))
    append_rows(path, [case(2)])
    assert previous(path.read_bytes().splitlines()[1]) == link(whole.rstrip(b"\n"))


@pytest.mark.parametrize("block", [1, 2, 7, 64, 300, 1 << 16])
@pytest.mark.parametrize("junk", [b"", b"x\n", b"\n", b"\n\n", b"x", b"{" + b"y" * 700 + b"\n", b"a\nb\n\nc"])
def test_the_last_line_of_ours_is_found_behind_anything(
    path: Path, monkeypatch: pytest.MonkeyPatch, block: int, junk: bytes
) -> None:
    monkeypatch.setattr(sys.modules["pv.ledger.append"], "_BLOCK", block)
    append_rows(path, [case(1), case(2, message="z" * 500)])
    with path.open("ab") as file:
        file.write(junk)
    append_rows(path, [case(3)])
    lines = path.read_bytes().splitlines()
    since = path.read_bytes()[len(lines[0]) + 1 :].rsplit(b'{"prev"', 1)[0]
    assert previous(lines[-1]) == hashlib.sha256(since[:-1]).hexdigest()
    assert [one.row["claim"] for one in read(path).entries()] == ["F-1", "F-2", "F-3"]
    assert not read(path).broken


@pytest.mark.parametrize("start", [b"x\n", b"\n", b"x"])
def test_the_first_line_holds_what_is_not_ours_before_it(path: Path, start: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(start)
    append_rows(path, [case(1)])
    assert previous(path.read_bytes().splitlines()[-1]) == hashlib.sha256(start.rstrip(b"\n")).hexdigest()
    assert not read(path).broken


def test_a_full_disk_leaves_the_ledger_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_rows(path, [case(1)])
    before = path.read_bytes()
    taken: list[int] = []

    def full(descriptor: int, data: memoryview) -> int:
        if len(taken) == 3:
            raise OSError(28, "No space left on device")
        taken.append(7)
        return real(descriptor, data[:7])

    real = os.write
    monkeypatch.setattr("os.write", full)
    with pytest.raises(OSError, match="No space left"):
        append_rows(path, [case(2)])
    monkeypatch.setattr("os.write", lambda descriptor, data: real(descriptor, data[:7]))
    assert path.read_bytes() == before
    append_rows(path, [case(3)])
    assert claims(path) == ["F-1", "F-3"]


def test_what_was_appended_is_synced_with_its_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_rows(path, [case(1)])
    synced: list[str] = []
    monkeypatch.setattr(
        "os.fsync", lambda descriptor: synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    sync(path)
    assert synced == [str(path), str(path.parent)]


def test_a_system_that_cannot_sync_folders_keeps_nobody_from_writing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_rows(path, [case(1)])
    asked: list[int] = []

    def refuse(descriptor: int) -> None:
        asked.append(descriptor)
        if len(asked) == 2:
            raise OSError("not here")

    monkeypatch.setattr("os.fsync", refuse)
    sync(path)
    assert len(asked) == 2


def write_odd(path: Path, *texts: bytes, held: str = "") -> None:
    """Append lines that are ours and not written as we write them; the first of them holds `held`."""
    before = read(path).head
    for text in texts:
        line = chain(text, held or before)
        held, before = "", link(line)
        with path.open("ab") as file:
            file.write(line + b"\n")


def odd(row: dict[str, Any]) -> bytes:
    """The text of a row with its run at the end."""
    run = f'"run":"{row["run"]}"'.encode()
    return write(row).replace(run + b",", b"").removesuffix(b"}") + b"," + run + b"}"


def test_a_line_that_is_written_in_another_way_counts_and_is_checked_alike(path: Path) -> None:
    append_rows(path, [case(1)])
    write_odd(path, odd(case(2)), odd(RUN), odd({**case(3), "verdict": "green"}), odd({**END, "kind": "walk"}))
    append_rows(path, [case(4)])
    found = read(path)
    assert len(found.problems) == 2  # before any row is asked for
    assert [(one.number, one.row["kind"]) for one in found.entries()] == [
        (1, "case"),
        (2, "case"),
        (3, "run"),
        (6, "case"),
    ]
    assert [one.number for one in found.of_runs()] == [3]
    assert found.problems == [
        f"{path}:4: its verdict is no known word; left aside",
        f"{path}:5: its kind is no known word; left aside",
    ]
    assert found.broken is False


def test_a_line_that_is_written_in_another_way_may_break_the_chain(path: Path) -> None:
    append_rows(path, [case(1), case(2)])
    write_odd(path, odd(case(3)), held="0" * 64)
    append_rows(path, [case(4)])
    why = "the chain is broken: what stands before this line was changed, or is missing"
    assert read(path).problems == [f"{path}:3: {why}"]
    assert read(path).broken is True


def test_a_last_line_that_is_of_no_kind_takes_no_other_with_it(path: Path) -> None:
    append_rows(path, [case(1)])
    write_odd(path, odd({**case(2), "verdict": "green"}))
    found = read(path)
    assert found.problems == [f"{path}:2: its verdict is no known word; left aside"]
    assert [one.number for one in found.entries()] == [1]
    assert found.head == link(path.read_bytes().splitlines()[-1])


def test_a_line_in_another_way_may_hold_on_to_one_that_only_looked_whole(path: Path) -> None:
    append_rows(path, [case(1)])
    write_odd(path, write(case(2)).replace(b'{"x":1}', b"{x}"))
    write_odd(path, odd(case(3)), held=hashlib.sha256(path.read_bytes()[:-1]).hexdigest())
    found = read(path)
    assert (found.broken, found.problems) == (False, [f"{path}:2: not JSON; left aside"])
    assert [one.number for one in found.entries()] == [1, 3]


def test_a_chain_that_is_broken_is_said_to_be(path: Path) -> None:
    append_rows(path, [case(1), case(2), case(3)])
    lines = path.read_bytes().splitlines()
    path.write_bytes(lines[0] + b"\n" + lines[2] + b"\n")
    assert read(path).broken is True
    assert [one.row["claim"] for one in read(path).entries()] == ["F-1", "F-3"]


def test_what_a_run_only_began_counts_unless_that_run_says_how_it_ended(path: Path) -> None:
    other = {"run": "2" * 32}
    rows = [case(1, kind="begin", verdict="error", **other), case(1), case(1, message="2")]
    append_rows(path, rows)
    key = ("c", "F-1", "{}", "")
    assert [one.number for one in read(path).newest(key)] == [3, 2, 1]
    append_rows(path, [case(1, **other)])
    assert [one.number for one in read(path).newest(key)] == [4, 3, 2]
    found = read(path)
    assert list(found.newest(("c", "F-7", "{}", ""))) == []
    assert found.problems == []


def test_that_a_case_was_begun_is_not_looked_at_where_its_run_says_how_it_ended(path: Path) -> None:
    append_rows(path, [case(1, kind="begin", verdict="green"), case(1)])
    found = read(path)
    assert [one.number for one in found.newest(("c", "F-1", "{}", ""))] == [2]
    assert found.problems == []
    assert [one.number for one in found.entries()] == [2]
    assert found.problems == [f"{path}:1: its verdict is no known word; left aside"]


def test_the_part_that_decided_is_taken_where_it_stands_once() -> None:
    line = chain(write(case(1)), NOTHING)
    part = b'"falsifier":{"path":"falsifiers/f.py","sha256":"%b"},"fingerprint":"%b","inputs":[]' % (
        b"0" * 64,
        b"0" * 64,
    )
    assert decided(line) == part
    assert decided(line.replace(part, b'"x":1')) is None
    assert decided(line + line) is None


def test_a_line_of_ours_that_is_no_json_is_left_aside_when_it_is_asked_for(path: Path) -> None:
    append_rows(path, [case(1)])
    write_odd(path, write(case(2)).replace(b'{"x":1}', b"{x}"), write(case(3)))
    found = read(path)
    assert found.problems == []
    assert [one.number for one in found.entries()] == [1, 3]
    assert found.problems == [f"{path}:2: not JSON; left aside"]


def test_an_empty_file_is_an_empty_ledger(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    found = read(tmp_path / "empty")
    assert (found.exists, found.head, list(found.entries()), found.problems) == (True, "", [], [])


def test_the_newest_lines_of_a_case_rest_on_the_same_or_they_do_not(path: Path) -> None:
    begun = case(1, kind="begin", verdict="error", falsifier=None, run="2" * 32)
    append_rows(path, [case(1, fingerprint="1" * 64), case(2), case(1), begun, case(2, falsifier=None), case(1), begun])
    found = read(path)
    one, two = ("c", "F-1", "{}", ""), ("c", "F-2", "{}", "")
    assert [found.decided_alike(one, count) for count in (0, 1, 2, 3, 4)] == [True, True, True, False, False]
    assert [found.decided_alike(two, count) for count in (0, 1)] == [True, False]
    assert found.decided_alike(("c", "F-9", "{}", ""), 3)
    append_rows(path, [case(2), case(3)])
    assert [read(path).decided_alike(two, count) for count in (1, 2)] == [True, False]
    assert read(path).decided_alike(("c", "F-3", "{}", ""), 5)


def test_the_first_line_of_a_ledger_rests_on_something_too(path: Path) -> None:
    append_rows(path, [case(1, fingerprint="1" * 64), case(1)])
    assert not read(path).decided_alike(("c", "F-1", "{}", ""), 2)
    assert read(path).decided_alike(("c", "F-9", "{}", ""), 2)  # of which nothing is said


def test_problems_are_told_in_order_and_the_rest_counted() -> None:
    problems = Problems()
    here = Path("l")
    assert problems.told(here) == []
    problems.add(7, "seven")
    problems.add(3, "three")
    problems.older = 1
    assert problems.told(here) == ["l:3: three", "l:7: seven", "l: 1 line of pv-ledger-v1, an older schema; left aside"]
    for number in range(19):
        problems.add(100 + number, "x")
    problems.older = 2
    assert len(problems.told(here)) == 22
    assert problems.told(here)[-2:] == [
        "l: and 1 more",
        "l: 2 lines of pv-ledger-v1, an older schema; left aside",
    ]


def test_a_line_that_is_taken_out_again_leaves_no_trace() -> None:
    scan = Scan()
    scan.put(b"1", 1, 0, None)
    scan.put(b"22", 2, 2, b"a")
    scan.put(b"333", 3, 5, b"a")
    scan.put(b"4444", 4, 9, b"b")
    scan.put(b"5", 5, 14, None)
    assert (len(scan), list(scan.of_runs), list(scan.before)) == (5, [0, 4], [-1, -1, 1, -1, -1])
    assert scan.last == {b"a": 2, b"b": 3}
    for runs, last in (([0], {b"a": 2, b"b": 3}), ([0], {b"a": 2}), ([0], {b"a": 1}), ([0], {}), ([], {})):
        scan.drop()
        assert (list(scan.of_runs), scan.last) == (runs, last)
        assert len(scan.numbers) == len(scan.offsets) == len(scan.lengths) == len(scan.before)
    assert len(scan) == 0
    scan.put(b"1", 1, 0, b"a")
    scan.put(b"2", 2, 2, b"a")
    scan.drop()
    assert scan.last == {b"a": 0}


def test_a_key_counts_as_we_write_it_and_what_is_no_key_as_it_is() -> None:
    plain = b'"contract":"c","claim":"F\\"","params":"{}","mutant":""'
    assert _plain_key(plain) == plain == key_text("c", 'F"', "{}", "")
    assert _plain_key(plain.replace(b'"c"', b'"\\u0063"')) == plain
    assert _plain_key(b'"x":"\\q"') == b'"x":"\\q"'


@pytest.mark.parametrize("block", [1, 3, 8, 1 << 22])
@pytest.mark.parametrize("data", [b"", b"a", b"\n", b"a\n", b"ab\n\ncd", b"\n\nabcdefgh\nx\n"])
def test_lines_are_cut_alike_whatever_is_read_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, data: bytes
) -> None:
    monkeypatch.setattr("pv.ledger.scan._BLOCK", block)
    path = tmp_path / "x"
    path.write_bytes(data)
    with path.open("rb") as file:
        lines = data.split(b"\n")
        assert list(lines_of(file.fileno(), len(data))) == (lines if lines[-1] else lines[:-1])
        with pytest.raises(OSError, match="it became shorter while it was read"):
            list(lines_of(file.fileno(), len(data) + 1))


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    for path, why in (
        (tmp_path, "it is no regular file"),
        (Path("a\0b"), "embedded null byte"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(UsageProblem) as caught:
            read(path)
        assert str(caught.value) == f"{path}: the ledger cannot be read: {why}"


def test_a_ledger_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    found = read(tmp_path / "none")
    assert (found.path, found.exists, found.head, found.broken, found.problems) == (
        tmp_path / "none",
        False,
        "",
        False,
        [],
    )
    assert found.find("0" * 12) is None
    with pytest.raises(IndexError, match="7"):
        _nothing(7)


def test_the_rows_of_runs_and_their_environments_are_found(path: Path) -> None:
    rows = [{**RUN}, {**ENVIRONMENT}, case(1, environment=ENVIRONMENT["environment"]), {**END}, {**END, "exit": "bad"}]
    append_rows(path, rows)
    found = read(path)
    assert [one.row["kind"] for one in found.of_runs()] == ["run", "environment", "end"]
    assert found.environment(str(ENVIRONMENT["environment"])) == {"a": 1}
    assert found.environment("0" * 16) is None
    assert found.problems == [f"{path}:5: it holds no count and no exit code; left aside"]


def test_an_abbreviated_id_may_go_beyond_what_is_looked_up_at_once(path: Path) -> None:
    append_rows(path, [case(number) for number in range(50)])
    found = read(path)
    for one in found.entries():
        for digits in (12, 15, 16, 17, 63, 64):
            seen = found.find(one.id[:digits])
            assert seen is not None
            assert (seen.id, seen.number) == (one.id, one.number)
        assert found.find(one.id[:17] + ("0" if one.id[17] != "0" else "1")) is None
    with pytest.raises(ValueError, match="is no id of a line"):
        found.find("X" * 12)
    with pytest.raises(ValueError, match="is no id") as caught:
        found.find("0" * 11)
    assert str(caught.value) == "'00000000000' is no id of a line: 12 to 64 hex digits"


def test_parts_that_many_rows_share_are_one_object_and_forgotten_when_they_are_many(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = [{"kind": "data", "path": "d", "sha256": "0" * 64}]
    append_rows(path, [case(number, inputs=inputs, engines=[]) for number in range(4)])
    first, second, *_ = rows = [one.row for one in read(path).entries()]
    assert first["inputs"][0] is second["inputs"][0]
    assert (first["compared"] is second["compared"], first["falsifier"] is second["falsifier"]) == (True, True)
    assert first["inputs"] is not second["inputs"]
    monkeypatch.setattr("pv.ledger.index._SHARED", 3)  # as many as there are
    again = [one.row for one in read(path).entries()]
    assert (again[0]["compared"] is again[3]["compared"], again[0]["falsifier"] is again[3]["falsifier"]) == (
        True,
        True,
    )
    monkeypatch.setattr("pv.ledger.index._SHARED", 1)
    again = [one.row for one in read(path).entries()]
    assert again == rows
    assert again[0]["compared"] is not again[3]["compared"]


def test_rows_that_are_in_no_file_are_believed() -> None:
    made = Ledger.of(
        [{"contract": "c", "claim": "F", "begun": True}, {"contract": "c", "claim": "F", "verdict": "odd"}]
    )
    assert [one.row["kind"] for one in made.entries()] == ["begin", "case"]
    assert [one.number for one in made.newest(("c", "F", "", ""))] == [2]
    assert made.problems == []
    assert made.path == Path()
    assert [one.row["inputs"] for one in Ledger.of([{"contract": "c", "claim": "F", "inputs": 7}]).entries()] == [7]
    assert [one.row["kind"] for one in Ledger.of([RUN, END]).of_runs()] == ["run", "end"]
    assert made.exists
