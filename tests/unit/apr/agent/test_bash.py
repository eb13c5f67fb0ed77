"""Bash: what a command may see, take and leave behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from apr.agent.processes import Finished, Kept, run_watched
from apr.agent.tools import Toolbox
from apr.agent.tools import bash as bash_module

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def root(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.txt").write_text("one\n")
    return work


@pytest.fixture
def box(root: Path) -> Iterator[Toolbox]:
    toolbox = Toolbox(root, ["Bash"], allow_bash=True)
    yield toolbox
    toolbox.close()


def alive(mark: str) -> list[int]:
    """Processes, but for this one, whose command line holds the mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in line:
                found.append(int(entry.name))
    return found


def test_a_command_runs_in_the_folder_and_says_what_it_printed(box: Toolbox, root: Path) -> None:
    outcome = box.call("Bash", {"command": "pwd; echo err >&2; cat a.txt", "description": "look around"})
    assert (outcome.ok, outcome.content, outcome.exit_code) == (True, f"{root}\nerr\none", 0)
    assert box.call("Bash", {"command": "true"}).content == "(no output)"


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("exit 3", 3, "[exit code 3]"),
        ("echo no; false", 1, "no\n[exit code 1]"),
        ("kill -9 $$", 137, "[exit code 137]"),
        ("kill -TERM $$", 143, "[exit code 143]"),
        ("cat", 0, "(no output)"),  # standard input is empty
        ("printf 'a\\377b'", 0, "a\ufffdb"),
        ("cd /; x=1", 0, "(no output)"),
    ],
)
def test_the_exit_code_is_told(command: str, code: int, said: str, box: Toolbox) -> None:
    outcome = box.call("Bash", {"command": command})
    assert (outcome.ok, outcome.exit_code, outcome.content) == (code == 0, code, said)


@pytest.mark.parametrize("command", ["", " \n", "echo \0", "echo " + "x" * 100_000])
def test_a_command_that_cannot_be_one_is_refused(command: str, box: Toolbox) -> None:
    outcome = box.call("Bash", {"command": command})
    assert (outcome.ok, outcome.exit_code) == (False, None)


def test_our_own_standard_input_is_not_the_command_s(root: Path) -> None:
    program = "from pathlib import Path; from apr.agent.tools import Toolbox\n"
    program += "print(Toolbox(Path('.'), ['Bash'], True).call('Bash', {'command': 'cat'}).content)"
    done = subprocess.run([sys.executable, "-c", program], input=b"ours", cwd=root, capture_output=True, check=True)
    assert done.stdout == b"(no output)\n"


def test_a_long_command_that_is_allowed_reaches_bash(box: Toolbox) -> None:
    outcome = box.call("Bash", {"command": f"echo {'x' * 99_000} | wc -c"})
    assert outcome.content == "99001"


def test_nothing_of_our_environment_but_a_few_words_is_seen(
    box: Toolbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "BASH_ENV", "LD_PRELOAD_NOT", "http_proxy"):
        monkeypatch.setenv(name, f"{tmp_path}/credential")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    said = box.call("Bash", {"command": "env; ls -A ~"}).content
    assert "credential" not in said
    names = {line.partition("=")[0] for line in said.splitlines() if "=" in line}
    assert names <= {"PATH", "LANG", "LANGUAGE", "TZ", "LC_ALL", "HOME", "TMPDIR", "TERM", "PAGER", "PWD", "SHLVL", "_"}
    home = next(line.removeprefix("HOME=") for line in said.splitlines() if line.startswith("HOME="))
    assert home != os.environ.get("HOME")
    assert not Path(home).exists()


def test_time_is_up_for_the_command_and_all_that_it_started(box: Toolbox) -> None:
    started = time.monotonic()
    mark = f"4{os.getpid()}.125"
    command = f"echo begun; sleep {mark} & setsid sleep {mark} & (trap '' TERM INT HUP; sleep {mark}); wait"
    outcome = box.call("Bash", {"command": command, "timeout": 400})
    assert time.monotonic() - started < 20
    assert (outcome.ok, outcome.exit_code, outcome.content) == (False, 137, "begun\n[ended after 0.4 seconds]")
    assert alive(mark) == []


@pytest.mark.parametrize(
    "leave",
    [
        "sleep {mark} &",
        "sleep {mark} & disown -a",
        "setsid sleep {mark} &",
        "(setsid nohup sleep {mark} >/dev/null 2>&1 &)",
        "(setsid bash -c 'sleep {mark} & sleep {mark} & wait' &) ; sleep 0.2",
        "env -i /bin/sh -c 'setsid sleep {mark} &'",
        "sleep {mark} & kill -STOP $!",
    ],
)
def test_what_a_command_leaves_running_is_ended_with_it(leave: str, box: Toolbox) -> None:
    mark = f"5{os.getpid()}.25"
    started = time.monotonic()
    outcome = box.call("Bash", {"command": leave.format(mark=mark) + "\necho done"})
    assert (outcome.ok, outcome.content) == (True, "done")
    assert time.monotonic() - started < 20
    assert alive(mark) == []


def test_endless_output_keeps_its_head_and_its_tail(box: Toolbox) -> None:
    outcome = box.call("Bash", {"command": "echo first; yes | head -c 3000000; echo last"})
    assert outcome.content.startswith("first\ny\ny\n")
    assert outcome.content.endswith("y\nlast")
    assert "\n[2,970,0" in outcome.content
    assert len(outcome.content) < 30_100


