"""A trace lands whole or not at all, and what no reader would accept is not written."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from apr.actions.lines import LIMIT
from apr.actions.reading import read_trace
from apr.actions.writing import BrokenTrace, TraceWriter
from apr.errors import AprError
from tests.action_traces import STEADY, answer, call, end, plain, prompt, result, save, start, text, traces

if TYPE_CHECKING:
    from pathlib import Path


TWICE: dict[Any, int] = {"1": 2, 1: 2}  # one key, once it is written


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, records: list[dict[str, Any]]) -> None:
    with TraceWriter(path) as writer:
        for record in records:
            writer.write(record)
        writer.land()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "t", plain("ü\u2028\0\U0001f600"))
    assert [one.record for one in read_trace(tmp_path / "t")] == plain("ü\u2028\0\U0001f600")
    assert names(tmp_path) == ["t"]
    assert b"\xc3\xbc" in (tmp_path / "t").read_bytes()


@STEADY
@given(records=traces())
def test_anything_valid_is_read_back(tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.ccpa-trace.jsonl"
    write(path, records)
    assert [one.record for one in read_trace(path)] == records


def test_until_it_lands_the_place_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_text("before")
    with TraceWriter(path) as writer:
        assert writer.part is not None
        assert writer.part.parent == tmp_path
        for record in plain():
            writer.write(record)
            assert path.read_text() == "before"
        writer.land()
        assert writer.part is None
        assert [one.record for one in read_trace(path)] == plain()
        with pytest.raises(ValueError, match="not open"):
            writer.write(prompt())
    assert names(tmp_path) == ["t"]


def test_the_bytes_last_before_the_name_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "t", []
    monkeypatch.setattr(os, "fsync", lambda handle: seen.append((os.fstat(handle).st_size, path.exists())))
    write(path, plain())
    assert [present for _, present in seen] == [False, True]
    assert seen[0][0] == path.stat().st_size


def test_leaving_early_leaves_nothing(tmp_path: Path) -> None:
    with TraceWriter(tmp_path / "t") as writer:
        for record in plain():
            writer.write(record)
        assert len(names(tmp_path)) == 1
    assert names(tmp_path) == []
    writer = TraceWriter(tmp_path / "t")
    with pytest.raises(KeyboardInterrupt), writer:
        _interrupted(writer)
    assert names(tmp_path) == []
    with pytest.raises(ValueError, match="not open"):
        writer.land()


def _interrupted(writer: TraceWriter) -> None:
    writer.write(start())
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("records", "rule"),
    [
        ([start(v=2)], "schema"),
        ([start(session_id="x")], "session-id"),
        ([prompt()], "bracketing"),
        ([start(), prompt("\ud800")], "encoding"),
        ([start(), prompt(), answer(1, call("x", {"a": float("nan")}))], "number"),
        ([start(), prompt(), answer(1, call("x", TWICE))], "duplicate-key"),
        ([start(), prompt("x" * LIMIT)], "record-size"),
        ([start(), prompt(), result(2, "x")], "tool-result"),
        ([start(), prompt(), answer(1, text("x"), stop="tool_use")], "stop-reason"),
        ([*plain(), end(1)], "bracketing"),
    ],
)
def test_what_no_reader_accepts_is_a_bug(tmp_path: Path, records: list[dict[str, Any]], rule: str) -> None:
    with TraceWriter(tmp_path / "t") as writer:
        for record in records[:-1]:
            writer.write(record)
        with pytest.raises(BrokenTrace, match="no trace may say this: ") as caught:
            writer.write(records[-1])
        assert (caught.value.finding.rule, caught.value.finding.line) == (rule, len(records))
    assert not isinstance(caught.value, AprError)
    assert names(tmp_path) == []


def test_a_session_without_end_does_not_land(tmp_path: Path) -> None:
    with TraceWriter(tmp_path / "t") as writer:
        for record in plain()[:-1]:
            writer.write(record)
        with pytest.raises(BrokenTrace, match="ends without session_end"):
            writer.land()
    assert names(tmp_path) == []


def test_a_link_is_followed_and_modes_are_usual(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real/t")
    before = os.umask(0o027)
    try:
        write(tmp_path / "link", plain())
    finally:
        os.umask(before)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "t").stat().st_mode & 0o777 == 0o640
    assert names(tmp_path / "real") == ["t"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is a folder; a trace cannot be written there"),
        ("no/t", "the trace cannot be written: No such file or directory"),
        ("file/t", "the trace cannot be written: Not a directory"),
        ("pipe", "is no regular file; a trace cannot be written there"),
        ("loop", "the trace cannot be written: "),
        ("x" * 300, "the trace cannot be written: File name too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_known_before_any_work(tmp_path: Path, name: str, problem: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    save(tmp_path / "file", plain())
    (tmp_path / "loop").symlink_to("loop")
    before = names(tmp_path)
    with pytest.raises(AprError) as caught, TraceWriter(tmp_path / name):
        pytest.fail("the place was taken")
    assert problem in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert names(tmp_path) == before


FULL = """
import resource, sys
from pathlib import Path
from apr.actions.writing import TraceWriter
from apr.errors import AprError
from tests.action_traces import answer, end, prompt, start, text
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
many = int(sys.argv[2])
try:
    with TraceWriter(Path(sys.argv[1])) as writer:
        for record in (start(), prompt(), *(answer(1 + n, text("x" * 500)) for n in range(many)), end(many)):
            writer.write(record)
        writer.land()
except AprError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("many", [10, 16, 100])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # its file would be too large, too
    path = save(tmp_path / "t", plain())
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path), str(many)], capture_output=True, text=True, timeout=60, check=False
    )
    assert names(tmp_path) == ["t"]
    if many == 10:
        assert (done.returncode, done.stdout, len(read_trace(path))) == (0, "", 13)
        return
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith(f"{path}: the trace cannot be written: File too large; ")
    assert [one.record for one in read_trace(path)] == plain()


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write anywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(AprError, match="Permission denied"), TraceWriter(tmp_path / "t"):
        pytest.fail("the place was taken")
