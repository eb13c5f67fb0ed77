"""The line that says how far a long falsifier is: seen on a terminal, gone afterwards, nowhere else."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytest_plugins = ["pytester"]

STEPS = """
    import time
    @pytest.fixture
    def engine(evidence):
        evidence.progress(0, 4, "loading")
    @falsifies("x-v1", "F-1")
    def one(engine, evidence, n):
        for done in range(1, 5):
            time.sleep(0.12)
            evidence.progress(done, 4, f"smollm2, layer {done}, attention")
        evidence.compared(1, "x")
        END
    @falsifies("x-v1", "F-2")
    def two(evidence):
        time.sleep(0.12)
        evidence.progress(7, None, "red\\x1b[31m")
        time.sleep(0.12)
        evidence.compared(1, "x")
"""
PICTURE = re.compile(r"\x1bD\x1bM\x1b7\x1bD\r\x1b\[2K(.*?)\x1b8", re.DOTALL)


@pytest.fixture
def steps(project: Any) -> Path:
    project.contract("id: F-1, params: {n: [16]}", "id: F-2")
    project.falsifiers(STEPS.replace("END", ""))
    root: Path = project.root
    return root


def on_terminal(root: Path, *arguments: str, columns: int = 100, environment: Mapping[str, str] | None = None) -> str:
    """What pytest writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "CI")}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider", *arguments],
        cwd=root,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=kept | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8"} | dict(environment or {}),
    )
    os.close(theirs)
    seen = bytearray()
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(ours, 4096):
            seen += part
    os.close(ours)
    assert process.wait() in (0, 1), seen.decode()
    return seen.decode()


def test_it_names_the_claim_the_stage_and_how_far_it_is(steps: Path) -> None:
    pictures = PICTURE.findall(on_terminal(steps))
    plain = [re.sub(r"\x1b\[\d*m", "", one) for one in pictures]
    shown = [one for one in plain if one]
    assert shown[0] == "░" * 20 + " 0/4 F-1[16]: loading"
    assert "█" * 10 + "░" * 10 + " 2/4 F-1[16]: smollm2, layer 2, attention" in shown
    assert shown[-1] == "7 F-2: red\\u{1b}[31m"  # nothing that a falsifier says drives the terminal
    assert any("\x1b[32m" in one for one in pictures)


def test_it_is_gone_before_pytest_says_how_it_went(steps: Path) -> None:
    *parts, last = PICTURE.split(on_terminal(steps))
    outside, pictures = parts[::2], parts[1::2]
    for before, picture in zip([*outside[1:], last], pictures, strict=True):
        assert not (picture and before), f"{before!r} is written over {picture!r}"
    assert pictures[-1] == ""
    assert pictures.count("") == 3  # after a fixture's and two falsifiers'


def test_ten_pictures_a_second_at_most(project: Any) -> None:
    project.contract("id: F-1")
    project.falsifiers("""
        @falsifies("x-v1", "F-1")
        def one(evidence):
            for done in range(200_000): evidence.progress(done, 200_000, "fast")
            evidence.compared(1, "x")
    """)
    seen = on_terminal(project.root)
    seconds = float(re.findall(r"in (\d+\.\d+)s", seen)[-1])
    assert len([one for one in PICTURE.findall(seen) if one]) <= 1 + seconds / 0.1


def test_a_narrow_terminal_gets_one_line(steps: Path) -> None:
    for one in PICTURE.findall(on_terminal(steps, columns=40)):
        assert len(re.sub(r"\x1b\[\d*m", "", one)) < 40


def test_without_colour_there_is_none(steps: Path) -> None:
    pictures = PICTURE.findall(on_terminal(steps, environment={"NO_COLOR": "1"}))
    assert any(pictures)
    assert not any("\x1b[" in one for one in pictures)


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(("-q",), {}), (("-n", "2"), {}), ((), {"TERM": "dumb"})],
    ids=["quiet", "n2", "dumb"],
)
def test_nothing_is_shown_where_it_would_disturb(
    steps: Path, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    seen = on_terminal(steps, *arguments, environment=environment)
    assert "layer" not in seen
    assert not PICTURE.search(seen)


def test_nothing_is_shown_where_output_is_piped(steps: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly"]
    done = subprocess.run(command, cwd=steps, capture_output=True, check=False, env=os.environ | {"TERM": "xterm"})
    assert done.returncode == 0
    assert b"layer" not in done.stdout + done.stderr
    assert b"\x1b" not in done.stdout


def test_what_is_captured_holds_nothing_of_it(project: Any) -> None:
    project.contract("id: F-1, params: {n: [16]}", "id: F-2")
    project.falsifiers(STEPS.replace("END", "raise ValueError(print('broken'))"))
    seen = on_terminal(project.root)
    captured = seen[seen.index("Captured stdout call") :]
    assert "broken" in captured
    assert "layer 3" not in PICTURE.sub("", captured)
