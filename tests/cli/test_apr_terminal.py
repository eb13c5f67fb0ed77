"""What changes when a terminal is at the other end: colour, and progress on long jobs; neither anywhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

JOB = """
import sys, time
from apr.console import Progress
with Progress("counting\\x1b[5m", 4, unit="bytes") as meter:
    for _ in range(4):
        time.sleep(float(sys.argv[1]))
        meter.advance()
"""


def on_terminal(command: list[str], **env: str) -> tuple[int, str]:
    """Runs a command with standard output and error on a pseudo-terminal."""
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
        env=inherited | {"TERM": "xterm", "COLUMNS": "200"} | env,
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    return process.wait(timeout=60), shown.decode(errors="replace")


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_table_is_dressed_up_on_a_terminal_only(env: dict[str, str], coloured: bool, tmp_path: object) -> None:
    code, shown = on_terminal([sys.executable, "-m", "apr", "list"], APR_CACHE_DIR=str(tmp_path), **env)
    assert code == 0
    assert "smollm2" in shown
    assert ("\x1b[" in shown) == coloured


def test_progress_appears_on_a_terminal_when_a_job_lasts() -> None:
    code, shown = on_terminal([sys.executable, "-c", JOB, "0.4"])
    assert code == 0
    assert r"counting\x1b[5m" in shown
    assert "4/4 bytes" in shown


def test_progress_stays_away_from_short_jobs_and_from_pipes() -> None:
    assert on_terminal([sys.executable, "-c", JOB, "0.01"]) == (0, "")
    piped = subprocess.run([sys.executable, "-c", JOB, "0.4"], capture_output=True, text=True, timeout=60, check=True)
    assert (piped.stdout, piped.stderr) == ("", "")


def test_without_rich_a_terminal_is_like_anything_else() -> None:
    table = "from apr.console import print_table; print_table(('a', 'b'), [('1', '2')])"
    for job, expected in ((JOB, ""), (table, "a  b\r\n1  2\r\n")):
        code, shown = on_terminal([sys.executable, "-c", f"import sys; sys.modules['rich'] = None\n{job}", "0.4"])
        assert (code, shown) == (0, expected)


def test_what_is_printed_beside_the_bar_goes_where_it_was_sent(tmp_path: Path) -> None:
    job = JOB.replace("        meter.advance()", "        meter.advance()\n        print('said', flush=True)")
    script = f'"$1" -c "$2" 0.4 > {tmp_path / "out"}'
    code, shown = on_terminal(["/bin/sh", "-c", script, "sh", sys.executable, job])
    assert (code, (tmp_path / "out").read_text()) == (0, "said\n" * 4)
    assert "counting" in shown
    assert "said" not in shown
    code, shown = on_terminal([sys.executable, "-c", job, "0.4"])
    assert (code, shown.count("said")) == (0, 4)