def test_memory_and_file_size_have_limits(box: Toolbox, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bash_module, "BASH_MEMORY", 256 * 2**20)
    monkeypatch.setattr(bash_module, "BASH_FILE_BYTES", 1000)
    hungry = box.call("Bash", {"command": f"{sys.executable} -S -c 'x = bytearray(1 << 30)' 2>&1 | tail -1"})
    assert hungry.content == "MemoryError"
    big = box.call("Bash", {"command": "head -c 5000 /dev/zero > big"})
    assert big.exit_code == 128 + signal.SIGXFSZ
    assert (root / "big").stat().st_size == 1000
    monkeypatch.setattr(bash_module, "BASH_PROCESSES", 777)
    monkeypatch.setattr(bash_module, "_running", lambda: 1000)
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        said = box.call("Bash", {"command": "ulimit -c; ulimit -v; ulimit -u"}).content.split()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    assert said == ["0", str(256 * 2**10), "1777"]


def test_what_the_user_runs_already_does_not_count_against_a_command() -> None:
    process = subprocess.Popen(["sleep", "60"])  # noqa: S607 - found by PATH
    try:
        found = bash_module._running()
        assert found >= 2  # that one, and this process
        assert found >= len(list(Path("/proc/self/task").iterdir())) + 1
    finally:
        process.kill()
        process.wait()


def test_files_that_a_command_wrote_are_named(box: Toolbox, root: Path) -> None:
    (root / "b.txt").write_text("two\n")
    (root / "target").mkdir()
    (root / ".git").mkdir()
    (root / "sub").mkdir()
    command = (
        "echo 2 > a.txt; rm b.txt; echo 3 > sub/new; echo > target/x; echo > .git/x; echo > y.lock; ln -s a.txt link"
    )
    assert box.call("Bash", {"command": command}).files_written == ("a.txt", "b.txt", "link", "sub/new")
    assert box.call("Bash", {"command": "cat a.txt sub/new link; ls -R"}).files_written == ()
    # of the same size, and dated back
    command = "cp -p a.txt ~/as-it-was; printf '4\\n' > a.txt; touch -r ~/as-it-was a.txt"
    assert box.call("Bash", {"command": command}).files_written == ("a.txt",)


def test_a_folder_too_large_to_look_at_names_none(box: Toolbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bash_module, "_TREE", 0)
    assert box.call("Bash", {"command": "echo > new"}).files_written == ()


def test_what_could_not_be_ended_is_told() -> None:
    said = bash_module._told(Finished(0, "done\n", timed_out=False, seconds=0.1, left=2), 1.0)
    assert said == "done\n[2 processes run as another user and could not be ended]"


def test_bash_that_is_not_allowed_runs_nothing(root: Path) -> None:
    toolbox = Toolbox(root, ["Bash"], allow_bash=False)
    assert toolbox.schemas() == []
    outcome = toolbox.call("Bash", {"command": "touch made"})
    assert (outcome.ok, outcome.content) == (False, "Bash is not allowed in this session.")
    assert not (root / "made").exists()
    toolbox.close()


def test_an_interrupt_ends_the_command_and_all_that_it_started(tmp_path: Path) -> None:
    mark = f"6{os.getpid()}.5"
    program = (
        "import sys; from pathlib import Path; from apr.agent.tools import Toolbox\n"
        f"Toolbox(Path('.'), ['Bash'], True).call('Bash', {{'command': 'setsid sleep {mark} & sleep {mark}'}})\n"
    )
    for number, code in ((signal.SIGINT, -signal.SIGINT), (signal.SIGKILL, -signal.SIGKILL)):
        process = subprocess.Popen(
            [sys.executable, "-c", program], cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True
        )
        _until(lambda: len([pid for pid in alive(mark) if pid != process.pid]) >= 2)  # noqa: B023 - used at once
        process.send_signal(number)
        assert process.wait(30) == code
        _until(lambda: alive(mark) == [])


def _until(true: object) -> None:
    deadline = time.monotonic() + 30
    assert callable(true)
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_program_that_is_not_there_is_told_like_a_shell_does(tmp_path: Path) -> None:
    done = run_watched(["no-such-program"], cwd=tmp_path, env={"PATH": os.defpath}, seconds=10)
    assert (done.exit_code, done.output) == (127, "no-such-program cannot be run: No such file or directory\n")
    done = run_watched(["true"], cwd=tmp_path / "missing", env={"PATH": os.defpath}, seconds=10)
    assert done.exit_code == 127


def test_a_command_that_ends_its_watcher_is_ended_too_and_told(box: Toolbox) -> None:
    mark = f"7{os.getpid()}.5"
    outcome = box.call("Bash", {"command": f"sleep {mark} & kill -9 $PPID; sleep {mark}"})
    assert (outcome.ok, outcome.content) == (
        False,
        "the command ended the process that watched over it, and was ended.",
    )
    _until(lambda: alive(mark) == [])


def test_somebody_can_be_told_that_it_goes_on(tmp_path: Path) -> None:
    told = []
    run_watched(
        ["sleep", "0.6"], cwd=tmp_path, env={"PATH": os.defpath}, seconds=10, tick=lambda: told.append(time.monotonic())
    )
    assert len(told) >= 2


@pytest.mark.parametrize(
    ("pieces", "limit", "text"),
    [
        ([b"abc"], 10, "abc"),
        ([b"abcdefghijkl"], 4, "ab\n[8 characters left out]\nkl"),
        ([b"a"] * 12, 4, "aa\n[8 characters left out]\naa"),
        (["ä".encode()[:1], "ä".encode()[1:]], 4, "ä"),
        ([b"\xff", b"\xc3"], 4, "\ufffd\ufffd"),
    ],
)
def test_what_is_kept_of_an_output(pieces: list[bytes], limit: int, text: str) -> None:
    kept = Kept(limit)
    for piece in pieces:
        kept.add(piece)
    assert kept.text() == text
