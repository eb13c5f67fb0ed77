"""The real program `ccpa replay`: what it does again, what it says about it, and how it ends."""

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
from typing import TYPE_CHECKING, Any

import pytest

from apr.actions.reading import read_trace
from apr.actions.tree import snapshot, tree_sha256
from apr.sandbox import machine
from apr.sandbox.report import Attempt
from tests import pages, programs
from tests.action_traces import answer, call, end, hook, plain, prompt, result, save, start, text, with_calls

if TYPE_CHECKING:
    from tests.action_traces import Record

ROOT = Path(__file__).resolve().parents[2]
ccpa = functools.partial(programs.ccpa, NO_COLOR="1")


def code(before: Path, tmp_path: Path, records: list[Record], *more: str) -> Path:
    """A session that really ran: what `records` answer, done by `apr code` in a copy of `before`."""
    work, authored, recorded = tmp_path / "first", tmp_path / "authored.jsonl", tmp_path / "recorded.jsonl"
    shutil.copytree(before, work)
    save(authored, records)
    command = [sys.executable, "-m", "apr", "code", "-p", records[1]["text"], "--cwd", str(work)]
    done = subprocess.run(
        [*command, "--answers-from", str(authored), "--emit-trace", str(recorded), *more],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return recorded


def tree(folder: Path) -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a.py").write_text("one\ntwo\n")
    (folder / "gone.txt").write_text("bye\n")
    return folder


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return tree(tmp_path / "before")


READ, EDIT = (
    ("Read", {"file_path": "src/a.py"}),
    ("Edit", {"file_path": "src/a.py", "old_string": "one", "new_string": "1"}),
)
WRITE = ("Write", {"file_path": "new.txt", "content": "n\n"})
WORK = with_calls([READ], [EDIT, WRITE], [("Grep", {"pattern": "two"})])


@pytest.fixture(scope="module")
def recorded_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    return code(tree(folder / "before"), folder, WORK)


@pytest.fixture
def teacher(recorded_work: Path, tmp_path: Path) -> Path:
    """A copy of the recording of `WORK`, which many tests begin with."""
    shutil.copy(recorded_work, tmp_path / "recorded.jsonl")
    return tmp_path / "recorded.jsonl"


def bash(command: str, **changes: Any) -> list[Record]:
    return with_calls([("Bash", {"command": command})], **changes)


def replayed(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.stdout, done.stderr
    content = json.loads(done.stdout)
    assert content["schema"] == "ccpa-replay-v1"
    return content


def test_a_session_comes_out_as_it_was_recorded(before: Path, tmp_path: Path, teacher: Path) -> None:
    done = ccpa("replay", teacher, "--before", before, "--twice", "--json", cwd=tmp_path)
    content = replayed(done)
    assert (done.returncode, content["passes"], content["problems"]) == (0, True, []), content
    assert content["turns"] == {"recorded": 4, "consumed": 4}
    assert content["files"] == {"new.txt": "created", "src/a.py": "changed"}
    assert content["deterministic"] is True
    assert (content["diff"]["score"], content["diff"]["matched"]) == (1.0, 4)
    assert content["diff"]["supports"] == "no-false-alarm"  # the calls agree by construction
    assert (before / "src" / "a.py").read_text() == "one\ntwo\n"
    assert not (before / "new.txt").exists()
    if machine() == type(machine())():
        assert (content["isolated"], content["attempts"], content["outward"], content["notes"]) == (True, [], 0, [])


def test_for_people(before: Path, tmp_path: Path, teacher: Path) -> None:
    done = ccpa("replay", teacher, "--before", before, cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert lines[0] == "AS RECORDED"
    assert "turns:     4 of 4 consumed" in lines
    assert "files:     new.txt created, src/a.py changed" in lines
    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_has_every_key(before: Path, tmp_path: Path, teacher: Path) -> None:
    content = replayed(ccpa("replay", teacher, "--before", before, "--json", cwd=tmp_path))
    attempt = Attempt("inet", "192.0.2.1", 80, "tcp", "curl", 1, loopback=False)
    assert pages.keys("ccpa-replay-v1.md") == [list(content), list(attempt.as_json())]


def test_the_sample_of_the_how_to() -> None:
    """What the page shows is what is printed first."""
    if machine() != type(machine())():
        pytest.skip(str(machine()))
    page = (ROOT / "docs" / "how-to" / "no-network.md").read_text(encoding="utf-8")
    command, *shown = page.partition("```\n$ ccpa ")[2].partition("\n```")[0].splitlines()
    done = ccpa(*command.split(), cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[: len(shown)] == shown


def test_nothing_is_done_in_another_tree(before: Path, tmp_path: Path) -> None:
    teacher = code(before, tmp_path, bash(f"date >> {tmp_path}/ran"), "--allow-bash")
    assert len((tmp_path / "ran").read_text().splitlines()) == 1
    (tmp_path / "other").mkdir()
    for arguments, where in (([], "an empty folder"), (["--before", "other"], "other")):
        done = ccpa("replay", teacher, "--allow-bash", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"ccpa: error: {where}: the session started from tree "), done.stderr
        assert "--before" in done.stderr
    assert len((tmp_path / "ran").read_text().splitlines()) == 1


@pytest.mark.parametrize("change", ["content", "ok", "files"])
def test_a_result_that_was_recorded_otherwise_is_a_drift(before: Path, tmp_path: Path, change: str) -> None:
    teacher = code(before, tmp_path, WORK)
    records = [dict(entry.record) for entry in read_trace(teacher)]
    place = next(place for place, record in enumerate(records) if record["kind"] == "tool_result")
    pair = tmp_path / "pair"
    pair.mkdir()
    if change == "content":
        records[place]["content"] += "and more"
    elif change == "ok":
        records[place]["ok"] = False
    else:
        shutil.copytree(tmp_path / "first", pair / "teacher-after")
        (pair / "teacher-after" / "new.txt").write_text("other\n")
    for name in ("teacher", "student"):
        save(pair / f"{name}.ccpa-trace.jsonl", records)
    shutil.copytree(before, pair / "before")
    done = ccpa("replay", pair, "--json", cwd=tmp_path)
    content = replayed(done)
    expected = "mismatched_file_state" if change == "files" else "mismatched_tool_result"
    assert (done.returncode, [drift["category"] for drift in content["diff"]["drifts"]]) == (1, [expected])
    assert content["problems"] == ["it drifted"]
    less = replayed(ccpa("replay", pair, "--json", "--results", "ok", cwd=tmp_path))
    assert less["passes"] == (change == "content")


def test_paths_below_the_folder_of_the_teacher(before: Path, tmp_path: Path) -> None:
    home = "/home/somebody/project"
    calls = with_calls(
        [
            ("Read", {"file_path": f"{home}/src/a.py"}),
            ("Write", {"file_path": f"{home}/p.txt", "content": f"{home}/x\n"}),
        ],
        actor="claude-code",
        cwd_sha256=tree_sha256(snapshot(before)),
    )
    teacher = save(tmp_path / "teacher.jsonl", calls)
    there = replayed(
        ccpa(
            "replay",
            teacher,
            "--before",
            before,
            "--cwd",
            home,
            "--keep",
            "kept",
            "--json",
            "--results",
            "ok",
            cwd=tmp_path,
        )
    )
    assert (there["passes"], there["files"]) == (True, {"p.txt": "created"}), there
    assert (tmp_path / "kept" / "p.txt").read_text() == f"{home}/x\n"
    assert there["diff"]["supports"] == "no-false-alarm"  # whatever agent the answers are from, they are its own
    nowhere = replayed(ccpa("replay", teacher, "--before", before, "--json", "--results", "ok", cwd=tmp_path))
    assert (nowhere["passes"], nowhere["files"]) == (False, {})


def test_the_trace_and_the_folder_are_kept(before: Path, tmp_path: Path, teacher: Path) -> None:
    done = ccpa(
        "replay", teacher, "--before", before, "--keep", "kept", "--emit-trace", "out.jsonl", "--json", cwd=tmp_path
    )
    content = replayed(done)
    assert (done.returncode, content["kept"], content["trace"]) == (0, "kept", "out.jsonl")
    assert (tmp_path / "kept" / "new.txt").read_text() == "n\n"
    ours, theirs = (read_trace(path) for path in (tmp_path / "out.jsonl", teacher))
    assert [entry.record["kind"] for entry in ours] == [entry.record["kind"] for entry in theirs]
    assert ours[0].record["session_id"] != theirs[0].record["session_id"]
    again = ccpa("replay", teacher, "--before", before, "--keep", "kept", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (
        2,
        "ccpa: error: --keep: kept is there already, and is no empty folder\n",
    )
    lost = ccpa("replay", teacher, "--emit-trace", "absent/out.jsonl", cwd=tmp_path)
    assert lost.returncode == 2
    assert "absent" in lost.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("ccpa-replay-")) == []


def test_a_tree_that_nobody_may_write_is_worked_in_all_the_same(before: Path, tmp_path: Path, teacher: Path) -> None:
    """Its copy is the owner's to write, or tools of a user who is not root could not do what was recorded."""
    (before / "src" / "a.py").chmod(0o444)
    for folder in (before / "src", before):
        folder.chmod(0o555)
    done = ccpa("replay", teacher, "--before", before, "--keep", "kept", cwd=tmp_path)
    assert done.returncode == 0
    for name in ("", "src", "gone.txt"):
        assert (tmp_path / "kept" / name).stat().st_mode & 0o200
    assert before.stat().st_mode & 0o777 == 0o555, "the source stays as it was"


def test_commands_run_only_where_they_are_allowed(before: Path, tmp_path: Path) -> None:
    teacher = code(before, tmp_path, bash("wc -l < src/a.py; rm gone.txt"), "--allow-bash")
    allowed = replayed(ccpa("replay", teacher, "--before", before, "--allow-bash", "--json", cwd=tmp_path))
    assert (allowed["passes"], allowed["files"]) == (True, {"gone.txt": "deleted"})
    refused = replayed(ccpa("replay", teacher, "--before", before, "--json", cwd=tmp_path))
    assert (refused["passes"], refused["files"]) == (False, {})
    assert refused["notes"] == ["the session ran commands; they were refused (--allow-bash lets them run)"]


def test_files_that_a_command_left_are_those_of_the_pair(before: Path, tmp_path: Path) -> None:
    teacher = code(before, tmp_path, bash("echo new > src/b.py"), "--allow-bash")
    pair = tmp_path / "pair"
    shutil.copytree(before, pair / "before")
    shutil.copytree(tmp_path / "first", pair / "teacher-after")
    for name in ("teacher", "student"):
        shutil.copyfile(teacher, pair / f"{name}.ccpa-trace.jsonl")
    same = replayed(ccpa("replay", pair, "--allow-bash", "--json", cwd=tmp_path))
    assert (same["passes"], same["diff"]["files_unknown"]) == (True, None)
    (pair / "teacher-after" / "src" / "b.py").write_text("old\n")
    other = replayed(ccpa("replay", pair, "--allow-bash", "--json", cwd=tmp_path))
    drifts = [(drift["category"], drift["label"]) for drift in other["diff"]["drifts"]]
    assert (other["passes"], drifts) == (False, [("mismatched_file_state", "src/b.py")])


def test_a_command_that_tries_the_network_is_named(before: Path, tmp_path: Path) -> None:
    for reason in (machine().network, machine().watching, machine().names):
        if reason is not None:
            pytest.skip(reason)
    command = "getent hosts api.anthropic.com; (exec 3<>/dev/tcp/192.0.2.1/443) 2>/dev/null; true"
    sha = tree_sha256(snapshot(before))
    records = [
        start(cwd_sha256=sha),
        prompt(),
        answer(1, call("Bash", {"command": command})),
        result(2, content="(no output)", exit_code=0),
    ]
    teacher = save(tmp_path / "teacher.jsonl", [*records, answer(2), end(2)])
    arguments = ("replay", teacher, "--before", before, "--allow-bash")
    content = replayed(done := ccpa(*arguments, "--json", cwd=tmp_path))
    assert done.returncode == 1
    assert content["problems"] == ["the network was tried"], content["diff"]["drifts"]
    outward = [one for one in content["attempts"] if not one["loopback"]]
    assert [(one["program"], one["target"]) for one in outward] == [
        ("getent", "api.anthropic.com"),
        ("bash", "192.0.2.1:443"),
    ]
    assert content["outward"] == 2
    shown = ccpa(*arguments, cwd=tmp_path).stdout
    assert shown.startswith("NOT AS RECORDED: the network was tried\n")
    assert "tried to reach the network" in shown
    assert "192.0.2.1:443" in shown


def test_two_replays_that_differ(before: Path, tmp_path: Path) -> None:
    teacher = code(before, tmp_path, bash("cat /proc/sys/kernel/random/uuid"), "--allow-bash")
    arguments = ("replay", teacher, "--before", before, "--allow-bash", "--results", "ok", "--json")
    once = replayed(ccpa(*arguments, cwd=tmp_path))
    assert (once["passes"], once["deterministic"]) == (True, None)
    twice = replayed(done := ccpa(*arguments, "--twice", cwd=tmp_path))
    assert (done.returncode, twice["deterministic"], twice["problems"]) == (1, False, ["two replays differ"])
    assert twice["difference"].startswith("line 4: ")
    left = bash("cat /proc/sys/kernel/random/uuid > id.txt")
    (tmp_path / "other").mkdir()
    teacher = code(before, tmp_path / "other", left, "--allow-bash")
    files = replayed(ccpa("replay", teacher, *arguments[2:], "--twice", cwd=tmp_path))
    assert files["difference"] == "the files that were left: id.txt"


def test_a_plain_prompt_has_nothing_to_compare(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    records = plain()
    records[0]["cwd_sha256"] = tree_sha256(snapshot(empty))
    content = replayed(
        done := ccpa("replay", save(tmp_path / "t.jsonl", records), "--before", empty, "--json", cwd=tmp_path)
    )
    assert (done.returncode, content["problems"]) == (1, ["there was nothing to compare"])
    assert content["turns"] == {"recorded": 1, "consumed": 1}


def test_turns_that_are_left_over(tmp_path: Path) -> None:
    """A recording that a hook made go on: without the hook the session ends where the model wanted to."""
    (tmp_path / "empty").mkdir()
    sha = tree_sha256(snapshot(tmp_path / "empty"))
    records = [
        start(cwd_sha256=sha),
        prompt(),
        answer(1, text("a")),
        hook(1, "Stop", "block"),
        answer(2, text("b")),
        end(2),
    ]
    teacher = save(tmp_path / "t.jsonl", records)
    content = replayed(done := ccpa("replay", teacher, "--json", cwd=tmp_path))
    assert done.returncode == 1
    assert content["turns"]["recorded"] == 2
    assert "missing_hook_event" in {drift["category"] for drift in content["diff"]["drifts"]}


def test_turns_that_nobody_asks_for(before: Path, tmp_path: Path, teacher: Path) -> None:
    hooks = tmp_path / "hooks.toml"
    hooks.write_text('[[hooks]]\nevent = "PreToolUse"\nmatcher = "Write"\ncommand = "exit 3"\n')
    done = ccpa("replay", teacher, "--before", before, "--hooks", hooks, "--json", cwd=tmp_path)
    content = replayed(done)
    assert (done.returncode, content["turns"]) == (1, {"recorded": 4, "consumed": 2})
    assert "2 of 4 recorded turns were consumed" in content["problems"]


@pytest.mark.parametrize("stop", ["error", "end_turn"])
def test_sessions_that_ended_badly_end_so_again(tmp_path: Path, stop: str) -> None:
    """With the limit of turns reached before the tools of the last turn ran, or with these run."""
    (tmp_path / "before").mkdir()
    sha = tree_sha256(snapshot(tmp_path / "before"))
    asked = answer(1, call("Write", {"file_path": "new.txt", "content": "n\n"}))
    records = [start(cwd_sha256=sha), prompt(), asked]
    if stop == "end_turn":
        records.append(result(2, content="written"))
    teacher = save(tmp_path / "t.jsonl", [*records, end(2 if stop == "end_turn" else 1, "error")])
    content = replayed(ccpa("replay", teacher, "--json", "--results", "ok", cwd=tmp_path))
    assert content["passes"], content
    assert content["exit_code"] == 1
    assert content["files"] == ({} if stop == "error" else {"new.txt": "created"})


@pytest.mark.parametrize("words", ["-", "--help", "a\nb\r\nc", "x" * 200_000, "nul \0 inside", "ünï 漢字"])
def test_odd_prompts_arrive_as_they_are(tmp_path: Path, words: str) -> None:
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "f").write_text("f\n")
    records = with_calls([("Read", {"file_path": "f"})], cwd_sha256=tree_sha256(snapshot(tmp_path / "before")))
    records[1] = prompt(words)
    teacher = save(tmp_path / "t.jsonl", records)
    done = ccpa("replay", teacher, "--before", "before", "--results", "ok", "--json", cwd=tmp_path)
    content = replayed(done)
    assert content["passes"], content["problems"]


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([start(), prompt(), answer(1), prompt("more", 1), answer(2), end(2)], "the trace has 2 prompts"),
        (plain()[:-1], "[bracketing]"),
    ],
)
def test_traces_that_cannot_be_replayed(tmp_path: Path, records: list[Record], said: str) -> None:
    done = ccpa("replay", save(tmp_path / "t.jsonl", records), cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value"), [("--timeout", "0"), ("--timeout", "nan"), ("--timeout", "x"), ("--keep", ".")]
)
def test_arguments_that_mean_nothing(tmp_path: Path, name: str, value: str) -> None:
    teacher = save(tmp_path / "t.jsonl", plain())
    done = ccpa("replay", teacher, name, value, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert name in done.stderr


@pytest.mark.parametrize("way", ["timeout", "interrupt"])
def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path, way: str) -> None:
    (tmp_path / "empty").mkdir()
    sha = tree_sha256(snapshot(tmp_path / "empty"))
    teacher = save(tmp_path / "t.jsonl", bash(f"echo $$ > {tmp_path}/began; exec sleep 299", cwd_sha256=sha))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "apr.ccpa", "replay", str(teacher), "--allow-bash"),
            *(["--timeout", "4"] if way == "timeout" else []),
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    )
    until = time.monotonic() + 60
    while not (tmp_path / "began").is_file() or not (tmp_path / "began").read_text():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    pid = int((tmp_path / "began").read_text())
    if way == "interrupt":
        process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    if way == "interrupt":
        assert (process.returncode, said) == (130, "")
    else:
        assert (process.returncode, "ended after 4 s" in said) == (2, True)
    until = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < until, "it still runs"
        time.sleep(0.02)


