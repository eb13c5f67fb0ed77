"""`ccpa measure` as a user meets it: students that really run, and those whose traces must not be believed."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from apr import __version__
from apr.actions.tree import snapshot, tree_sha256
from apr.sandbox import available, machine
from tests import pages, programs

if TYPE_CHECKING:
    from collections.abc import Callable

STUDENT = Path(__file__).with_name("measured_student.py")
PROMPT = "write three words to notes.txt; don't say $HOME or {cwd}"
TEACHER = "teacher.ccpa-trace.jsonl"
ccpa = functools.partial(programs.ccpa, "measure")


def student(fault: str = "none") -> str:
    return f"cmd:{sys.executable} {STUDENT} {fault} {{prompt}} {{trace}} {{cwd}}"


def teach(folder: Path, *, calls: bool = True, prompt: str = PROMPT, actor: str = "claude-code") -> Path:
    """A teacher's folder: it started from a tree with one file, and wrote another."""
    (folder / "before").mkdir(parents=True)
    (folder / "before" / "a.txt").write_text("one\n")
    (folder / "before" / "link").symlink_to("a.txt")
    start = {
        "v": 1,
        "kind": "session_start",
        "session_id": "0193b3f0-0000-7000-8000-000000000001",
        "ts": "2024-12-01T12:00:00Z",
        "actor": actor,
        "model": "teacher-1",
        "cwd_sha256": tree_sha256(snapshot(folder / "before")),
    }
    use = {"type": "tool_use", "id": "t1", "name": "Write"}
    arguments = {"file_path": "/home/somebody/task/notes.txt", "content": "three words here\n"}
    acts: list[dict[str, Any]] = [
        {
            "v": 1,
            "kind": "assistant_turn",
            "turn": 1,
            "blocks": [use | {"input": arguments}],
            "stop_reason": "tool_use",
        },
        {"v": 1, "kind": "tool_result", "turn": 2, "tool_use_id": "t1", "ok": True, "content": "Created notes.txt."},
    ]
    last = 2 if calls else 1
    text = [{"type": "text", "text": "I did."}]
    ends: list[dict[str, Any]] = [
        {"v": 1, "kind": "assistant_turn", "turn": last, "blocks": text, "stop_reason": "end_turn"},
        {"v": 1, "kind": "session_end", "turn": last, "stop_reason": "end_turn"}
        | {"elapsed_ms": 900, "tokens_in": 10, "tokens_out": 20},
    ]
    said = {"v": 1, "kind": "user_prompt", "turn": 0, "text": prompt}
    lines = [start, said, *(acts if calls else []), *ends]
    (folder / TEACHER).write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "meta.toml").write_text('[teacher]\ncwd = "/home/somebody/task"\nsource = "run"\n')
    return folder


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    return teach(tmp_path / "0001-notes")


