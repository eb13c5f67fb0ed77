"""A program's output, its end, and the end of what it leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apr.errors import AprError, UnusableInput
from apr.sandbox import Confined, machine, run
from apr.sandbox import running as running_module

PYTHON = sys.executable


def python(code: str, cwd: Path, **options: object) -> Confined:
    return run([PYTHON, "-c", code], cwd=cwd, timeout=60, **options)  # type: ignore[arg-type]  # run's own


def test_output_exit_code_environment_and_descriptors(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "sys.stdout.buffer.write(b'out \\xff'); sys.stderr.write(os.environ['GIVEN'] + str(sorted(os.environ))[:0])\n"
        "assert sys.stdin.read() == ''\n"
        "assert sorted(map(int, os.listdir('/proc/self/fd')))[:3] == [0, 1, 2]\n"
        "assert len(os.listdir('/proc/self/fd')) == 4, os.listdir('/proc/self/fd')\n"
        "assert 'HOME' not in os.environ and 'PYTHONPATH' not in os.environ\n"
        "sys.exit(7)\n"
    )
    done = python(code, tmp_path, env={"GIVEN": "x"})
    assert (done.returncode, done.stdout, done.stderr) == (7, "out \N{REPLACEMENT CHARACTER}", "x")
    assert run(["kill", "-TERM", "0"], cwd=tmp_path, timeout=60).returncode in (-signal.SIGTERM, 0)
    assert run(["sh", "-c", "kill -9 $$"], cwd=tmp_path, timeout=60).returncode == -signal.SIGKILL


def test_what_is_read_from_standard_input(tmp_path: Path) -> None:
    text = bytes(range(256)) * 4096
    done = run([PYTHON, "-c", "import sys; print(sum(sys.stdin.buffer.read()))"], cwd=tmp_path, stdin=text)
    assert done.stdout == f"{sum(text)}\n"


def test_signals_do_what_they_always_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # measuring sets a handler
    code = "import signal; print([signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGPIPE)][0] == signal.SIG_DFL)"
    assert python(code, tmp_path).stdout == "True\n"
    assert run(["sh", "-c", "yes | head -1; trap - TERM; kill $$; sleep 9"], cwd=tmp_path, timeout=60).returncode == -15


def test_much_output_is_kept_at_both_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "_KEPT", 1000)
    done = python("import sys; sys.stdout.write('a' * 600 + 'b' * 5_000_000 + 'c' * 600)", tmp_path)
    assert done.stdout == "a" * 500 + "c" * 500
    assert done.dropped == 5_000_200
    exact = python("import sys; sys.stdout.write('a' * 500 + 'b' * 500)", tmp_path)
    assert (exact.stdout, exact.dropped) == ("a" * 500 + "b" * 500, 0)


def alive(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody has buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int) -> bool:
    until = time.monotonic() + 20
    while alive(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


LEAVE = "setsid sh -c 'echo $$ > {file}; exec sleep 300' >/dev/null 2>&1 & while ! [ -s {file} ]; do sleep 0.01; done"


def test_what_is_left_running_is_ended(tmp_path: Path) -> None:
    done = run(["sh", "-c", LEAVE.format(file="left")], cwd=tmp_path, timeout=60)
    assert done.returncode == 0
    assert gone(int((tmp_path / "left").read_text()))


def test_time_is_up_for_the_whole_tree(tmp_path: Path) -> None:
    script = LEAVE.format(file="left") + "; echo before; (exec 3<>/dev/tcp/127.0.0.1/9); sleep 300"
    done = run(["bash", "-c", script], cwd=tmp_path, timeout=3)
    assert (done.returncode, done.timed_out, done.stdout) == (-signal.SIGKILL, True, "before\n")
    assert gone(int((tmp_path / "left").read_text()))
    if machine().watching is None:
        assert done.attempts is not None
        assert [attempt.target for attempt in done.attempts if attempt.family == "inet"] == ["127.0.0.1:9"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_who_asked(tmp_path: Path, number: signal.Signals) -> None:
    script = LEAVE.format(file="left") + "; echo $$ > own; sleep 300"
    code = f"from apr.sandbox import run; from pathlib import Path; run(['sh', '-c', {script!r}], cwd=Path('.'))"
    process = subprocess.Popen(
        [PYTHON, "-c", f"import signal; signal.signal(2, signal.default_int_handler); {code}"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 30
    while not (tmp_path / "own").is_file() or not (tmp_path / "own").read_text():
        assert time.monotonic() < until, "it did not start"
        time.sleep(0.01)
    process.send_signal(number)
    assert process.stderr is not None
    said = process.communicate(timeout=30)[1]
    assert process.returncode == -number
    assert ("KeyboardInterrupt" in said) == (number == signal.SIGINT)
    for name in ("left", "own"):
        assert gone(int((tmp_path / name).read_text()))


@pytest.mark.parametrize(
    ("argv", "folder", "said"),
    [
        (["no-such-program-anywhere"], ".", "no-such-program-anywhere: No such file or directory"),
        (["/"], ".", "/: Permission denied"),
        (["true"], "absent", "No such file or directory"),
    ],
)
def test_a_program_that_cannot_be_started(tmp_path: Path, argv: list[str], folder: str, said: str) -> None:
    with pytest.raises(UnusableInput, match=r"the program cannot be run: .*") as caught:
        run(argv, cwd=tmp_path / folder, timeout=60)
    assert said in str(caught.value)


def test_somebody_is_told_while_it_takes_its_time(tmp_path: Path) -> None:
    times: list[float] = []
    run(["sleep", "0.6"], cwd=tmp_path, timeout=60, on_wait=lambda: times.append(time.monotonic()))
    assert len(times) >= 5


@pytest.mark.usefixtures("confined")
@pytest.mark.parametrize(("signal_number", "said"), [(signal.SIGKILL, "exit code -9"), (signal.SIGSTOP, "")])
def test_who_ends_or_stops_its_warden_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signal_number: int, said: str
) -> None:
    """Something that it left holds the outputs open."""
    machine()  # with all the patience that it needs
    monkeypatch.setattr(running_module, "_PATIENCE", 1.0)
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(20)\n    os._exit(0)\n"
        f"time.sleep(0.5); os.kill(os.getppid(), {int(signal_number)}); time.sleep(20)\n"
    )
    begun = time.monotonic()
    with pytest.raises(AprError, match=f"what confines the program ended before it: .*{said}"):
        run([PYTHON, "-c", code], cwd=tmp_path, timeout=3)
    assert time.monotonic() - begun < 15
