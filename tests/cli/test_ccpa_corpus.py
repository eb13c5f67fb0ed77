"""`ccpa corpus` as a user meets it: what passes, what is counted, what is refused, and that no process is left behind."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import programs
from tests.action_traces import plain, save, with_calls

PAIRS = Path(__file__).resolve().parents[2] / "fixtures" / "action-traces"
CODE = {"actor": "claude-code", "session_id": "01900000-0000-7000-8000-000000000002"}
TEACHER, STUDENT = "teacher.ccpa-trace.jsonl", "student.ccpa-trace.jsonl"
ccpa = functools.partial(programs.ccpa, "corpus")


def report(*args: object, code: int) -> Any:
    done = ccpa("--json", *args)
    assert done.returncode == code, done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == "ccpa-corpus-v1"
    return found


def pair(corpus: Path, name: str, calls: int, same: int, expect: str = "", prompt: str | None = None) -> Path:
    """A pair in which so many of so many calls agree."""
    folder = corpus / name
    folder.mkdir(parents=True)
    asked = [("Read", {"file_path": f"{number}.txt"}) for number in range(calls)]
    done = [*asked[:same], *[("Read", {"file_path": f"other-{number}.txt"}) for number in range(same, calls)]]
    teacher, student = with_calls(asked, **CODE), with_calls(done)
    if not calls:
        teacher, student = [plain()[0] | CODE, *plain()[1:]], plain()
    if prompt is not None:
        student[1]["text"] = prompt
    save(folder / TEACHER, teacher)
    save(folder / STUDENT, student)
    if expect:
        (folder / "meta.toml").write_text(expect)
    return folder


def test_the_mean_is_over_what_has_a_score(tmp_path: Path) -> None:
    pair(tmp_path, "b", 10, 9)
    pair(tmp_path, "a", 5, 5)
    pair(tmp_path, "c", 0, 0)
    found = report(tmp_path, code=0)
    assert (found["mean"], found["passes"]) == (0.95, True)  # inclusive, and 1.9 / 2 is not rounded away
    counts = {name: found[name] for name in ("pairs", "scored", "vacuous", "incomparable", "failed")}
    assert counts == {"pairs": 3, "scored": 2, "vacuous": 1, "incomparable": 0, "failed": 0}
    assert found["actions"] == {"teacher": 15, "student": 15, "matched": 14}
    assert found["drifts"] == {"mismatched_tool_input": 1}
    assert found["supports"] == "parity"
    assert [one["name"] for one in found["per_pair"]] == ["a", "b", "c"]
    assert found["per_pair"][1]["drifts"] == ["mismatched_tool_input 9 9 Read"]
    assert report(tmp_path, "--aggregate-min", "0.951", code=1)["passes"] is False
    assert report(tmp_path, "--individual-min", "0.91", code=1)["failed"] == 1
    assert report(tmp_path, "--results", "none", code=0)["results"] == "none"


def test_what_never_passes(tmp_path: Path) -> None:
    pair(tmp_path / "vacuous", "a", 0, 0)
    found = report(tmp_path / "vacuous", "--aggregate-min", "0", "--individual-min", "0", code=1)
    assert (found["mean"], found["supports"]) == (None, "nothing")
    pair(tmp_path / "incomparable", "a", 2, 2)
    pair(tmp_path / "incomparable", "b", 2, 2, prompt="something else")
    found = report(tmp_path / "incomparable", code=1)
    assert (found["mean"], found["incomparable"], found["failed"]) == (1, 1, 0)
    pair(tmp_path / "one", "a", 4, 3)
    for number in range(19):
        pair(tmp_path / "one", f"b{number}", 3, 3)
    found = report(tmp_path / "one", code=1)
    assert found["mean"] > 0.95
    assert found["failed"] == 1


def test_one_pair_of_one_producer_is_enough_to_prove_no_parity(tmp_path: Path) -> None:
    pair(tmp_path, "a", 2, 2)
    folder = pair(tmp_path, "b", 2, 2)
    shutil.copyfile(folder / TEACHER, folder / STUDENT)
    found = report(tmp_path, code=0)
    assert [one["supports"] for one in found["per_pair"]] == ["parity", "no-false-alarm"]
    assert found["supports"] == "no-false-alarm"


def test_text_says_the_answer_first(tmp_path: Path) -> None:
    pair(tmp_path, "a", 4, 4)
    pair(tmp_path, "b\x1b[31m", 4, 2)
    done = ccpa(tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "FAILED: mean 0.7500 over 2, below 0.95; 1 below 0.8"
    assert lines[1:5] == [
        "pairs:     2: 2 scored, 0 vacuous, 0 incomparable; 1 failed",
        "actions:   teacher 8, student 8, paired 6",
        "drifts:    2 mismatched_tool_input",
        "supports:  parity: two producers, and what they did was compared",
    ]
    assert lines[-1].split() == [
        r"b\x1b[31m", "drifts", "0.5000", "2/4", "2", "mismatched_tool_input", "2", "2", "Read",
    ]  # fmt: skip
    assert ccpa(tmp_path, "--aggregate-min", "0.5", "--individual-min", "0.5").stdout.startswith("PASSED: mean 0.7500")


def test_the_fixtures_are_as_pinned_by_both_meters() -> None:
    number = sum(path.is_dir() for path in PAIRS.iterdir())
    found = report(PAIRS, "--expect", code=0)
    assert found["expect"] == {"checked": number, "differing": []}
    assert found["passes"] is False
    assert set(found["drifts"]) >= {"turn_order_skew", "mismatched_file_state", "extraneous_llm_call"}
    assert f"{number} of {number} pairs are as expected" in ccpa(PAIRS, "--expect", "--compat", "upstream").stdout


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("score = 0.5\ndrifts = ['mismatched_tool_input 1 1 Read']", []),
        ("score = 0.5", []),
        ("score = 0.51", ["score 0.5, expected 0.51"]),
        ("score = 'vacuous'", ["score 0.5, expected vacuous"]),
        (
            "score = 0.5\ndrifts = []",
            ["drift 1 is mismatched_tool_input 1 1 Read, expected none (1 drifts, expected 0)"],
        ),
        (
            "score = 0.5\ndrifts = ['mismatched_tool_input 1 1 Read', 'x']",
            ["drift 2 is none, expected x (1 drifts, expected 2)"],
        ),
    ],
)
def test_each_pin_is_held(tmp_path: Path, expect: str, said: list[str]) -> None:
    pair(tmp_path, "a", 2, 1, f"[expect]\n{expect}\n")
    found = report(tmp_path, "--expect", code=1 if said else 0)
    assert found["expect"]["differing"] == ([{"name": "a", "problems": said}] if said else [])


def test_a_pair_that_pins_nothing_is_told(tmp_path: Path) -> None:
    pair(tmp_path, "a", 2, 2)
    done = ccpa(tmp_path, "--expect")
    assert done.returncode == 1
    assert done.stdout.endswith("0 of 1 pairs are as expected\na: meta.toml says nothing to expect\n")
    done = ccpa(tmp_path, "--expect", "--compat", "upstream")
    assert (done.returncode, "nothing to expect of the upstream's" in done.stdout) == (1, True)


def test_the_upstream_s_pins_are_held(tmp_path: Path) -> None:
    pair(tmp_path, "a", 2, 1, "[expect]\nscore = 0.5\n[expect.upstream]\nscore = 0.25\ndrifts = []\n")
    found = report(tmp_path, "--expect", "--compat", "upstream", code=1)
    (wrong,) = found["expect"]["differing"]
    # it reads no file_path, so that both calls are the same to it
    assert wrong["problems"] == ["score 1.0, expected 0.25"]


def test_the_same_bytes_from_any_number_of_processes(tmp_path: Path) -> None:
    for number in range(40):
        pair(tmp_path, f"{number:02}", 6, min(number % 7, 6))
    outputs = {ccpa(tmp_path, "--json", "--jobs", jobs).stdout for jobs in (1, 2, 5)}
    assert len(outputs) == 1
    assert json.loads(outputs.pop())["pairs"] == 40


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_first_bad_trace_by_name_is_refused(tmp_path: Path, jobs: int) -> None:
    for number in range(30):
        pair(tmp_path, f"{number:02}", 2, 2)
    for name in ("25", "07"):
        save(tmp_path / name / STUDENT, plain()[:-1])
    done = ccpa(tmp_path, "--jobs", jobs)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ccpa: error: {tmp_path}/07/{STUDENT}:")
    assert done.stderr.count("\n") == 1


def test_layout_and_usage(tmp_path: Path) -> None:
    assert ccpa(tmp_path).returncode == 2
    folder = pair(tmp_path, "a", 1, 1)
    for args, said in (
        (["--jobs", "0"], "--jobs 0 is no number of processes"),
        (["--aggregate-min", "nan"], "is no number from 0 to 1"),
        (["--aggregate-min", "2"], "is no number from 0 to 1"),
        (["--html", str(tmp_path / "x.html"), "--compat", "upstream"], "--html shows the default meter's reports"),
        (["--html", str(tmp_path / "no" / "x.html")], "no/x.html"),
    ):
        done = ccpa(tmp_path, *args)
        assert (done.returncode, done.stdout) == (2, ""), args
        assert said in done.stderr
    (folder / STUDENT).unlink()
    done = ccpa(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{folder}: there is no {STUDENT}" in done.stderr


def children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def busy(tmp_path: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """The command at work on many pairs, and its workers."""
    first = pair(tmp_path, "0000", 400, 200)
    for number in range(1, 400):
        shutil.copytree(first, tmp_path / f"{number:04}", copy_function=os.link)
    process = subprocess.Popen(
        [sys.executable, "-m", "apr.ccpa", "corpus", str(tmp_path), "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 30
    while len(workers := children(process.pid)) < 2:
        assert time.monotonic() < end, "no workers"
        time.sleep(0.01)
    return process, workers


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="asks /proc for the workers")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_all_of_it(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    process, workers = busy(tmp_path)
    os.killpg(process.pid, sent)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (code, "", "")
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="asks /proc for the workers")
def test_a_worker_that_is_killed_is_our_bug_and_no_hang(tmp_path: Path) -> None:
    process, workers = busy(tmp_path)
    os.kill(workers[0], signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (3, "")
    assert "a worker process ended with exit code -9" in err


def test_the_page_is_one_file(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = ccpa(PAIRS, "--html", page, "--json")
    assert done.returncode == 1
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert "0111-block-moved" in text
    assert json.loads(done.stdout)["pairs"] == text.count('<tr><th scope="row">') - len(
        json.loads(done.stdout)["drifts"]
    )
