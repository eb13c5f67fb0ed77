"""What a test run starts ends with it, even when it is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.mortal import mortal

_RUN = """
import subprocess, sys, time
print(subprocess.Popen(sys.argv[1:]).pid, flush=True)
time.sleep(600)
"""
_LONG = 120  # seconds after which the test has failed


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process end with its parent")
def test_it_ends_when_who_started_it_is_killed() -> None:
    said = [sys.executable, "-c", "import time; print('runs', flush=True); time.sleep(600)"]
    command = [
        sys.executable,
        "-c",
        "import os, sys; sys.path.insert(0, sys.argv[1]); from tests.mortal import mortal; ",
    ]
    command[-1] += "os.execv(sys.executable, [sys.executable, '-c', sys.argv[2], *mortal(*sys.argv[3:])])"
    root = str(Path(__file__).parents[2])
    with subprocess.Popen([*command, root, _RUN, *said], stdout=subprocess.PIPE, encoding="ascii") as run:
        try:
            assert run.stdout is not None
            child = int(run.stdout.readline())
            assert run.stdout.readline() == "runs\n"  # what was asked for has begun, under the id that was told
            assert _lives(child)
        finally:
            run.kill()
        until = time.monotonic() + _LONG
        while _lives(child):
            assert time.monotonic() < until
            time.sleep(0.02)


def test_it_becomes_the_command_with_its_status_and_output() -> None:
    done = subprocess.run(
        mortal(sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "a b", "-c"),
        capture_output=True,
        encoding="ascii",
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("['a b', '-c']\n", "", 7)


def test_who_has_lost_its_parent_already_does_not_begin() -> None:
    command = mortal(sys.executable, "-c", "print('begun')")
    other = [one if place != 4 else "1" for place, one in enumerate(command)]  # the parent that it expects
    assert subprocess.run(other, capture_output=True, check=True).stdout == b""