def test_isolation_that_is_required_and_not_to_be_had(before: Path, tmp_path: Path, teacher: Path) -> None:
    if machine().network is not None:
        pytest.skip(str(machine().network))
    shell = (
        "unshare --user --map-root-user sh -c 'echo 0 > /proc/sys/user/max_user_namespaces;"
        ' exec setpriv --bounding-set -all --inh-caps -all "$PY" -m apr.ccpa replay "$T" --before "$B" --json \'"$1"'
    )
    for option, code_ in (("", 0), ("--require-isolation", 2)):
        done = subprocess.run(
            ["/bin/sh", "-c", shell, "sh", option],
            env=os.environ | {"PY": sys.executable, "T": str(teacher), "B": str(before)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code_, done.stderr
        if option:
            assert done.stderr.startswith("ccpa: error: the network cannot be kept from a program on this machine: ")
            assert done.stdout == ""
        else:
            content = replayed(done)
            assert (content["passes"], content["isolated"]) == (True, False)
            assert content["reason"].startswith("no new network namespace")
            assert content["notes"] == [f"the network was not kept away: {content['reason']}"]


def test_closed_standard_streams_are_nobodys_files(before: Path, teacher: Path) -> None:
    command = 'exec "$0" -m apr.ccpa replay "$1" --before "$2" <&- 2>&-'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, str(teacher), str(before)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout.split("\n")[0]) == (0, "AS RECORDED"), done.stdout
