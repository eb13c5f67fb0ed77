"""What a command of a contract is given, and what is said of how it ended; nothing here needs a session of pytest."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pv.evidence import Evidence
from pv.limits import ShellLimits
from pv.shelltest import running
from pv.shelltest.falsifier import runs_as_written
from pv.shelltest.plan import plan_of
from pv.signals import Inconclusive, Refuted
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv.parse import Contract

LIMITS = ("AS", "FSIZE", "CORE")
PROBE = (
    f"import json, os, resource; kinds = [getattr(resource, 'RLIMIT_' + name) for name in {LIMITS}]; "
    "print(json.dumps({'limits': [resource.getrlimit(one) for one in kinds], 'cwd': os.getcwd(), "
    "'home': os.environ['HOME'], 'tmp': os.environ['TMPDIR'], 'leads': os.getsid(0) == os.getpid()}))"
)


def run(*argv: str, project: Path, seconds: float = 60.0, memory: int = 1 << 30) -> running.Finished:
    return running.run(argv, project, ShellLimits(seconds=seconds, memory=memory))


@pytest.fixture
def judged(contract_of: Callable[..., Contract], tmp_path: Path) -> Callable[[str], None]:
    """Runs a text as the test of a claim."""
    (claim, *_) = contract_of().claims

    def judge(text: str) -> None:
        runs_as_written(replace(claim, test=text), None, Evidence(tmp_path), (tmp_path, ShellLimits()))

    return judge


def test_limits_are_hard_and_every_folder_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hard limit is one that a command cannot raise again."""
    monkeypatch.setattr(running, "FILE_BYTES", 12_345_678)
    done = run(sys.executable, "-I", "-S", "-c", PROBE, project=tmp_path)
    assert (done.status, done.over) == (0, ""), done.output
    said = json.loads(done.output)
    wanted = []
    for name, value in zip(LIMITS, (1 << 30, 12_345_678, 0), strict=True):
        hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        wanted.append([allowed, allowed])
    assert said["limits"] == wanted
    top = Path(said["cwd"]).parent
    assert (Path(said["home"]), Path(said["tmp"])) == (top / "home", top / "tmp")
    assert said["leads"]  # a session of its own, so that it has no terminal


def test_a_file_beyond_the_limit_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the signal, as everywhere: Python ignores it, and who is started by Python would."""
    monkeypatch.setattr(running, "FILE_BYTES", 20_000)
    done = run("sh", "-c", "exec head -c 100000 /dev/zero > x", project=tmp_path)
    assert done == (-signal.SIGXFSZ, "", "")


def test_a_pipe_that_nobody_reads_ends_its_writer(tmp_path: Path) -> None:
    assert run("sh", "-c", "yes | head -n 1", project=tmp_path) == (0, "y\n", "")


def test_standard_input_is_empty_though_the_session_has_one(tmp_path: Path) -> None:
    kept, (ours, theirs) = os.dup(0), os.pipe()
    try:
        os.write(theirs, b"what the session was given\n")
        os.close(theirs)
        os.dup2(ours, 0)
        assert run("cat", project=tmp_path) == (0, "", "")
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(ours)


def test_the_time_is_the_one_that_was_given(tmp_path: Path) -> None:
    assert run("sleep", "20", project=tmp_path, seconds=0.2).over == "time"


def test_of_what_it_prints_the_end_is_kept(tmp_path: Path) -> None:
    done = run("sh", "-c", "head -c 200000 /dev/zero; printf end", project=tmp_path)
    assert (len(done.output), done.output[-4:]) == (1 << 16, "\0end")


def test_a_verdict_quotes_a_little_of_it(judged: Callable[[str], None]) -> None:
    with pytest.raises(Refuted) as caught:
        judged("head -c 50000 /dev/zero | tr '\\0' x | grep x && printf '%s\\n' 1 2 3 4 5 6 7 8 9 10 end && (exit 3)")
    assert caught.value.message.endswith(": 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | end")
    with pytest.raises(Refuted) as caught:
        judged("head -c 50000 /dev/zero | tr '\\0' x; (exit 3)")
    assert caught.value.message.endswith("ended with 3: …" + 2000 * "x")


@pytest.mark.parametrize(
    ("test", "reason", "words"),
    [
        ("test -d '\0'", "not runnable", "its command holds a NUL character"),
        ("test -d / && /etc/passwd --check", "no program", "names a program that cannot be run"),  # status 126
    ],
)
def test_what_cannot_be_run_refutes_nothing(judged: Callable[[str], None], test: str, reason: str, words: str) -> None:
    with pytest.raises(Inconclusive) as caught:
        judged(test)
    assert (caught.value.reason, words in caught.value.text) == (reason, True), caught.value


def test_a_status_above_128_that_is_no_signal_refutes(judged: Callable[[str], None]) -> None:
    with pytest.raises(Refuted, match="ended with 255"):
        judged("sh -c 'exit 255' || exit $?")


def test_a_signal_that_a_shell_tells_of_is_an_error(judged: Callable[[str], None]) -> None:
    """As a status above 128; the shell itself ends as usual."""
    with pytest.raises(UsageProblem, match="ended by SIGSEGV"):
        judged("sh -c 'kill -SEGV $$' || exit $?")


@pytest.mark.parametrize("text", ["exec test -d /nowhere", "ulimit -n 10", "A=b test -d /nowhere"])
def test_what_only_a_shell_does_is_handed_to_one(text: str, tmp_path: Path) -> None:
    plan = plan_of(text, tmp_path, running.search_path())
    assert (plan.argv[1:], plan.shell in {"bash", "sh"}) == (("-c", text), True)