def test_a_student_that_does_the_same_is_measured(teacher: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in teacher.rglob("*") if path.is_file()}
    done = ccpa("--teacher", str(teacher), "--student", student(), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    content = json.loads(done.stdout)
    assert (content["schema"], content["measured"], content["passes"]) == ("ccpa-measure-v1", True, True)
    assert (content["mean"], content["supports"], content["teachers"]) == (1.0, "parity", 1)
    (trial,) = content["trials"]
    report = trial["report"]
    assert (report["verdict"], report["matched"], report["denominator"], report["drifts"]) == ("agrees", 1, 1, [])
    assert report["files_unknown"] is None
    assert report["provenance"]["student"]["source"] == "run"
    assert report["provenance"]["student"]["model"] == "scripted"
    assert (trial["id"], trial["exit_code"], len(trial["trace_sha256"])) == ("0001-notes", 0, 64)
    assert 0 < trial["seconds"] < 100
    assert (trial["network"]["isolated"], trial["network"]["attempts"]) == (False, None)
    assert str(STUDENT) in content["student"]["files"]
    assert content["student"]["command"][-3:] == ["{prompt}", "{trace}", "{cwd}"]
    assert {path: path.read_bytes() for path in teacher.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0001-notes"]


def test_the_text_says_what_was_measured_and_how_it_ran(teacher: Path) -> None:
    done = ccpa("--teacher", str(teacher), "--student", student())
    assert (done.returncode, done.stderr) == (0, "")
    first, *_, last = done.stdout.splitlines()
    assert first == "AGREES: score 1.0000, at least 0.8: 1 of 1 agree"
    assert "ran for" in last
    assert "exit code 0, trace sha256 " in last


def test_a_student_that_does_otherwise_gets_a_lower_score(teacher: Path) -> None:
    done = ccpa("--teacher", str(teacher), "--student", student("other-words"), "--json")
    content = json.loads(done.stdout)
    assert (done.returncode, content["measured"], content["passes"], content["mean"]) == (1, True, False, 0.0)
    found = [drift["category"] for drift in content["trials"][0]["report"]["drifts"]]
    assert found == ["mismatched_tool_input", "mismatched_file_state"]
    assert ccpa("--teacher", str(teacher), "--student", student("other-words"), "--individual-min", "0").returncode == 0


REFUSALS = {
    "fails": "the student failed with exit code 7; it said: something went wrong",
    "silent": "the student wrote no trace",
    "invalid": "what the student left cannot be used: ",
    "cut-off": "[bracketing]",
    "stale": "the student's trace is not of this run: its ts is 3,",
    "old-session": "the student's trace is not of this run: its session_id is ",
    "from-tomorrow": "seconds after its end",
    "too-long": "it says 3600000 ms, and all of it took ",
    "other-actor": "the student's trace is of claude-code, and apr-code was to be measured",
    "other-tree": "says that it started from another tree than it was given",
    "other-prompt": "has another prompt than it was given",
    "text-only": "a text-only trace cannot support a claim about tools",
    "forged": "does not tell what happened: 'notes.txt' is not as it says",
    "forged-otherwise": "does not tell what happened: 'other.txt' is not as it says",
    "copy": "is a copy of its teacher's: both have the same session_id",
    "link": "what the student left in the trace's place is no file of its own",
    "hard-link": "what the student left in the trace's place is no file of its own",
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_trace_that_cannot_be_of_this_run_is_not_measured(fault: str, teacher: Path) -> None:
    # on one disk, so that there can be hard links
    trace, disk = str(teacher / TEACHER), str(teacher.parent)
    done = ccpa("--teacher", str(teacher), "--student", student(fault), "--json", TEACHER=trace, TMPDIR=disk)
    assert done.returncode == 2
    content = json.loads(done.stdout)
    assert (content["measured"], content["passes"], content["mean"]) == (False, False, None)
    assert (content["supports"], content["refused"]) == ("nothing", 1)
    assert REFUSALS[fault] in content["reason"]
    assert content["trials"] == [{"id": "0001-notes", "measured": False, "reason": content["reason"]}]
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"ccpa: error: {teacher}: ")
    assert REFUSALS[fault] in done.stderr


def test_another_actor_is_measured_where_it_was_asked_for(teacher: Path) -> None:
    arguments = ("--teacher", str(teacher), "--student", student("other-actor"), "--actor", "claude-code", "--json")
    content = json.loads(ccpa(*arguments).stdout)
    assert (content["measured"], content["supports"]) == (True, "no-false-alarm")


def test_what_a_hook_did_to_a_file_is_no_forgery(teacher: Path) -> None:
    content = json.loads(ccpa("--teacher", str(teacher), "--student", student("hooked"), "--json").stdout)
    assert (content["measured"], content["passes"]) == (True, False)
    found = [drift["category"] for drift in content["trials"][0]["report"]["drifts"]]
    assert found == ["extra_hook_event", "mismatched_file_state"]


def test_a_teacher_without_actions_measures_nothing(tmp_path: Path) -> None:
    teacher = teach(tmp_path / "0002-plain", calls=False)
    done = ccpa("--teacher", str(teacher), "--student", student("text-only"), "--json")
    content = json.loads(done.stdout)
    assert (done.returncode, content["measured"], content["passes"], content["mean"]) == (2, False, False, None)
    assert "is not as it says" in content["reason"]  # it wrote a file and said nothing of it
    code = f"cmd:{sys.executable} -m apr code --answers-from {teacher / TEACHER} --cwd {{cwd}} -p {{prompt}} --emit-trace {{trace}}"
    done = ccpa("--teacher", str(teacher), "--student", code)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("VACUOUS: neither side did anything that is scored")


def test_apr_code_is_measured_by_the_trace_that_it_emits(teacher: Path, tmp_path: Path) -> None:
    """Its answers are recorded ones, so that no model is needed, and so that they are no evidence of parity; its tools really run."""
    answers = tmp_path / "answers.jsonl"
    answers.write_text((teacher / TEACHER).read_text().replace("/home/somebody/task/", ""))
    code = f"cmd:{sys.executable} -m apr code --answers-from {answers} --cwd {{cwd}} --prompt={{prompt}} --emit-trace {{trace}}"
    content = json.loads(ccpa("--teacher", str(teacher), "--student", code, "--results", "ok", "--json").stdout)
    assert (content["measured"], content["mean"], content["supports"]) == (True, 1.0, "no-false-alarm")


def test_a_model_is_measured_by_apr_code_from_wherever_it_was_named(
    tmp_path: Path, tiny_llama: Callable[..., Path]
) -> None:
    teacher = teach(tmp_path / "plain", calls=False)
    (tmp_path / "models").mkdir()
    template = "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}"
    model = tiny_llama(metadata=(("tokenizer.chat_template", template), ("general.name", "Tiny One")))
    (tmp_path / "models" / "{tiny}.gguf").symlink_to(model)
    arguments = ("--student", "apr-code --engine numpy --max-tokens 3", "--model", "models/{tiny}.gguf")
    done = ccpa("--teacher", str(teacher), *arguments, "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    content = json.loads(done.stdout)
    assert (content["measured"], content["vacuous"], content["supports"]) == (True, 1, "nothing")
    words = content["student"]["command"]
    assert words[-5:-1] == ["--engine", "numpy", "--max-tokens", "3"]
    assert words[-1] == f"--model={tmp_path}/models/{{{{tiny}}}}.gguf"
    assert content["student"]["version"] == __version__
    producer = content["trials"][0]["report"]["provenance"]["student"]
    assert (producer["actor"], producer["model"]) == ("apr-code", "Tiny One")


def test_a_program_may_be_named_from_here(teacher: Path, tmp_path: Path) -> None:
    program = tmp_path / "run me"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {STUDENT} none "$@"\n')
    program.chmod(0o755)
    done = ccpa("--teacher", str(teacher), "--student", "cmd:'./run me' {prompt} {trace} {cwd}", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(json.loads(done.stdout)["student"]["files"]) == [str(program)]


def test_what_was_measured_can_be_kept_and_compared_again(teacher: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept" / "here"
    done = ccpa("--teacher", str(teacher), "--student", student(), "--keep", str(kept), "--json")
    assert done.returncode == 0
    assert (kept / "student-after" / "notes.txt").read_text() == "three words here\n"
    assert (kept / "student-after" / "link").readlink() == Path("a.txt")
    again = subprocess.run(
        [sys.executable, "-m", "apr.ccpa", "diff", str(kept), "--json"], capture_output=True, text=True, check=False
    )
    assert json.loads(again.stdout) == json.loads(done.stdout)["trials"][0]["report"]
    done = ccpa("--teacher", str(teacher), "--student", student(), "--keep", str(kept))
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not empty, and nothing in it is replaced" in done.stderr


def test_a_folder_of_teachers_is_measured_one_by_one(tmp_path: Path) -> None:
    for name in ("0001-a", "0002-b"):
        teach(tmp_path / "corpus" / name)
    teach(tmp_path / "corpus" / "0003-plain", calls=False)
    done = ccpa("--teacher", str(tmp_path / "corpus"), "--student", student(), "--json")
    content = json.loads(done.stdout)
    assert (content["teachers"], content["scored"], content["mean"]) == (3, 3, 2 / 3)
    assert (done.returncode, content["failed"]) == (1, 1)
    (tmp_path / "corpus" / "0003-plain").rename(tmp_path / "corpus" / "_not-now")
    done = ccpa("--teacher", str(tmp_path / "corpus"), "--student", student())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == (
        "mean 1.0000 over 2 of 2 teachers; 0 vacuous, 0 incomparable, 0 not measured"
    )


def test_one_student_that_fails_leaves_the_others_measured_and_the_whole_not(tmp_path: Path) -> None:
    teach(tmp_path / "corpus" / "0001-a")
    teach(tmp_path / "corpus" / "0002-b", prompt="fails")
    script = tmp_path / "fickle.sh"
    script.write_text(
        f'case "$1" in fails) fault=fails;; *) fault=none;; esac\nexec {sys.executable} {STUDENT} $fault "$@"'
    )
    fickle = f"cmd:bash {script} {{prompt}} {{trace}} {{cwd}}"
    done = ccpa("--teacher", str(tmp_path / "corpus"), "--student", fickle, "--json")
    content = json.loads(done.stdout)
    assert (done.returncode, content["measured"], content["refused"], content["scored"]) == (2, False, 1, 1)
    assert [trial["measured"] for trial in content["trials"]] == [True, False]
    assert (content["mean"], content["supports"]) == (1.0, "nothing")
    assert "1 of 2 not measured; 0002-b: the student failed with exit code 7" in done.stderr


def test_the_tree_that_the_teacher_started_from_must_be_given(teacher: Path) -> None:
    trace = teacher / TEACHER
    done = ccpa("--teacher", str(trace), "--student", student())
    assert (done.returncode, done.stdout) == (2, "")
    assert "give the folder that it started from by --before" in done.stderr
    before = ("--before", str(teacher / "before"), "--teacher-cwd", "/home/somebody/task")
    assert ccpa("--teacher", str(trace), *before, "--student", student()).returncode == 0
    # without it the teacher's path is another one than the student's
    assert ccpa("--teacher", str(trace), *before[:2], "--student", student()).returncode == 1
    os.mkfifo(teacher / "before" / "pipe")
    done = ccpa("--teacher", str(teacher), "--student", student())
    assert (done.returncode, done.stdout) == (2, "")
    assert "pipe: is no file, folder or link" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--student", "someone"], "unknown student 'someone'; write apr-code with options of its own, or cmd:PROGRAM"),
        (["--student", "cmd:"], "names no program"),
        (["--student", "cmd:x 'y {prompt} {trace}"], "cannot be cut into words: No closing quotation"),
        (["--student", "cmd:x {promt} {trace}"], "unknown placeholder {promt}; did you mean {prompt}?"),
        (["--student", "cmd:x {prompt}"], "has no {trace}, so there is nothing to measure"),
        (["--student", "cmd:x {trace}"], "has no {prompt}"),
        (["--student", "cmd:no-such-program {prompt} {trace}"], "there is no program 'no-such-program' in PATH"),
        (["--student", "cmd:x {prompt} {trace}", "--model", "m"], "--model is of the student apr-code"),
        (["--timeout", "0"], "'0' is no number of seconds above 0"),
        (["--timeout", "nan"], "'nan' is no number of seconds above 0"),
        (["--before", "."], "--before goes with a trace; of a pair, its folder and meta.toml say that"),
        (["--apr-bin", "x"], "--apr-bin goes with --compat upstream"),
        (["--compat", "upstream", "--student", "cmd:x {prompt} {trace}"], "takes no --student"),
        (["--compat", "upstream", "--model", "m"], "--model does not go with --compat upstream"),
        (["--individual-min", "2"], "no number from 0 to 1"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], why: str, teacher: Path) -> None:
    done = ccpa("--teacher", str(teacher), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1


def test_teachers_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = ccpa("--teacher", str(tmp_path / "empty"), "--student", student())
    assert (done.returncode, "there is no folder with teacher" in done.stderr) == (2, True)
    done = ccpa("--teacher", str(tmp_path / "none"), "--student", student())
    assert (done.returncode, "No such file" in done.stderr) == (2, True)
    teacher = teach(tmp_path / "two")
    lines = (teacher / TEACHER).read_text().splitlines()
    end = json.loads(lines[-1])
    more = [
        {"v": 1, "kind": "user_prompt", "turn": 2, "text": "and now?"},
        {
            "v": 1,
            "kind": "assistant_turn",
            "turn": 3,
            "blocks": [{"type": "text", "text": "."}],
            "stop_reason": "end_turn",
        },
        end | {"turn": 3},
    ]
    (teacher / TEACHER).write_text("\n".join([*lines[:-1], *map(json.dumps, more)]) + "\n")
    done = ccpa("--teacher", str(teacher), "--student", student())
    assert (done.returncode, "has 2 prompts, and a student is given one" in done.stderr) == (2, True)
    (teacher / TEACHER).write_text("\n".join(lines[:-1]))
    done = ccpa("--teacher", str(teacher), "--student", student())
    assert (done.returncode, "[bracketing]" in done.stderr) == (2, True)


def test_a_student_that_takes_too_long_is_ended_with_its_children(teacher: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    done = ccpa("--teacher", str(teacher), "--student", student("hangs"), "--timeout", "3", STUDENT_MARK=str(mark))
    assert (done.returncode, done.stdout) == (2, "")
    assert "the student took longer than 3 seconds" in done.stderr
    assert mark.exists()
    assert not _alive(str(mark))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_the_student_with_its_children(
    number: signal.Signals, code: int, teacher: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\nfrom apr.ccpa.cli import main\n"
    program += "raise SystemExit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "measure", "--teacher", str(teacher), "--student", student("hangs")],
        env={**os.environ, "STUDENT_MARK": str(mark), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not mark.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (code, b"", b"")
    assert not _alive(str(mark))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0001-notes", "mark"]


def _alive(mark: str) -> list[str]:
    """Processes that still have the mark in their environment, a moment after."""
    deadline = time.monotonic() + 10
    while True:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    if f"STUDENT_MARK={mark}".encode() in (entry / "environ").read_bytes():
                        found.append(entry.name)
                except OSError:
                    continue
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


@pytest.mark.skipif(available() is not None, reason=f"no network namespace here: {available()}")
def test_without_a_network_what_the_student_tried_to_reach_is_listed(teacher: Path) -> None:
    done = ccpa("--teacher", str(teacher), "--student", student("calls-home"), "--no-network", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    network = json.loads(done.stdout)["trials"][0]["network"]
    assert network["isolated"] is True
    if machine().watching is None:
        assert "192.0.2.1:9" in [one["target"] for one in network["attempts"]]
    else:
        assert network["attempts"] is None


def test_upstreams_way_is_there_for_comparison(tmp_path: Path) -> None:
    teacher = teach(tmp_path / "plain", calls=False)
    program = tmp_path / "apr"
    program.write_text("#!/bin/sh\necho anything at all\n")
    program.chmod(0o755)
    done = ccpa("--teacher", str(teacher / TEACHER), "--compat", "upstream", "--apr-bin", str(program), "--json")
    assert (done.returncode, json.loads(done.stdout)["score"]) == (0, 1.0)


def test_the_page_of_the_schema_names_every_key(teacher: Path) -> None:
    content = json.loads(ccpa("--teacher", str(teacher), "--student", student(), "--json").stdout)
    whole, trial = pages.keys("ccpa-measure-v1.md")
    assert whole == list(content)
    assert trial == list(content["trials"][0])
