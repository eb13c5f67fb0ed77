"""`ccpa diff` as a user meets it: a real process on real files."""

from __future__ import annotations

import functools
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apr.actions.tree import snapshot, tree_sha256
from tests import programs
from tests.action_traces import plain, prompt, save, with_calls

PAIRS = Path(__file__).resolve().parents[2] / "fixtures" / "action-traces"
CODE = {"actor": "claude-code", "session_id": "01900000-0000-7000-8000-000000000002"}
LS, MAKE = ("Bash", {"command": "ls"}), ("Bash", {"command": "make"})
ccpa = functools.partial(programs.ccpa, "diff")


def report(*args: object, code: int) -> Any:
    done = ccpa("--json", *args)
    assert done.returncode == code, done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == "ccpa-diff-v1"
    return found


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Five calls, of which the student makes four, one after the others."""
    calls = [("Read", {"file_path": f"{name}.txt"}) for name in "abcd"]
    teacher = save(tmp_path / "t.jsonl", with_calls([LS], calls, **CODE))
    return teacher, save(tmp_path / "s.jsonl", with_calls([("Bash", {"command": " ls ;"})], calls[:-1]))


def test_what_agrees_and_what_does_not(two: tuple[Path, Path]) -> None:
    teacher, student = two
    assert report(teacher, teacher, code=0)["verdict"] == "agrees"
    found = report(teacher, student, code=0)
    assert (found["verdict"], found["score"], found["passes"]) == ("drifts", 0.8, True)
    assert [drift["category"] for drift in found["drifts"]] == ["missing_tool_call"]
    assert found["supports"] == "parity"
    assert report(teacher, student, "--individual-min", "0.81", code=1)["passes"] is False


def test_the_card_when_piped(two: tuple[Path, Path]) -> None:
    done = ccpa(*two)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "DRIFTS: score 0.8000, at least 0.8: 4 of 5 agree",
        "actions:   teacher 5, student 4, paired 4",
        "penalties: none",
        "files:     not compared; teacher: the tree before is not known; student: the tree before is not known",
        "supports:  parity: two producers, and what they did was compared",
        "teacher:   claude-code, tiny, 01900000-0000-7000-8000-000000000002",
        "student:   apr-code, tiny, 01900000-0000-7000-8000-000000000001",
        "",
        "   line  teacher      line  student",
        "      5  Read: c.txt     5  Read: c.txt",
        "-     5  Read: d.txt",
        "",
        "1 drift",
        "5:- missing_tool_call 4 - Read: the teacher's call was not made: Read: d.txt",
    ]


def test_colours_only_on_a_terminal(two: tuple[Path, Path]) -> None:
    main, side = pty.openpty()
    command = [sys.executable, "-m", "apr.ccpa", "diff", *map(str, two)]
    with subprocess.Popen(
        command, stdout=side, stdin=subprocess.DEVNULL, env=os.environ | {"TERM": "xterm", "NO_COLOR": ""}
    ):
        os.close(side)
        shown = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # the other end is gone
                break
            if not part:
                break
            shown += part
    os.close(main)
    assert b"\x1b[" in shown
    assert b"DRIFTS" in shown
    assert b"Read: d.txt" in shown
    assert "\x1b" not in ccpa(*two, TERM="xterm").stdout


def test_a_pair_s_folder_stands_for_its_files() -> None:
    found = report(PAIRS / "0111-block-moved", code=1)
    assert [drift["category"] for drift in found["drifts"]] == ["turn_order_skew", "turn_order_skew"]
    assert found["provenance"]["teacher"]["source"] == "authored"
    upstream = ccpa(PAIRS / "0111-block-moved", "--compat", "upstream")
    assert upstream.returncode == 1
    assert upstream.stdout.startswith("ccpa diff: parity_score = ")
    assert report(PAIRS / "0118-words-alone", code=1)["verdict"] == "vacuous"
    assert report(PAIRS / "0121-other-prompt", code=1)["verdict"] == "incomparable"


def test_folders_and_trees(tmp_path: Path) -> None:
    for name in ("before", "left", "right"):
        (tmp_path / name).mkdir()
    (tmp_path / "left" / "made").write_text("x")
    tree = {"cwd_sha256": tree_sha256(snapshot(tmp_path / "before"))}
    teacher = save(tmp_path / "t", with_calls([("Read", {"file_path": "/one/a"}), MAKE], **CODE, **tree))
    student = save(tmp_path / "s", with_calls([("Read", {"file_path": "/two/a"}), MAKE], **tree))
    assert report(teacher, student, code=1)["score"] == 0.5
    assert report(teacher, student, "--cwd", "/one", code=1)["score"] == 0.5
    folders = ("--teacher-cwd", "/one", "--student-cwd", "/two")
    assert report(teacher, student, *folders, code=0)["score"] == 1
    trees = ("--before", tmp_path / "before", "--teacher-after", tmp_path / "left")
    unknown = report(*trees, teacher, student, *folders, code=0)
    assert unknown["files_unknown"] == "student: Bash at line 3 may have changed files"
    found = report(teacher, *trees, "--student-after", tmp_path / "right", student, *folders, code=1)
    assert (found["matched"], found["denominator"], found["penalties"]) == (2, 3, {"course": 0, "files": 1})
    assert report(teacher, student, "--before", tmp_path / "left", code=1)["verdict"] == "incomparable"


def test_results_as_asked(tmp_path: Path) -> None:
    teacher, student = with_calls([LS], **CODE), with_calls([LS])
    student[3]["content"] = "something else"
    paths = save(tmp_path / "t", teacher), save(tmp_path / "s", student)
    assert report(*paths, code=1)["drifts"][0]["category"] == "mismatched_tool_result"
    assert report(*paths, "--results", "ok", code=0)["score"] == 1
    assert "results:   only whether they succeeded" in ccpa(*paths, "--results", "ok").stdout


def test_an_invalid_trace_is_refused_with_its_place(tmp_path: Path, two: tuple[Path, Path]) -> None:
    broken = save(tmp_path / "broken.jsonl", [*plain()[:-1], {"v": 2}])
    for args in ((two[0], broken), (broken, two[1])):
        done = ccpa(*args)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"ccpa: error: {broken}:4: ")
        assert done.stderr.count("\n") == 1
    cut = save(tmp_path / "cut.jsonl", plain()[:-1])
    assert ccpa(two[0], cut).returncode == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--individual-min", "nan"], "is no number from 0 to 1"),
        (["--individual-min", "1.01"], "is no number from 0 to 1"),
        (["--individual-min", "-0.1"], "is no number from 0 to 1"),
        (["--individual-min", "much"], "is no number from 0 to 1"),
        (["--results", "all"], "invalid choice"),
        (["--cwd", "/a", "--student-cwd", "/b"], "--cwd is for both sides"),
        (["--before", "/missing"], "/missing: cannot be read"),
        (["--compat", "upstream", "--before", "/"], "the upstream's meter has no --before"),
        (["more"], "unrecognized arguments: more"),
    ],
)
def test_usage(two: tuple[Path, Path], args: list[str], said: str) -> None:
    done = ccpa(*two, *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_one_argument_must_be_a_pair_s_folder(tmp_path: Path, two: tuple[Path, Path]) -> None:
    assert "is no folder of a pair; give the student's trace, too" in ccpa(two[0]).stderr
    assert "there is no teacher.ccpa-trace.jsonl" in ccpa(tmp_path).stderr
    assert "--cwd goes with two traces" in ccpa(PAIRS / "0111-block-moved", "--cwd", "/x").stderr
    assert ccpa(PAIRS / "missing").returncode == 2


def test_names_that_look_like_options(two: tuple[Path, Path]) -> None:
    teacher, student = two
    dashed = teacher.rename(teacher.with_name("-x"))
    done = subprocess.run(
        [sys.executable, "-m", "apr.ccpa", "diff", "--json", "--", "-x", str(student)],
        cwd=dashed.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert json.loads(done.stdout or "{}").get("schema") == "ccpa-diff-v1", done.stderr


def test_nothing_from_a_trace_steers_the_terminal(tmp_path: Path) -> None:
    evil = ("Bash", {"command": "printf '\x1b[2J'"})
    teacher = save(tmp_path / "t", with_calls([evil], model="\x1b]0;x\x07", **CODE))
    student = save(tmp_path / "s", with_calls([("\x1b[31m", {})]))
    done = ccpa(teacher, student)
    assert "\x1b" not in done.stdout + done.stderr
    asked = with_calls([LS])
    asked[1] = prompt("\x1b[2J\nx")
    done = ccpa(teacher, save(tmp_path / "o", asked))
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert r"\x1b[2J\nx" in done.stdout


def test_names_as_long_as_a_book_are_cut_where_people_read(tmp_path: Path) -> None:
    book = "x" * 100_000
    for name, more in (("teacher", ""), ("student", "y")):
        save(tmp_path / f"{name}.ccpa-trace.jsonl", with_calls([(book + more, {book: book})]))
    done = ccpa(tmp_path)
    assert done.returncode == 1
    assert len(done.stdout) < 10_000
    assert len(report(tmp_path, code=1)["drifts"][0]["label"]) == len(book)
