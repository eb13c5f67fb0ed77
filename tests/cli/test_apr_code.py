"""The real program `apr code`: what it does in a folder, what it prints, what it writes down, and how it ends."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from apr.actions.reading import read_trace
from apr.actions.tree import EXCLUDED, snapshot, tree_sha256
from apr.formats import open_model
from apr.text.tokenizer import Tokenizer
from tests.action_traces import answer, call, end, plain, prompt, save, start, text, with_calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.action_traces import Record

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ENVIRONMENT = os.environ | {"NO_COLOR": "1"}
# the least a template can be; the second has a place for tools
TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
WITH_TOOLS = "{% if tools %}<tool_call>{% endif %}" + TEMPLATE


def code(*arguments: str | Path, cwd: Path, stdin: str | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "apr", "code", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, input=stdin, capture_output=True, text=True, encoding="utf-8", check=False, env=ENVIRONMENT, timeout=120, **more
    )  # fmt: skip


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n")
    return folder


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[list[Record]], Path]:
    return lambda records: save(tmp_path / "recorded.ccpa-trace.jsonl", records)


def records(path: Path) -> list[Any]:
    return [entry.record for entry in read_trace(path)]


WORKING = with_calls(
    [("Read", {"file_path": "a.txt"})],
    [
        ("Write", {"file_path": "b.txt", "content": "two\n"}),
        ("Edit", {"file_path": "a.txt", "old_string": "one", "new_string": "1"}),
    ],
    [("Read", {"file_path": "../secret"})],
)


def test_a_recording_works_on_the_files_and_is_traced(
    work: Path, recorded: Callable[..., Path], tmp_path: Path
) -> None:
    before = tree_sha256(snapshot(work, EXCLUDED))
    begun = time.time()
    trace = tmp_path / "out.ccpa-trace.jsonl"
    done = code("-p", "do it", "--answers-from", recorded(WORKING), "--emit-trace", trace, cwd=work)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    lines = done.stderr.splitlines()
    assert lines[:3] == ["Read a.txt", "Write b.txt", "Edit a.txt"]
    assert lines[3].startswith("Read ../secret: ")
    assert lines[4:] == ["consumed all 4 recorded turns", f"traced to {trace}"]
    assert ((work / "a.txt").read_text(), (work / "b.txt").read_text()) == ("1\n", "two\n")
    written = records(trace)
    assert [one["kind"] for one in written] == [one["kind"] for one in WORKING]
    first = written[0]
    assert UUID7.fullmatch(first["session_id"])
    assert int(first["session_id"].replace("-", "")[:12], 16) / 1000 == pytest.approx(begun, abs=60)
    assert first["ts"].endswith("Z")
    assert (first["actor"], first["cwd_sha256"]) == ("apr-code", before)
    results = [one for one in written if one["kind"] == "tool_result"]
    assert [one["ok"] for one in results] == [True, True, True, False]
    assert [one.get("side_effects") for one in results] == [
        {"files_read": ["a.txt"]}, {"files_written": ["b.txt"]}, results[2]["side_effects"], None
    ]  # fmt: skip
    ids = [
        block["id"] for one in written if one["kind"] == "assistant_turn" for block in one["blocks"] if "id" in block
    ]
    assert len(set(ids)) == 4
    assert not any(one.startswith("call-") for one in ids)
    assert written[-1]["elapsed_ms"] < 60_000


def test_two_runs_differ_in_names_and_times_only(work: Path, recorded: Callable[..., Path], tmp_path: Path) -> None:
    def once(number: int) -> str:
        (work / "a.txt").write_text("one\n")
        (work / "b.txt").unlink(missing_ok=True)
        path = tmp_path / f"{number}.jsonl"
        done = code("-p", "do it", "--answers-from", recorded(WORKING), "--emit-trace", path, cwd=work)
        assert done.returncode == 0, done.stderr
        written = records(path)
        content = path.read_text()
        for one in (written[0]["session_id"], written[0]["ts"], f'"elapsed_ms":{written[-1]["elapsed_ms"]}'):
            content = content.replace(one, "…")
        for block in (block for one in written if "blocks" in one for block in one["blocks"] if "id" in block):
            content = content.replace(block["id"], "…")
        return content

    assert once(1) == once(2)


def test_the_trace_s_own_file_is_no_part_of_the_tree(work: Path, recorded: Callable[..., Path]) -> None:
    before = tree_sha256(snapshot(work, EXCLUDED))
    for _ in range(2):  # the second run finds the first one's trace
        done = code("-p", "hi", "--answers-from", recorded(plain()), "--emit-trace", "out.jsonl", cwd=work)
        assert done.returncode == 0, done.stderr
        assert records(work / "out.jsonl")[0]["cwd_sha256"] == before
    assert sorted(path.name for path in work.iterdir()) == ["a.txt", "out.jsonl"]


def test_nobody_sees_a_trace_that_is_being_written(work: Path, recorded: Callable[..., Path]) -> None:
    listing = with_calls([("Glob", {"pattern": "**/*"}), ("Bash", {"command": "echo x > c.txt"})])
    done = code("-p", "hi", "--answers-from", recorded(listing), "--emit-trace", "out.jsonl", "--allow-bash", cwd=work)
    assert done.returncode == 0, done.stderr
    listed, ran = (one for one in records(work / "out.jsonl") if one["kind"] == "tool_result")
    assert listed["content"] == "a.txt"
    assert ran["side_effects"] == {"files_written": ["c.txt"], "exit_code": 0}


def test_a_plain_prompt_gives_the_four_records(work: Path, recorded: Callable[..., Path], tmp_path: Path) -> None:
    done = code(
        "-p", "-", "--answers-from", recorded(plain("hello")), "--emit-trace", tmp_path / "t", cwd=work, stdin="say ü\n"
    )
    assert (done.returncode, done.stdout) == (0, "hello\n")
    session, asked, said, ended = records(tmp_path / "t")
    assert session["kind"] == "session_start"
    assert asked == {"v": 1, "kind": "user_prompt", "turn": 0, "text": "say ü\n"}
    assert said == {"v": 1, "kind": "assistant_turn", "turn": 1, "blocks": [{"type": "text", "text": "hello"}], "stop_reason": "end_turn"}  # fmt: skip
    assert ended | {"elapsed_ms": 0} == {"v": 1, "kind": "session_end", "turn": 1, "stop_reason": "end_turn", "elapsed_ms": 0, "tokens_in": 0, "tokens_out": 0}  # fmt: skip


def test_json_says_what_was_done(work: Path, recorded: Callable[..., Path], tmp_path: Path) -> None:
    done = code("-p", "x", "--answers-from", recorded(WORKING), "--emit-trace", tmp_path / "t", "--json", cwd=work)
    content = json.loads(done.stdout)
    calls = content.pop("tool_calls")
    trace = content.pop("trace")
    assert content == {
        "schema": "apr-code-v1", "model": "recorded:tiny", "text": "done", "stop": "end_turn", "problem": None, "turns": 4,
        "stops": ["tool_use", "tool_use", "tool_use", "end_turn"], "tokens": {"in": 0, "out": 0},
    }  # fmt: skip
    assert [(one["turn"], one["name"], one["ok"]) for one in calls] == [
        (1, "Read", True), (2, "Write", True), (2, "Edit", True), (3, "Read", False)
    ]  # fmt: skip
    assert trace["path"] == str(tmp_path / "t")
    assert trace["sha256"] == hashlib.sha256((tmp_path / "t").read_bytes()).hexdigest()
    assert trace["session_id"] == records(tmp_path / "t")[0]["session_id"]


# ends that are none

CUT = [start(), prompt(), answer(1, call("Read", {"file_path": "a.txt"})), end(1, "error")]
BEYOND = [start(), prompt(), answer(1), prompt("more", 1), answer(2), end(2)]


@pytest.mark.parametrize(
    ("recording", "more", "said", "turn"),
    [
        (CUT, (), "the session needs a turn 2, and 1 were recorded", 2),
        (BEYOND, (), "ended after 1 of 2 recorded turns", 1),
        (WORKING, ("--max-turns", "2"), "wanted to go on after 2 turns", 2),
    ],
)
def test_a_session_that_does_not_end_well(
    work: Path,
    recorded: Callable[..., Path],
    tmp_path: Path,
    recording: list[Any],
    more: tuple[str, ...],
    said: str,
    turn: int,
) -> None:
    done = code(
        "-p", "x", "--answers-from", recorded(recording), "--emit-trace", tmp_path / "t", *more, "--json", cwd=work
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "consumed all" not in done.stderr
    assert json.loads(done.stdout)["stop"] == "error"
    assert said in json.loads(done.stdout)["problem"]
    last = records(tmp_path / "t")[-1]
    assert (last["stop_reason"], last["turn"]) == ("error", turn)


@pytest.mark.parametrize("stop", ["max_tokens", "stop_sequence"])
def test_every_stop_is_the_recording_s(work: Path, recorded: Callable[..., Path], tmp_path: Path, stop: str) -> None:
    recording = [start(), prompt(), answer(1, text("x"), stop=stop), end(1, stop)]
    done = code("-p", "x", "--answers-from", recorded(recording), "--emit-trace", tmp_path / "t", cwd=work)
    assert done.returncode == 0
    assert ("cut off" in done.stderr) == (stop == "max_tokens")
    assert [one["stop_reason"] for one in records(tmp_path / "t")[-2:]] == [stop, stop]


def test_bash_needs_to_be_allowed(work: Path, recorded: Callable[..., Path], tmp_path: Path) -> None:
    recording = recorded(with_calls([("Bash", {"command": "echo x > made; exit 3"})]))
    refused = code("-p", "x", "--answers-from", recording, "--emit-trace", tmp_path / "t", cwd=work)
    assert refused.returncode == 0
    assert not (work / "made").exists()
    assert records(tmp_path / "t")[3]["ok"] is False
    allowed = code("-p", "x", "--answers-from", recording, "--emit-trace", tmp_path / "t", "--allow-bash", cwd=work)
    assert allowed.returncode == 0
    assert (work / "made").read_text() == "x\n"
    assert records(tmp_path / "t")[3]["side_effects"] == {"files_written": ["made"], "exit_code": 3}


def test_a_tool_that_was_not_given_is_refused(work: Path, recorded: Callable[..., Path]) -> None:
    done = code("-p", "x", "--answers-from", recorded(WORKING), "--tools", "Read,Edit", "--json", cwd=work)
    assert [one["ok"] for one in json.loads(done.stdout)["tool_calls"]] == [True, False, True, False]
    assert not (work / "b.txt").exists()


def test_the_folder_is_the_one_that_is_named(work: Path, recorded: Callable[..., Path], tmp_path: Path) -> None:
    done = code("-p", "x", "--answers-from", recorded(WORKING), "--cwd", work, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (work / "b.txt").exists()
    assert not (tmp_path / "b.txt").exists()


# traces that cannot be written


@pytest.mark.parametrize("place", ["no/such/folder/t", ".", "/dev/full", "/dev/null", "a.txt/t"])
def test_a_place_that_cannot_be_written_is_known_before_anything_is_done(
    work: Path, recorded: Callable[..., Path], place: str
) -> None:
    done = code("-p", "x", "--answers-from", recorded(WORKING), "--emit-trace", place, cwd=work)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert (done.stdout, sorted(path.name for path in work.iterdir())) == ("", ["a.txt"])


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """No coverage of the programs that are run: what it writes down would hit the same limit."""
    monkeypatch.delitem(ENVIRONMENT, "COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.mark.usefixtures("unmeasured")
def test_a_full_disk_costs_the_trace_and_not_the_answer(
    work: Path, recorded: Callable[..., Path], tmp_path: Path
) -> None:
    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))

    place = tmp_path / "out" / "t"
    place.parent.mkdir()
    done = code(
        "-p", "x", "--answers-from", recorded(plain("the answer")), "--emit-trace", place, cwd=work, preexec_fn=full
    )
    assert (done.returncode, done.stdout) == (2, "the answer\n")
    assert "traced" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"apr: error: {place}: the trace cannot be written: ")
    assert list(place.parent.iterdir()) == []


@pytest.mark.usefixtures("unmeasured")
def test_a_disk_that_fills_up_meanwhile_does_not_stop_the_work(
    work: Path, recorded: Callable[..., Path], tmp_path: Path
) -> None:
    long = ("Write", {"file_path": "long", "content": "x" * 20_000})  # more than is held back before it is written
    recording = recorded(with_calls([long], [("Write", {"file_path": "b.txt", "content": "two\n"})]))
    done = code(
        "-p", "x", "--answers-from", recording, "--emit-trace", tmp_path / "t", "--json", cwd=work,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_100, 20_100)),
    )  # fmt: skip
    assert done.returncode == 2
    assert (work / "b.txt").read_text() == "two\n"
    content = json.loads(done.stdout)
    assert (content["stop"], content["turns"], content["trace"]) == ("end_turn", 3, None)
    assert not (tmp_path / "t").exists()


@pytest.mark.usefixtures("unmeasured")
def test_a_trace_that_was_there_stays_when_the_new_one_cannot_be_written(
    work: Path, recorded: Callable[..., Path], tmp_path: Path
) -> None:
    place = save(tmp_path / "t", plain("old"))
    before = place.read_bytes()
    done = code(
        "-p", "x", "--answers-from", recorded(plain("new")), "--emit-trace", place, cwd=work,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)),
    )  # fmt: skip
    assert done.returncode == 2
    assert place.read_bytes() == before


@pytest.mark.parametrize(("number", "code_"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_session_leaves_a_whole_trace(
    work: Path, recorded: Callable[..., Path], tmp_path: Path, number: signal.Signals, code_: int
) -> None:
    recording = with_calls(
        [("Write", {"file_path": "b", "content": "x"})], [("Bash", {"command": "touch begun; sleep 60"})]
    )
    command = [sys.executable, "-m", "apr", "code", "-p", "x", "--answers-from", str(recorded(recording)), "--emit-trace", str(tmp_path / "t"), "--allow-bash"]  # fmt: skip
    # the tests may have been started with SIGINT ignored, which a program inherits
    process = subprocess.Popen(
        command, cwd=work, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (work / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code_, ""), err
    written = records(tmp_path / "t")
    assert [one["kind"] for one in written[-2:]] == ["assistant_turn", "session_end"]
    assert (written[-1]["turn"], written[-1]["stop_reason"]) == (2, "error")


# usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--prompt"),
        (("-p", ""), "the prompt is empty"),
        (("-p", "\udcff"), "no valid Unicode"),
        (("-p", "x", "--max-turns", "0"), "must be 1 or more"),
        (("-p", "x", "--max-tokens", "none"), "not a whole number"),
        (("-p", "x", "--tools", "Reed"), "did you mean Read"),
        (("-p", "x", "--tools", "Read,Bash"), "--allow-bash"),
        (("-p", "x", "--cwd", "a.txt"), "a.txt"),
        (("-p", "x", "--cwd", "nowhere"), "nowhere"),
        (("-p", "x", "--answers-from", "nowhere"), "nowhere"),
        (("-p", "x", "--answers-from", "a.txt"), "a.txt:1"),
        (("-p", "x", "--answers-from", "t", "--model", "m"), "--model"),
        (("-p", "x", "--answers-from", "t", "--greedy"), "--greedy"),
        (("-p", "x", "--model", "nowhere.gguf"), "nowhere.gguf"),
        (("-p", "x", "--greedy", "--top-k", "4"), "greedy or sampled"),
        (("-p", "x", "--hooks", "nowhere"), "nowhere"),
        (("-p", "x", "--hooks", "a.txt"), "neither TOML nor JSON"),
    ],
)
def test_what_cannot_be_done_is_one_message(work: Path, arguments: tuple[str, ...], message: str) -> None:
    done = code(*arguments, cwd=work)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)


def test_a_prompt_that_no_record_holds_is_refused(work: Path, recorded: Callable[..., Path], tmp_path: Path) -> None:
    options = ("--answers-from", recorded(plain()), "--emit-trace", tmp_path / "t")
    assert code("-p", "-", *options, cwd=work, stdin="x" * (9 << 20)).returncode == 2
    assert not (tmp_path / "t").exists()
    assert code("-p", "-", *options, cwd=work, stdin="x" * (7 << 20)).returncode == 0
    assert len(records(tmp_path / "t")[1]["text"]) == 7 << 20


# hooks and skills


@pytest.mark.parametrize("name", ["hooks.toml", "hooks.json"])
def test_hooks_and_skills_are_in_the_trace(
    work: Path, recorded: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    hook = {"event": "PreToolUse", "matcher": "Write|Edit", "command": "echo no writing; exit 2"}
    toml = "[[hooks]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in hook.items())
    (tmp_path / name).write_text(json.dumps({"hooks": [hook]}) if name.endswith("json") else toml)
    (work / ".apr" / "skills").mkdir(parents=True)
    (work / ".apr" / "skills" / "tidy.md").write_text("Be tidy.\n")
    done = code(
        "-p", "/tidy a.txt", "--answers-from", recorded(WORKING), "--hooks", tmp_path / name, "--emit-trace", tmp_path / "t", cwd=work
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "skill tidy" in done.stderr
    assert "hook of PreToolUse: block: no writing" in done.stderr
    assert not (work / "b.txt").exists()
    written = records(tmp_path / "t")
    assert written[1]["text"] == "/tidy a.txt"
    assert written[2] == {"v": 1, "kind": "skill_invocation", "turn": 0, "name": "tidy", "source": "user_invoked", "instructions_injected": True}  # fmt: skip
    hooked = [one for one in written if one["kind"] == "hook_event"]
    assert hooked == [
        {"v": 1, "kind": "hook_event", "turn": 3, "event": "PreToolUse", "matcher": tool, "decision": "block", "exit_code": 2, "output": "no writing"}
        for tool in ("Write", "Edit")
    ]  # fmt: skip
    assert [one["ok"] for one in written if one["kind"] == "tool_result"] == [True, False, False, False]


def test_a_skill_that_is_not_there_is_noted(work: Path, recorded: Callable[..., Path]) -> None:
    done = code("-p", "/tidy", "--answers-from", recorded(plain()), cwd=work)
    assert done.returncode == 0
    assert "there is no skill 'tidy'" in done.stderr


# models


def test_a_model_answers_in_text_where_its_template_knows_no_tools(
    work: Path, tiny_llama: Callable[..., Path], tmp_path: Path
) -> None:
    model = tiny_llama(metadata=(("tokenizer.chat_template", TEMPLATE), ("general.name", "Tiny One")))
    options = ("--model", model, "--engine", "numpy", "--max-tokens", "4", "--emit-trace", tmp_path / "t")
    done = code("-p", "hi", *options, "--json", cwd=work)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert "has no place for tools" in done.stderr
    assert content["model"] == "Tiny One"
    assert (content["stop"], content["tokens"]["out"]) == ("max_tokens", 4)
    assert "cut off" in done.stderr
    written = records(tmp_path / "t")
    assert [one["kind"] for one in written] == ["session_start", "user_prompt", "assistant_turn", "session_end"]
    assert written[2]["blocks"] == [{"type": "text", "text": content["text"]}]
    tokens = Tokenizer.from_file(open_model(model)).encode("user: hi\nassistant: ")
    assert written[3]["tokens_in"] == content["tokens"]["in"] == len(tokens)
    quiet = code("-p", "hi", *options, "--tools", "none", cwd=work)
    assert "place for tools" not in quiet.stderr


def test_sampling_is_seeded(work: Path, tiny_llama: Callable[..., Path]) -> None:
    model = tiny_llama(metadata=(("tokenizer.chat_template", TEMPLATE),))

    def sampled(seed: str) -> Any:
        options = ("--temperature", "3", "--seed", seed, "--max-tokens", "12", "--tools", "none", "--engine", "numpy")
        return json.loads(code("-p", "hi", "--model", model, *options, "--json", cwd=work).stdout)["text"]

    assert sampled("1") == sampled("1") != sampled("2")


def test_a_prompt_that_does_not_fit_ends_the_session_with_an_error(
    work: Path, tiny_llama: Callable[..., Path], tmp_path: Path
) -> None:
    model = tiny_llama(context=16, metadata=(("tokenizer.chat_template", TEMPLATE),))
    done = code(
        "-p",
        "hi" * 40,
        "--model",
        model,
        "--engine",
        "numpy",
        "--tools",
        "none",
        "--emit-trace",
        tmp_path / "t",
        cwd=work,
    )
    assert done.returncode == 2
    assert "do not fit" in done.stderr
    assert [(one["kind"], one.get("stop_reason")) for one in records(tmp_path / "t")[1:]] == [
        ("user_prompt", None), ("session_end", "error")
    ]  # fmt: skip


@pytest.mark.real_model
@pytest.mark.oracle
def test_the_real_model_answers(work: Path, tmp_path: Path) -> None:
    done = code("--model", "smollm2", "-p", "What is 2+2?", "--emit-trace", tmp_path / "t", cwd=work)
    assert (done.returncode, done.stdout) == (0, "The answer to this classic math problem is 4.\n"), done.stderr
    written = records(tmp_path / "t")
    assert [one["kind"] for one in written] == ["session_start", "user_prompt", "assistant_turn", "session_end"]
    assert (written[2]["stop_reason"], written[3]["stop_reason"]) == ("end_turn", "end_turn")
    assert written[3]["tokens_in"] > 20
    assert written[3]["tokens_out"] == 11
    assert written[3]["elapsed_ms"] > 0


# on a terminal


def test_a_terminal_is_shown_text_and_calls_as_they_come(work: Path, recorded: Callable[..., Path]) -> None:
    steering = with_calls([("Read", {"file_path": "a\x1b[2J.txt"})])
    steering[2]["blocks"].insert(0, text("I look\x1b[2J."))
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "apr", "code", "-p", "x", "--answers-from", str(recorded(steering))],
        cwd=work, env=ENVIRONMENT | {"TERM": "xterm"}, stdin=subprocess.DEVNULL, stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(leader, 65536):
            shown += part
    os.close(leader)
    assert process.wait(timeout=60) == 0
    lines = shown.decode().replace("\r\n", "\n").splitlines()
    assert lines[0] == r"I look\x1b[2J."
    assert lines[1].startswith(r"Read a\x1b[2J.txt: ")
    assert lines[2:] == ["done", "consumed all 2 recorded turns"]


# the page about it

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "apr-code.md"


def rows(after: str) -> list[list[str]]:
    """The cells of the first table behind a line of the page."""
    behind = PAGE.read_text("utf-8").partition(after)[2].splitlines()
    first = next(number for number, line in enumerate(behind) if line.startswith("| --- "))
    table = itertools.takewhile(lambda line: line.startswith("|"), behind[first + 1 :])
    return [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


def test_the_page_knows_every_way_to_call_tools() -> None:
    from apr.agent.tool_calls import FORMATS

    assert [(name, re.findall(r"`([^`]+)`", signs)) for name, signs, _ in rows("tells which way it is")] == [
        (format_.name, list(format_.signs)) for format_ in FORMATS
    ]


def test_the_page_s_hooks_can_be_read_and_it_knows_every_event(tmp_path: Path) -> None:
    from apr.agent.hooks import EVENTS, Hooks

    (tmp_path / "hooks.toml").write_text(PAGE.read_text("utf-8").partition("```toml\n")[2].partition("```")[0])
    assert [hook.event for hook in Hooks.of(tmp_path / "hooks.toml", tmp_path).hooks] == ["PreToolUse", "Stop"]
    assert [event for event, *_ in rows("ends the\nsession with an error")] == list(EVENTS)


def test_the_page_s_hook_does_what_it_says(work: Path, recorded: Callable[..., Path], tmp_path: Path) -> None:
    toml = PAGE.read_text("utf-8").partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "hooks.toml").write_text(toml.partition('[[hooks]]\nevent = "Stop"')[0])
    recording = recorded(with_calls([("Write", {"file_path": name, "content": "x"}) for name in ("vendor/a", "own")]))
    done = code("-p", "x", "--answers-from", recording, "--hooks", tmp_path / "hooks.toml", "--json", cwd=work)
    assert [one["ok"] for one in json.loads(done.stdout)["tool_calls"]] == [False, True]
    assert "vendor/ is not ours" in done.stderr


def test_the_page_lists_what_json_says(work: Path, recorded: Callable[..., Path]) -> None:
    content = json.loads(code("-p", "x", "--answers-from", recorded(plain()), "--json", cwd=work).stdout)
    paragraph = PAGE.read_text("utf-8").partition("`--json` prints")[2].partition("\n\n")[0]
    assert all(f"`{key}`" in paragraph for key in content.keys() - {"schema"})
